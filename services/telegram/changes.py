"""The commands that change an item: `/done 12`, `/stop 7`, `/tag 12 home`, `/due 12 friday at 17`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.dates import when
from services.domain.commands import (
    AcceptDecision,
    AddTag,
    CancelTodo,
    Command,
    CompleteTodo,
    RejectDecision,
    RemoveTag,
    ReopenTodo,
    SetDue,
    StopTrack,
)
from services.domain.items import TRACK, Item
from services.domain.tags import has_tag, normal_tag
from services.refusals import MissingError, RefusedError
from services.service import Service
from services.snooze import DEFAULT, snooze
from services.telegram.schedule import Hours
from services.telegram.updates import number_of

SOURCE = "telegram"

NEVER = "none"

ACTIONS: Mapping[str, Callable[[int], Command]] = {
    "done": lambda number: CompleteTodo(number, source=SOURCE),
    "cancel": lambda number: CancelTodo(number, source=SOURCE),
    "reopen": lambda number: ReopenTodo(number, source=SOURCE),
    "accept": lambda number: AcceptDecision(number, source=SOURCE),
    "reject": lambda number: RejectDecision(number, source=SOURCE),
}
"""The commands that a button or a number alone asks for."""

Changed = tuple[str, Item | None]
"""The outcome of a command in short, and the item afterwards; None if the outcome says all."""


@dataclass(frozen=True)
class Changes:
    """The commands, each carried out under the key of the message that asked for it."""

    service: Service
    hours: Hours

    async def command(self, name: str, rest: str, key: str, at: datetime) -> Changed:
        """Carry `/name rest` out, which was said at a time."""
        first, *more = rest.split(maxsplit=1) or [""]
        number, words = number_of(first), "".join(more)
        worded = _WORDED.get(name)
        if worded is not None:
            words = words or worded.default
        if number is None or bool(words) != (worded is not None):
            expected = f"a number, such as /{name} 12" if worded is None else worded.usage
            return f"/{name} needs {expected}", None
        if worded is None:
            return await self.act(name, number, key)
        try:
            return await worded.change(self, number, words, key, at)
        except RefusedError as error:
            return error.message, None

    async def act(self, verb: str, number: int, key: str) -> Changed:
        """Carry out a button's action, or a command with a number."""
        try:
            command = await self._stop(number) if verb == "stop" else ACTIONS[verb](number)
            await self.service.record(command, key)
            already = ""
        except MissingError as error:
            return error.message, None
        except RefusedError:  # it was done before, or something else was
            already = " already"
        item = await self.service.item(number)
        return f"{item.kind} {number} is {item.state}{already}", item

    async def _stop(self, number: int) -> Command:
        item = await self.service.item(number)
        if item.kind != TRACK:
            raise MissingError(f"there is no track {number}")
        return StopTrack(item.text, source=SOURCE)

    async def _due(self, number: int, words: str, key: str, at: datetime) -> Changed:
        due = None if words == NEVER else when(words, self.hours.local(at))
        if due is None and words != NEVER:
            return f"did not understand {words!r}; /due needs {_DUE}, or {NEVER}", None
        await self.service.record(SetDue(number, due, source=SOURCE), key)
        item = await self.service.item(number)
        return f"{item.kind} {number} is due {due or NEVER}", item

    async def _snooze(self, number: int, words: str, key: str, at: datetime) -> Changed:
        item = await snooze(self.service, number, words, SOURCE, at, key)
        return f"{item.kind} {number} is due {item.due}", item

    async def _tag(self, number: int, words: str, key: str, _at: datetime) -> Changed:
        return await self._tags(number, words, key, has=True)

    async def _untag(self, number: int, words: str, key: str, _at: datetime) -> Changed:
        return await self._tags(number, words, key, has=False)

    async def _tags(self, number: int, words: str, key: str, *, has: bool) -> Changed:
        """Add tags to an item or remove them; a tag that is so already stays."""
        texts = words.replace(",", " ").split()
        tags = [tag for tag in map(normal_tag, texts) if tag is not None]
        if len(tags) < len(texts):
            wrong = next(text for text in texts if normal_tag(text) is None)
            return f"{wrong!r} cannot be a tag: letters, digits, - and _", None
        command = AddTag if has else RemoveTag
        for tag in tags:
            try:
                await self.service.record(command(number, tag, source=SOURCE), f"{key}:{tag}")
            except RefusedError:
                if has_tag((await self.service.item(number)).tags, tag) != has:
                    raise
        item = await self.service.item(number)
        return f"{item.kind} {number} has {' '.join(item.tags) or 'no tags'}", item


@dataclass(frozen=True)
class _Worded:
    """A command with an argument behind the number."""

    change: Callable[[Changes, int, str, str, datetime], Awaitable[Changed]]
    usage: str
    default: str = ""
    """The argument where none is given."""


_DUE = "a number and a time, such as /due 12 friday at 17"

_WORDED: Mapping[str, _Worded] = {
    "due": _Worded(Changes._due, _DUE),
    "snooze": _Worded(Changes._snooze, "a number and a time, such as /snooze 12 1h", DEFAULT),
    "tag": _Worded(Changes._tag, "a number and tags, such as /tag 12 home"),
    "untag": _Worded(Changes._untag, "a number and tags, such as /untag 12 home"),
}

COMMANDS = (*ACTIONS, "stop", *_WORDED)
"""The names of all commands that change an item."""
