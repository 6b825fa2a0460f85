"""Handle an update: record the message, carry out the command, owe an answer. Any update may come twice."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from services.answers import Recorded
from services.domain.events import MessageRecorded
from services.domain.origin import Origin
from services.event_codec import event_of
from services.event_log.errors import ConflictError
from services.event_log.reading import Selection
from services.projections import sendings
from services.projections.sendings import FAILED, Sending
from services.service import Service
from services.telegram import texts
from services.telegram.answers import QUESTIONS, Answers
from services.telegram.changes import ACTIONS, SOURCE
from services.telegram.chats import Chats
from services.telegram.fields import Raw, part, words
from services.telegram.outbox import LATER, Outbox, To
from services.telegram.replies import Lane, Owed, Replies
from services.telegram.status import Status
from services.telegram.texts import Reply
from services.telegram.updates import (
    Asked,
    Migrated,
    Pressed,
    Stranger,
    Unset,
    Words,
    action_of,
    command_of,
    message_in,
    migration_of,
    parse_update,
)

logger = logging.getLogger("helionyx")

REMEMBERED = timedelta(hours=24)
"""For how long an answer is owed; Telegram keeps an update for as long."""

READ_AT_ONCE = 500

ALBUM = "reply:album:"
"""The prefix of the key of the reply to an album."""


class Strangers:
    """Chats that are ignored, logged once per chat and hour."""

    HOUR = 3600.0
    MOST = 1000
    """The most chats that are remembered: more of them are logged more often."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[int | None, float] = {}

    def is_new(self, chat: int | None) -> bool:
        """Whether this chat is to be logged now."""
        now = self._clock()
        if now - self._told.get(chat, -self.HOUR) < self.HOUR:
            return False
        if len(self._told) >= self.MOST:
            del self._told[next(iter(self._told))]
        self._told.pop(chat, None)
        self._told[chat] = now
        return True


