"""Sending: what goes out is in the log before, so that nothing goes out twice.

A sending is announced, goes out, and is noted as sent. A process that dies in between leaves it announced:
nobody knows whether it has gone out, and it never goes out again. One that has certainly not gone out is
noted as unsent, and only then may it be announced anew; for a moment it is tried again under the same
announcement.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError

from services.domain.commands import AnnounceSending, NoteSent, NoteUnsent
from services.projections import sendings
from services.service import Service
from services.telegram.backoff import Stop, seconds_before
from services.telegram.calls import is_certain, may_pass, reason_of, wait_of
from services.telegram.chats import Chats
from services.telegram.status import Status
from services.telegram.texts import Reply, cut

logger = logging.getLogger("helionyx")

SOURCE = "telegram"

SHORT_SECONDS = 5.0
"""The longest wait for another try under the same announcement."""

LONGEST_WAIT_SECONDS = 300.0
"""Between two tries, unless Telegram asks for more."""

LATER = "later"
"""The beginning of the reason of a postponed sending: the next process may send it."""

IN_A_ROW = 4

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class To:
    """The address of a message."""

    chat: int
    thread: int | None = None
    """The topic of the chat."""
    message: int | None = None
    """The message that is answered."""


class Outbox:
    """The messages that the bot sends. `stop` ends a wait for another try, and never a try."""

    def __init__(self, bot: Bot, service: Service, status: Status, stop: Stop, chats: Chats) -> None:
        self._bot = bot
        self._service = service
        self._status = status
        self._stop = stop
        self._chats = chats
        self._failures = 0
        self._not_before = 0.0

    async def send(self, about: str, reply: Reply, to: To) -> float | None:
        """Send a message, unless one with the key `about` was sent before, or perhaps was.

        Returns after how many seconds to try again, or None where nothing is left to do. Raises HelionyxError
        where the log cannot take the announcement: then nothing goes out.
        """
        pause = self._not_before - time.monotonic()
        if pause > 0:  # Telegram has said so
            return pause
        before = await self._service.look(lambda models: sendings.sending(models, about))
        if before is not None and before.state != "failed":
            return None
        key = about if before is None else f"{about}#{before.position}"
        reply = replace(reply, text=cut(reply.text))
        announced = await self._service.record(AnnounceSending(about, reply.text, source=SOURCE), key)
        if announced.repeated:  # another process was faster: it is its to send
            return None
        return await self._go(about, announced.position, reply, to)

    async def edit(self, chat: int, message: int, reply: Reply) -> None:
        """Edit a sent message. Editing may happen twice, and is not announced."""
        await self._gently(
            "edit",
            lambda: self._bot.edit_message_text(
                cut(reply.text), chat_id=chat, message_id=message, reply_markup=keyboard(reply)
            ),
        )

    async def answer(self, query: str, text: str) -> None:
        """Answer a pressed button."""
        await self._gently("answer", lambda: self._bot.answer_callback_query(query, cut(text, 200)))

    async def moved_to(self, chat: int) -> int | None:
        """The id that a group has as a supergroup; None where it is a group still, or was not to be asked."""
        for attempt in (1, 2, 3):
            try:
                await self._bot.send_chat_action(chat, "typing")
            except ChatMigrated as error:
                return error.new_chat_id
            except TelegramError as error:
                if may_pass(error) and attempt < 3 and not await self._stop.within(attempt):
                    continue
                logger.warning("telegram: not asked", extra={"fields": {"reason": reason_of(error)}})
                return None
            else:
                return None
        return None

    async def _go(self, about: str, announced: int, reply: Reply, to: To) -> float | None:
        waited = 0.0
        while True:
            try:
                await self._call(reply, to)
            except ChatMigrated as error:
                if not await self._chats.moved(to.chat, error.new_chat_id) and to.chat == self._chats.now:
                    return await self._put_off(about, announced, error, 0)
                to = To(error.new_chat_id)
            except TelegramError as error:
                if isinstance(error, BadRequest) and to != To(to.chat):
                    to = To(to.chat)  # the topic is gone or closed: better there than nowhere
                    continue
                if not is_certain(error):
                    self._failed("may have been sent; not sent again", about, error)
                    return None
                self._failures += 1
                wait = wait_of(error) or seconds_before(self._failures, LONGEST_WAIT_SECONDS)
                waited += wait
                if may_pass(error) and waited <= SHORT_SECONDS and not await self._stop.within(wait):
                    continue
                return await self._put_off(about, announced, error, wait)
            else:
                self._failures = 0
                self._status.sent += 1
                await self._service.record(NoteSent(announced, source=SOURCE))
                return None

    async def _call(self, reply: Reply, to: To) -> None:
        answered = None
        if to.message is not None:
            answered = ReplyParameters(to.message, allow_sending_without_reply=True)
        await self._bot.send_message(
            to.chat,
            f"{reply.text}\n{reply.secret}" if reply.secret else reply.text,
            reply_markup=keyboard(reply),
            message_thread_id=to.thread,
            reply_parameters=answered,
        )

    async def _put_off(self, about: str, announced: int, error: TelegramError, wait: float) -> float | None:
        """Note the message as unsent; return the seconds until the next try, None for never."""
        later, reason = may_pass(error), reason_of(error)
        self._failed("not sent now" if later else "not sent", about, error)
        await self._service.record(
            NoteUnsent(announced, f"{LATER}: {reason}" if later else reason, source=SOURCE)
        )
        if isinstance(error, RetryAfter):
            self._not_before = time.monotonic() + wait
        return wait if later else None

    async def _gently(self, what: str, call: Call) -> None:
        for attempt in (1, 2):
            try:
                await call()
            except BadRequest:  # it says so already, or it is too late for that: it does no harm
                return
            except TelegramError as error:
                wait = wait_of(error) or seconds_before(attempt)
                over = attempt == 2 or not may_pass(error) or wait > SHORT_SECONDS
                if over or await self._stop.within(wait):  # nobody looks at it later, and others wait
                    self._failed("not done", what, error)
                    return
            else:
                return

    def _failed(self, what: str, about: str, error: TelegramError) -> None:
        self._status.failures += 1
        logger.warning("telegram: %s", what, extra={"fields": {"about": about, "reason": reason_of(error)}})


def keyboard(reply: Reply) -> InlineKeyboardMarkup | None:
    """The buttons below a message, as many in a row as a phone shows with their words."""
    if not reply.buttons:
        return None
    buttons = [InlineKeyboardButton(label, callback_data=data) for label, data in reply.buttons]
    return InlineKeyboardMarkup(
        [buttons[first : first + IN_A_ROW] for first in range(0, len(buttons), IN_A_ROW)]
    )
