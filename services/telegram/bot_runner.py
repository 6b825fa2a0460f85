"""Run the bot: claim the token, verify it, then poll and remind until the stop.

Imports the library, which takes a second and 13 MB: this module is imported in a thread, and not before
the service is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telegram import Bot, User
from telegram.error import InvalidToken, TelegramError

from services.errors import HelionyxError
from services.identity import Identity
from services.service import Service
from services.telegram.answers import Answers
from services.telegram.backoff import Stop, seconds_before
from services.telegram.calls import bot_of, reason_of, wait_of
from services.telegram.chats import Chats
from services.telegram.claim import Claim
from services.telegram.conversation import Conversation
from services.telegram.outbox import Outbox
from services.telegram.poller import Poller, RefusedTokenError
from services.telegram.reminders import Reminders
from services.telegram.replies import Lane, Replies
from services.telegram.settings import Settings
from services.telegram.status import RETRYING, STARTING, WAITING, Status
from services.telegram.texts import COMMANDS
from services.telegram.whose import Answer, judge

logger = logging.getLogger("helionyx")

CLAIM_SECONDS = 0.5
"""The interval of the attempts to claim a token that another process uses."""


@dataclass(frozen=True)
class BotRunner:
    """One bot's work, from the claim to the stop."""

    settings: Settings
    service: Service
    identity: Identity
    clock: Callable[[], datetime]
    status: Status
    stop: Stop
    login_link: Callable[[], str | None] = lambda: None

    async def run(self) -> None:
        """Listen and answer until the stop. Raises HelionyxError where that makes no sense."""
        claim = Claim(self.settings.state, self.settings.token)
        try:
            if await self._claimed(claim):
                await self._as_bot()
        finally:
            claim.release()

    async def _as_bot(self) -> None:
        bot = bot_of(self.settings.token, self.settings.api)
        try:
            who = await self._introduced(bot)
            if who is not None:
                self._unless_another(who)
                await self._work(bot, who)
        finally:
            await bot.request.shutdown()

    async def _claimed(self, claim: Claim) -> bool:
        while not claim.take():
            if self.status.now(WAITING, "another process on this machine runs the bot"):
                logger.info("telegram: waiting until another process stops running the bot")
            if await self.stop.within(CLAIM_SECONDS):
                return False
        self.status.now(STARTING)
        return not self.stop.asked

    async def _introduced(self, bot: Bot) -> User | None:
        """The bot's own user; None if the stop comes first. Raises RefusedTokenError."""
        failures = 0
        while not self.stop.asked:
            try:
                return await self.stop.unless(bot.get_me())
            except InvalidToken as error:
                raise RefusedTokenError from error
            except TelegramError as error:
                failures += 1
                reason = reason_of(error)
                if self.status.now(RETRYING, reason):
                    self.status.failures += 1
                    logger.warning("telegram: not listening", extra={"fields": {"reason": reason}})
                await self.stop.within(wait_of(error) or seconds_before(failures))
        return None

    def _unless_another(self, who: User) -> None:
        self.status.bot = who.username
        verdict = judge(self.settings.environment, self.settings.username, Answer(who.username))
        if verdict.refused:
            raise HelionyxError(verdict.message, verdict.hint)

    async def _work(self, bot: Bot, who: User) -> None:
        chats = Chats(self.service, self.settings.chat)
        if not await self._until_read(chats.load):
            return
        outbox = Outbox(bot, self.service, self.status, self.stop, chats)
        replies, screens = Replies(outbox, self.status, self.stop), Lane(self.stop)
        hours = self.settings.hours
        answers = Answers(self.service, self.identity, hours, self.clock, self.login_link)
        conversation = Conversation(
            self.service, answers, outbox, replies, screens, self.status, chats, who.id, who.username or ""
        )
        reminders = Reminders(self.service, outbox, self.status, self.stop, hours, chats, self.clock)
        resume = self._until_read(conversation.resume)
        async with _beside(reminders.run(), replies.run(), screens.run(), resume):
            await self.stop.unless(_offer_commands(bot))
            await Poller(bot, conversation, self.status, self.stop).run()

    async def _until_read(self, job: Callable[[], Awaitable[None]]) -> bool:
        """Run a job that reads the log, again until the log can be read; False where the stop comes first."""
        failures = 0
        while not self.stop.asked:
            try:
                await job()
            except HelionyxError as error:
                failures += 1
                logger.warning(
                    "telegram: the log cannot be read now", extra={"fields": {"reason": error.message}}
                )
                await self.stop.within(seconds_before(failures))
            else:
                return True
        return False


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Run coroutines beside the body, and wait for their end behind it; an error in the body cancels them."""
    tasks = [asyncio.create_task(coroutine) for coroutine in work]
    try:
        yield
    except BaseException:
        _cancel(tasks)
        raise
    finally:
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:  # what is in hand has had its time
            _cancel(tasks)
            await asyncio.wait(tasks)
            raise


def _cancel(tasks: Iterable[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()


async def _offer_commands(bot: Bot) -> None:
    """Register the commands with Telegram, which offers them after a slash. The bot works without."""
    try:
        await bot.set_my_commands(COMMANDS)
    except TelegramError as error:
        logger.info(
            "telegram: the commands could not be registered", extra={"fields": {"reason": reason_of(error)}}
        )