@dataclass
class Conversation:
    """The handling of messages in the environment's chat."""

    service: Service
    answers: Answers
    outbox: Outbox
    replies: Replies
    screens: Lane
    """The answers to pressed buttons."""
    status: Status
    chats: Chats
    id: int
    """The bot's."""
    name: str
    strangers: Strangers = field(default_factory=Strangers)
    askers: Strangers = field(default_factory=Strangers)
    """The chats that got the hint with their id."""
    unmoved: Strangers = field(default_factory=Strangers)
    """The chats that were asked after, and are not this one under another id."""

    async def expect(self, updates: Iterable[Raw]) -> None:
        """Follow the chat's moves among these updates: messages in the new chat may come before the move."""
        for update in updates:
            moved = migration_of(update)
            if moved is not None:
                await self.chats.moved(moved.chat, moved.to)

    async def take(self, update: Raw) -> None:
        """Do all that one update asks for. Raises HelionyxError where the log cannot take it now."""
        parsed = parse_update(update, self.chats.ids)
        if isinstance(parsed, Stranger) and await self._is_ours(parsed):
            parsed = parse_update(update, self.chats.ids)
        key = self._number(update)
        match parsed:
            case Stranger():
                self._ignore(parsed)
            case Unset() if self.askers.is_new(parsed.chat):  # else anybody could fill the log
                self._owe(f"reply:{key}", To(parsed.chat), texts.unset_chat(parsed.chat))
            case Migrated():
                await self._migrated(parsed)
            case Words():
                await self._answer(*await self._keep(key, parsed))
            case Pressed():
                await self._pressed(key, parsed)
            case _:
                pass

    async def rescue(self, update: Raw) -> None:
        """Record only the words of an update that a bug keeps from being handled; without words, all of it.

        Raises HelionyxError where the log cannot take it now.
        """
        _, message = message_in(update)
        chat = part(message, "chat").get("id")
        if not message or (chat is not None and chat not in self.chats.ids):
            return
        text = words(message, "text") or words(message, "caption") or json.dumps(message)
        try:
            await self.service.tell(text, SOURCE, f"update:{self._number(update)}", understand=False)
        except ConflictError:  # it is in the log: the bug came behind that
            return

    async def resume(self) -> None:
        """Give the answers that earlier processes owe. Raises HelionyxError where the log cannot be read."""
        after, since = 0, self.answers.clock() - REMEMBERED
        prefix = f"{SOURCE}:update:{self.id}:"
        updates: list[str] = []
        selection = Selection(("MessageRecorded",), since)
        while records := await self.service.events(after, READ_AT_ONCE, selection):
            keys = [record.entry().idempotency_key or "" for record in records]
            updates += [key.removeprefix(f"{SOURCE}:update:") for key in keys if key.startswith(prefix)]
            after = records[-1].position
        for update in updates:
            recorded = await self.service.recorded(SOURCE, f"update:{update}")
            if recorded is not None and await self._is_owed(update, recorded):
                # Updates are taken one after the other: only the last one may have been cut short.
                await self._answer(update, recorded, taken=update != updates[-1])

    def _number(self, update: Raw) -> str:
        return f"{self.id}:{update['update_id']}"

    async def _is_ours(self, stranger: Stranger) -> bool:
        """Whether an unknown chat is this chat, moved there or from there without a notice."""
        if stranger.chat is None:
            return False
        move = self.chats.move_with(stranger.chat, stranger.kind)
        if move is None or not self.unmoved.is_new(stranger.chat):
            return False
        chat, to = move
        if await self.outbox.moved_to(chat) != to:
            return False
        await self._migrated(Migrated(chat, to))
        return True

    async def _migrated(self, moved: Migrated) -> None:
        await self.chats.moved(moved.chat, moved.to)
        if moved.to != self.chats.configured:
            self._owe(f"reply:migrated:{moved.chat}:{moved.to}", To(moved.to), texts.migrated(moved.to))

    def _owe(self, about: str, to: To, reply: Reply) -> None:
        self.replies.put(Owed(about, to, _constant(reply)))

    async def _keep(self, number: str, message: Words) -> tuple[str, Recorded]:
        """Keep what was said, and what it means unless it is another wording; under which number it is."""
        understand = not (message.origin.edited or message.origin.wordless)

        async def under(number: str) -> tuple[str, Recorded]:
            key = f"update:{number}"
            recorded = await self.service.tell(
                message.text, SOURCE, key, message.at, origin=message.origin, understand=understand
            )
            return number, recorded

        try:
            return await under(number)
        except ConflictError:
            # After a week without any, Telegram begins to number updates anew: it is another one.
            at = message.at or datetime.now().astimezone()
            return await under(f"{number}:{at.timestamp():.0f}")

    async def _is_owed(self, number: str, recorded: Recorded) -> bool:
        """Whether no answer to the message has been sent, or perhaps been sent."""
        about = _about(number, _origin(recorded))
        before: Sending | None = await self.service.look(lambda models: sendings.sending(models, about))
        if before is None:
            return True
        return before.state == FAILED and str(before.reason).startswith(LATER)

    async def _answer(self, number: str, recorded: Recorded, *, taken: bool = False) -> None:
        """Carry out a message's command, and owe an answer; a command for another bot is not answered.

        Of a message that was `taken` before, the command was carried out or refused then.
        """
        origin = _origin(recorded)
        asked = None if origin.edited or origin.wordless else command_of(recorded.message.text)
        if asked is not None and asked.bot not in ("", self.name.casefold()):
            return
        to = self._addressee(origin)
        if to is None:
            return
        compose: Callable[[], Awaitable[Reply]] | None = None
        if asked is not None and asked.name not in QUESTIONS:
            # It is done now, whenever that is answered: later, it might mean something else.
            compose = _constant(await self._changed(number, recorded, origin, asked, taken=taken))
        elif not origin.wordless:
            compose = partial(self._answer_to, number, recorded, origin, asked)
        kinds = (origin.attachment.kind,) if origin.wordless and origin.attachment else ()
        about, count = _about(number, origin), len(recorded.entries)
        self.replies.put(Owed(about, to, compose, count, kinds, album=about.startswith(ALBUM)))

    def _addressee(self, origin: Origin) -> To | None:
        """The chat and the thread to answer in; None before there is a chat."""
        chat = origin.chat if origin.chat in self.chats.ids else self.chats.now
        if chat is None:
            return None
        if chat != self.chats.now:  # said before the chat moved: there, nobody can be answered
            return To(cast(int, self.chats.now))
        return To(chat, origin.thread, origin.message if chat < 0 else None)

    async def _changed(
        self, number: str, recorded: Recorded, origin: Origin, asked: Asked, *, taken: bool
    ) -> Reply:
        """Carry a command out, or show its item as it is now if the command was tried when it was `taken`."""
        if not taken:
            return await self._answer_to(number, recorded, origin, asked)
        return texts.late(recorded.message.text, await self.answers.standing(asked.rest))

    async def _answer_to(self, number: str, recorded: Recorded, origin: Origin, asked: Asked | None) -> Reply:
        if origin.edited:
            return Reply(texts.EDIT_RECORDED)
        if asked is not None:
            key, at = f"update:{number}:{asked.name}", datetime.fromisoformat(recorded.message.said_at)
            return await self.answers.command(asked.name, asked.rest, key, at)
        return await self.answers.taken_as(recorded)

    async def _pressed(self, number: str, pressed: Pressed) -> None:
        action = action_of(pressed.data, ACTIONS)
        if action is None:  # a button of an earlier release
            self.screens.put(lambda: self.outbox.answer(pressed.query, "this button no longer works"))
            return
        try:
            short, reply = await self.answers.press(*action, key=f"update:{number}")
        except ConflictError:  # as in `_keep`: it is another update of this number
            short, reply = await self.answers.press(*action, key=f"update:{number}:{pressed.query}")
        self.screens.put(lambda: self.outbox.answer(pressed.query, short))
        if reply is not None:
            self.screens.put(lambda: self.outbox.edit(pressed.chat, pressed.message, reply))

    def _ignore(self, stranger: Stranger) -> None:
        self.status.ignored += 1
        if self.strangers.is_new(stranger.chat):
            logger.warning(
                "telegram: a chat that is not the environment's is ignored",
                extra={"fields": {"chat": stranger.chat}},
            )


def _constant(reply: Reply) -> Callable[[], Awaitable[Reply]]:
    """An answer that is known already."""

    async def compose() -> Reply:
        return reply

    return compose


def _origin(recorded: Recorded) -> Origin:
    """The origin of a message from the log; empty for a message of an earlier release."""
    message = cast(MessageRecorded, event_of(recorded.entries[0]))
    return message.origin or Origin()


def _about(number: str, origin: Origin) -> str:
    """The key of an answer: all parts of an album share one."""
    if origin.album is None or origin.edited:
        return f"reply:{number}"
    return f"{ALBUM}{origin.chat}:{origin.album}"
