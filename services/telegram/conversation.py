"""One update: what is said is kept, what is asked is done, an answer goes out. All of it can come again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from telegram import Update

from services.answers import Recorded
from services.domain.commands import RecordMessage
from services.event_log import ConflictError
from services.refusals import RefusedError
from services.service import Service
from services.telegram import texts
from services.telegram.answers import ACTIONS, SOURCE, Answers
from services.telegram.outbox import Outbox
from services.telegram.status import Status
from services.telegram.texts import Said
from services.telegram.updates import (
    Asked,
    Pressed,
    Stranger,
    Unset,
    Wordless,
    Words,
    action_of,
    meaning_of,
)

logger = logging.getLogger("helionyx")


class Strangers:
    """Who is not answered: told in the log once per chat and hour."""

    HOUR = 3600.0
    MOST = 1000
    """How many chats are remembered: whoever makes up more of them is told more often."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[int | None, float] = {}

    def is_new(self, chat: int | None) -> bool:
        """Whether it is time to tell of this chat."""
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
    """What the bot does with what it hears in the environment's chat; None: that is not known yet."""

    service: Service
    answers: Answers
    outbox: Outbox
    status: Status
    chat: int | None
    id: int
    """The bot's."""
    name: str
    strangers: Strangers = field(default_factory=Strangers)
    askers: Strangers = field(default_factory=Strangers)
    """Who was told the id of their chat."""

    async def take(self, update: Update) -> None:
        """Do all that one update asks for. Raises HelionyxError where the log cannot take it now."""
        meaning = meaning_of(update, self.chat, self.name)
        number = f"{self.id}:{update.update_id}"
        match meaning:
            case Stranger():
                self._ignore(meaning)
            case Unset() if self.askers.is_new(meaning.chat):  # else anybody could fill the log
                await self._reply(number, texts.unset_chat(meaning.chat), meaning.chat)
            case Wordless():
                await self._reply(number, Said(texts.ONLY_TEXT))
            case Words():
                await self._told(number, meaning)
            case Asked():
                await self._asked(number, meaning)
            case Pressed():
                await self._pressed(number, meaning)
            case _:
                pass

    async def _told(self, number: str, words: Words) -> None:
        try:
            number, recorded = await self._keep(number, words.text, words.at, edited=words.edited)
            said = Said(texts.KEPT_EDITED) if words.edited else await self.answers.taken_as(recorded)
        except RefusedError as error:
            said = Said(f"not kept: {error.message}")
        await self._reply(number, said)

    async def _keep(
        self, number: str, text: str, at: datetime, *, edited: bool = False
    ) -> tuple[str, Recorded]:
        """Keep what was said, and what it means unless it is another wording; under which number it is."""

        async def under(number: str) -> tuple[str, Recorded]:
            key = f"update:{number}"
            if edited:
                return number, await self.service.record(RecordMessage(text, source=SOURCE), key)
            return number, await self.service.tell(text, SOURCE, key, at)

        try:
            return await under(number)
        except ConflictError:
            # After a week without any, Telegram begins to number updates anew: it is another one.
            return await under(f"{number}:{at.timestamp():.0f}")

    async def _asked(self, number: str, asked: Asked) -> None:
        number, _ = await self._keep(number, asked.text, asked.at)  # every word is
        said = await self.answers.command(asked.name, asked.rest, f"update:{number}:{asked.name}")
        await self._reply(number, said)

    async def _pressed(self, number: str, pressed: Pressed) -> None:
        action = action_of(pressed.data, ACTIONS)
        if action is None or self.chat is None:  # a button of an earlier release
            await self.outbox.answer(pressed.query, "this button does nothing any more")
            return
        try:
            short, said = await self.answers.press(*action, key=f"update:{number}")
        except ConflictError:  # as in `_keep`: it is another update of this number
            short, said = await self.answers.press(*action, key=f"update:{number}:{pressed.query}")
        if said is not None:
            await self.outbox.edit(self.chat, pressed.message, said)
        await self.outbox.answer(pressed.query, short)

    async def _reply(self, number: str, said: Said, chat: int | None = None) -> None:
        where = self.chat if chat is None else chat
        if where is not None:
            await self.outbox.send(f"reply:{number}", said, where)

    def _ignore(self, stranger: Stranger) -> None:
        self.status.ignored += 1
        if self.strangers.is_new(stranger.chat):
            logger.warning(
                "telegram: a chat that is not the environment's is ignored",
                extra={"fields": {"chat": stranger.chat}},
            )
