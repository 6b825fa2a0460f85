"""What is answered: to what was told, to a command, to a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.answers import Recorded
from services.domain.commands import (
    AcceptDecision,
    CancelTodo,
    Command,
    CompleteTodo,
    RejectDecision,
    ReopenTodo,
)
from services.domain.things import DECISION, NOTE, TODO, TRACK, Key, Thing, track_key
from services.identity import Identity
from services.projections import Hit
from services.projections.timeline import END
from services.refusals import MissingError, RefusedError
from services.service import Service
from services.telegram import lists, texts
from services.telegram.schedule import Hours
from services.telegram.texts import Said
from services.telegram.updates import number_of

SOURCE = "telegram"

MOST = 200
"""How many things are listed at most."""

MOST_HITS = 20

ACTIONS: Mapping[str, Callable[[int], Command]] = {
    "done": lambda number: CompleteTodo(number, source=SOURCE),
    "cancel": lambda number: CancelTodo(number, source=SOURCE),
    "reopen": lambda number: ReopenTodo(number, source=SOURCE),
    "accept": lambda number: AcceptDecision(number, source=SOURCE),
    "reject": lambda number: RejectDecision(number, source=SOURCE),
}
"""What a button or a command with a number asks for."""


@dataclass(frozen=True)
class Answers:
    """What is known, in words."""

    service: Service
    identity: Identity
    hours: Hours
    clock: Callable[[], datetime]

    async def taken_as(self, recorded: Recorded) -> Said:
        """What a message was taken as."""
        if len(recorded.entries) == 1:
            return Said(texts.KEPT)
        taken = recorded.entries[-1]
        key = _subject(taken.data) or taken.position
        thing = await self._thing(key)
        if thing is None:  # such as `done 99`, where there is no 99
            return Said(f"{texts.KEPT}; there is nothing with the number {key}")
        if taken.type == "TrackEntryAdded":
            return texts.entered(thing, str(taken.data["text"]))
        said = self._standing(thing)
        return said if recorded.undated is None else texts.undated(said, recorded.undated)

    async def act(self, verb: str, number: int, key: str) -> tuple[str, Said | None]:
        """Do what a button or a command asks for: what became of it, and how the thing stands now."""
        try:
            await self.service.record(ACTIONS[verb](number), key)
            already = ""
        except MissingError as error:
            return error.message, None
        except RefusedError:  # it was done before, or something else was
            already = " already"
        thing = await self.service.thing(number)
        return f"{thing.kind} {number} is {thing.state}{already}", self._standing(thing)

    async def press(self, verb: str, number: int, where: str, key: str) -> tuple[str, Said | None]:
        """The same for a button: one that is in the list `where` is answered with that list as it is now."""
        short, said = await self.act(verb, number, key)
        ask = _LISTS.get(where)
        return short, said if ask is None else await ask(self, "")

    async def command(self, name: str, rest: str, key: str) -> Said:
        """The answer to `/name rest`. `key` is the one of what it makes happen."""
        if name in ACTIONS:
            number = number_of(rest)
            if number is None:
                return Said(f"/{name} wants a number, such as /{name} 12")
            short, said = await self.act(name, number, key)
            return Said(short) if said is None else said
        ask = QUESTIONS.get(name)
        return (
            Said(f"there is no /{name}; /help says what there is") if ask is None else await ask(self, rest)
        )

    async def _todos(self, _rest: str) -> Said:
        found = await self._things(TODO, "open")
        return lists.todo_list(found, self.hours, self.clock())

    async def _decisions(self, _rest: str) -> Said:
        found = await self._things(DECISION, "proposed")
        return lists.decision_list(found, self.hours, self.clock())

    async def _notes(self, _rest: str) -> Said:
        return lists.note_list(await self._things(NOTE), self.hours, self.clock())

    async def _tracks(self, _rest: str) -> Said:
        return lists.track_list(await self._things(TRACK, "running"))

    async def _show(self, rest: str) -> Said:
        number = number_of(rest)
        thing = None if number is None else await self._thing(number)
        return Said(texts.NOTHING_FOUND) if thing is None else self._standing(thing)

    async def _search(self, rest: str) -> Said:
        if not rest:
            return Said("/search wants words, such as /search milk")
        told: list[Hit] = []
        taken: set[tuple[int, str]] = set()
        before = END
        # What was taken as something is found as both, and who asks for words has said them, perhaps often.
        while len(told) < MOST_HITS and (hits := await self._hits(rest, before)):
            taken |= {(hit.position, hit.time) for hit in hits}
            told += [hit for hit in hits if (hit.position + 1, hit.time) not in taken and hit.text[:1] != "/"]
            before = hits[-1].position
        return lists.hit_list([(hit.position, hit.type, hit.text) for hit in told[:MOST_HITS]])

    async def _hits(self, words: str, before: int) -> tuple[Hit, ...]:
        return await self.service.look(lambda models: models.search(words, before, MOST_HITS))

    async def _stats(self, _rest: str) -> Said:
        standing, counts = await self.service.look(lambda models: (models.standing(), models.counts()))
        return texts.stats(standing, counts)

    async def _status(self, _rest: str) -> Said:
        head = await self.service.head()
        perhaps = await self.service.look(lambda models: models.sendings(("announced",), MOST_HITS))
        who = {"environment": self.identity.environment, "release": self.identity.release}
        started = datetime.fromisoformat(self.identity.started_at)
        told = [(sending.about, sending.text) for sending in perhaps]
        return texts.status(who, head.position, told, self.hours, started)

    async def _help(self, _rest: str) -> Said:
        return Said(texts.HELP)

    async def _things(self, kind: str, *states: str) -> tuple[Thing, ...]:
        return await self.service.look(lambda models: models.things(kind, states=states, limit=MOST))

    async def _thing(self, key: Key) -> Thing | None:
        try:
            return await self.service.thing(key)
        except MissingError:
            return None

    def _standing(self, thing: Thing) -> Said:
        return texts.standing(thing, self.hours, self.clock())


_Question = Callable[[Answers, str], Awaitable[Said]]

_LISTS: Mapping[str, _Question] = {"todos": Answers._todos, "decisions": Answers._decisions}
"""Those with buttons."""

QUESTIONS: Mapping[str, _Question] = {
    **_LISTS,
    "notes": Answers._notes,
    "tracks": Answers._tracks,
    "show": Answers._show,
    "search": Answers._search,
    "stats": Answers._stats,
    "status": Answers._status,
    "help": Answers._help,
    "start": Answers._help,
}
"""The commands that change nothing."""


def _subject(data: Mapping[str, object]) -> Key | None:
    """What an event is about that was there before it."""
    for name in ("todo", "decision", "thing"):
        found = data.get(name)
        if isinstance(found, int):
            return found
    track = data.get("track")
    return track_key(track) if isinstance(track, str) else None
