"""The bot at work: the claim, then who it is, then listening and reminding until the stop.

Imports the library, which takes a second and 13 MB: this module is imported in a thread, and not before
the service is ready.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from telegram import Bot, User
from telegram.error import InvalidToken, TelegramError

from services.errors import HelionyxError
from services.identity import Identity
from services.service import Service
from services.telegram.answers import Answers
from services.telegram.backoff import Stop, seconds_before
from services.telegram.calls import bot_of, reason_of, wait_of
from services.telegram.claim import Claim
from services.telegram.conversation import Conversation
from services.telegram.outbox import Outbox
from services.telegram.poller import Poller, RefusedTokenError
from services.telegram.reminders import Reminders
from services.telegram.settings import Settings
from services.telegram.status import RETRYING, STARTING, WAITING, Status
from services.telegram.texts import COMMANDS
from services.telegram.whose import Answer, judge

logger = logging.getLogger("helionyx")

CLAIM_SECONDS = 0.5
"""How often it is looked whether the token has become free."""


@dataclass(frozen=True)
class Talk:
    """One bot's work, from the claim to the stop."""

    settings: Settings
    service: Service
    identity: Identity
    clock: Callable[[], datetime]
    status: Status
    stop: Stop

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
            if self.status.now(WAITING, "another process on this machine has the bot"):
                logger.info("telegram: waiting for another process to let go of the bot")
            if await self.stop.within(CLAIM_SECONDS):
                return False
        self.status.now(STARTING)
        return not self.stop.asked

    async def _introduced(self, bot: Bot) -> User | None:
        """Who the bot is; None where the stop comes first. Raises RefusedTokenError."""
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
        outbox = Outbox(bot, self.service, self.status, self.stop)
        hours, chat = self.settings.hours, self.settings.chat
        answers = Answers(self.service, self.identity, hours, self.clock)
        conversation = Conversation(
            self.service, answers, outbox, self.status, chat, who.id, who.username or ""
        )
        reminders = Reminders(self.service, outbox, self.status, self.stop, hours, chat, self.clock)
        reminding = asyncio.create_task(reminders.run())
        try:
            await self.stop.unless(_offer_commands(bot))
            await Poller(bot, conversation.take, self.status, self.stop).run()
        except BaseException:
            reminding.cancel()
            raise
        finally:
            try:
                await asyncio.wait((reminding,))
            except asyncio.CancelledError:  # what is in hand has had its time
                reminding.cancel()
                await asyncio.wait((reminding,))
                raise


async def _offer_commands(bot: Bot) -> None:
    """Let Telegram offer them to whoever types a slash: a help, without which everything works."""
    try:
        await bot.set_my_commands(COMMANDS)
    except TelegramError as error:
        logger.info("telegram: the commands are not offered", extra={"fields": {"reason": reason_of(error)}})
