"""Replies to messages, commands and buttons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.answers import Recorded
from services.domain.items import DECISION, NOTE, TODO, TRACK, Item, Key, track_key
from services.identity import Identity
from services.projections import counts, items, search, sendings
from services.projections.pages import END
from services.projections.search import Hit
from services.refusals import MissingError
from services.service import Service
from services.telegram import changes, lists, texts
from services.telegram.changes import Changes
from services.telegram.items import every
from services.telegram.schedule import Hours
from services.telegram.texts import Reply
from services.telegram.updates import number_of

MOST = 200
"""The most items of a list."""

MOST_HITS = 20


@dataclass(frozen=True)
class Answers:
    """Makes replies from the read models."""

    service: Service
    identity: Identity
    hours: Hours
    clock: Callable[[], datetime]
    login_link: Callable[[], str | None] = lambda: None
    """Makes a one-time link to the pages; None where their address is not known."""

    @property
    def _changes(self) -> Changes:
        return Changes(self.service, self.hours)

    async def taken_as(self, recorded: Recorded) -> Reply:
        """The item that a message became, as a short text."""
        if len(recorded.entries) == 1:
            return Reply(texts.RECORDED)
        taken = recorded.entries[-1]
        key = _subject(taken.data) or taken.position
        item = await self._item(key)
        if item is None:  # such as `done 99`, where there is no 99
            return Reply(f"{texts.RECORDED}; no item has the number {key}")
        if taken.type == "TrackEntryAdded":
            return texts.entered(item, str(taken.data["text"]))
        reply = self._standing(item)
        return reply if recorded.undated is None else texts.undated(reply, recorded.undated)

    async def press(self, verb: str, number: int, where: str, key: str) -> tuple[str, Reply | None]:
        """Carry out a button's action; return a short result, and the item as it is now.

        One in the list `where` is answered with that list.
        """
        short, item = await self._changes.act(verb, number, key)
        ask = _LISTS.get(where)
        if ask is not None:
            return short, await ask(self, "")
        return short, None if item is None else self._standing(item)

    async def command(self, name: str, rest: str, key: str, at: datetime) -> Reply:
        """The answer to `/name rest`, said at a time. `key` is the idempotency key of its effect."""
        if name in changes.COMMANDS:
            short, item = await self._changes.command(name, rest, key, at)
            return Reply(short) if item is None else self._standing(item)
        ask = QUESTIONS.get(name)
        return (
            Reply(f"unknown command /{name}; /help lists the commands")
            if ask is None
            else await ask(self, rest)
        )

    async def _todos(self, _rest: str) -> Reply:
        todos = await every(self.service, TODO, "open")  # what is overdue may be old
        return lists.todo_list(todos, self.hours, self.clock())

    async def _decisions(self, _rest: str) -> Reply:
        decisions = await self._items(DECISION, "proposed")
        return lists.decision_list(decisions, self.hours, self.clock())

    async def _notes(self, _rest: str) -> Reply:
        return lists.note_list(await self._items(NOTE), self.hours, self.clock())

    async def _tracks(self, _rest: str) -> Reply:
        return lists.track_list(await self._items(TRACK, "running"))

    async def standing(self, rest: str) -> Reply:
        """The item whose number `rest` begins with, as it stands."""
        number = number_of(rest.partition(" ")[0])
        item = None if number is None else await self._item(number)
        return Reply(texts.NOTHING_FOUND) if item is None else self._standing(item)

    async def _search(self, rest: str) -> Reply:
        if not rest:
            return Reply("/search needs words, such as /search milk")
        matching: list[Hit] = []
        before = END
        while len(matching) < MOST_HITS and (hits := await self._hits(rest, before)):
            # Who asks for words has said them, perhaps often.
            matching += [hit for hit in hits if hit.text[:1] != "/"]
            before = hits[-1].position
        return lists.hit_list(matching[:MOST_HITS])

    async def _hits(self, words: str, before: int) -> tuple[Hit, ...]:
        return await self.service.look(lambda models: search.search(models, words, before, MOST_HITS))

    async def _stats(self, _rest: str) -> Reply:
        standing, numbers = await self.service.look(
            lambda models: (items.standing(models), counts.counts(models))
        )
        return texts.stats(standing, numbers)

    async def _status(self, _rest: str) -> Reply:
        head = await self.service.head()
        perhaps = await self.service.look(lambda models: sendings.sendings(models, ("announced",), MOST_HITS))
        who = {"environment": self.identity.environment, "release": self.identity.release}
        started = datetime.fromisoformat(self.identity.started_at)
        uncertain = [(sending.about, sending.text) for sending in perhaps]
        return texts.status(who, head.position, uncertain, self.hours, started)

    async def _login(self, _rest: str) -> Reply:
        link = self.login_link()
        return Reply(texts.NO_ADDRESS) if link is None else Reply(texts.LOGIN, secret=link)

    async def _help(self, _rest: str) -> Reply:
        return Reply(texts.HELP)

    async def _items(self, kind: str, *states: str) -> tuple[Item, ...]:
        return await self.service.look(lambda models: items.items(models, kind, states=states, limit=MOST))

    async def _item(self, key: Key) -> Item | None:
        try:
            return await self.service.item(key)
        except MissingError:
            return None

    def _standing(self, item: Item) -> Reply:
        return texts.standing(item, self.hours, self.clock())


_Question = Callable[[Answers, str], Awaitable[Reply]]

_LISTS: Mapping[str, _Question] = {"todos": Answers._todos, "decisions": Answers._decisions}
"""Those with buttons."""

QUESTIONS: Mapping[str, _Question] = {
    **_LISTS,
    "notes": Answers._notes,
    "tracks": Answers._tracks,
    "show": Answers.standing,
    "search": Answers._search,
    "stats": Answers._stats,
    "status": Answers._status,
    "login": Answers._login,
    "help": Answers._help,
    "start": Answers._help,
}
"""The commands that change nothing."""


def _subject(data: Mapping[str, object]) -> Key | None:
    """The key of the item that an event is about."""
    for name in ("todo", "decision", "thing"):
        number = data.get(name)
        if isinstance(number, int):
            return number
    track = data.get("track")
    return track_key(track) if isinstance(track, str) else None
