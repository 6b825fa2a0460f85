"""Sending: what goes out is in the log before, so that nothing goes out twice.

A sending is announced, goes out, and is noted as sent. A process that dies in between leaves it announced:
nobody knows whether it has gone out, and it never goes out again. One that has certainly not gone out is
tried again under the same announcement; when that is given up, it is noted as unsent, and only then may it
be announced anew.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, TelegramError

from services.domain.commands import AnnounceSending, NoteSent, NoteUnsent
from services.service import Service
from services.telegram.backoff import Stop, seconds_before
from services.telegram.calls import is_certain, may_pass, reason_of, wait_of
from services.telegram.status import Status
from services.telegram.texts import Said, cut

logger = logging.getLogger("helionyx")

SOURCE = "telegram"

MOST_TRIES = 10
"""Of one sending, where it has certainly not gone out: over some four minutes."""

LONGEST_WAIT_SECONDS = 30.0
"""Between two of them, unless Telegram asks for more."""

IN_A_ROW = 4

Call = Callable[[], Awaitable[object]]


class Outbox:
    """What the bot sends. `stop` ends the waiting for another try, and never a try."""

    def __init__(self, bot: Bot, service: Service, status: Status, stop: Stop) -> None:
        self._bot = bot
        self._service = service
        self._status = status
        self._stop = stop

    async def send(self, about: str, said: Said, chat: int) -> bool:
        """Send it, unless what is known by `about` has gone out before, or perhaps has; whether it has now.

        Raises HelionyxError where the log cannot take the announcement: then nothing goes out.
        """
        before = await self._service.look(lambda models: models.sending(about))
        if before is not None and before.state != "failed":
            return False
        key = about if before is None else f"{about}#{before.position}"
        said = Said(cut(said.text), said.buttons)
        announced = await self._service.record(AnnounceSending(about, said.text, source=SOURCE), key)
        if announced.repeated:  # another process was faster: it is its to send
            return False
        return await self._go(about, announced.position, said, chat)

    async def edit(self, chat: int, message: int, said: Said) -> None:
        """Let a message that was sent say something else. That may be done twice, and is not announced."""
        await self._gently(
            "edit",
            lambda: self._bot.edit_message_text(
                cut(said.text), chat_id=chat, message_id=message, reply_markup=keyboard(said)
            ),
        )

    async def answer(self, query: str, text: str) -> None:
        """Say something to who has pressed a button."""
        await self._gently("answer", lambda: self._bot.answer_callback_query(query, cut(text, 200)))

    async def _go(self, about: str, announced: int, said: Said, chat: int) -> bool:
        for attempt in range(1, MOST_TRIES + 1):
            try:
                await self._bot.send_message(chat, said.text, reply_markup=keyboard(said))
            except TelegramError as error:
                if not is_certain(error):
                    self._failed("perhaps sent, and not sent again", about, error)
                    return False
                wait = wait_of(error) or seconds_before(attempt, LONGEST_WAIT_SECONDS)
                over = attempt == MOST_TRIES or not may_pass(error)
                if over or await self._stop.within(wait):
                    self._failed("not sent", about, error)
                    await self._service.record(NoteUnsent(announced, reason_of(error), source=SOURCE))
                    return False
            else:
                self._status.sent += 1
                await self._service.record(NoteSent(announced, source=SOURCE))
                return True
        raise AssertionError("the last try ends it")

    async def _gently(self, what: str, call: Call) -> None:
        for attempt in (1, 2):
            try:
                await call()
            except BadRequest:  # it says so already, or it is too late for that: it does no harm
                return
            except TelegramError as error:
                wait = wait_of(error) or seconds_before(attempt)
                if attempt == 2 or not may_pass(error) or await self._stop.within(wait):
                    self._failed("not done", what, error)
                    return
            else:
                return

    def _failed(self, what: str, about: str, error: TelegramError) -> None:
        self._status.failures += 1
        logger.warning("telegram: %s", what, extra={"fields": {"about": about, "reason": reason_of(error)}})


def keyboard(said: Said) -> InlineKeyboardMarkup | None:
    """The buttons below a message, as many in a row as a phone shows with their words."""
    if not said.buttons:
        return None
    buttons = [InlineKeyboardButton(label, callback_data=data) for label, data in said.buttons]
    return InlineKeyboardMarkup(
        [buttons[first : first + IN_A_ROW] for first in range(0, len(buttons), IN_A_ROW)]
    )
