"""Listening: updates are asked for, handled in order, and confirmed by asking for what comes behind them.

The library's own Updater confirms updates before they are handled: what a crash interrupts would be lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, TelegramError

from services.errors import HelionyxError
from services.telegram.backoff import Stop, seconds_before
from services.telegram.calls import ANSWER_SECONDS, reason_of, wait_of
from services.telegram.status import POLLING, RETRYING, Status
from services.telegram.updates import KINDS

logger = logging.getLogger("helionyx")

POLL_SECONDS = 50
"""How long Telegram holds an answer back while there is nothing to tell."""

QUIET_SECONDS = 30.0
"""How long another poller is waited for without a word: Telegram keeps one that was stopped for a bit."""

CONFLICT_SECONDS = 5.0
"""Between two tries meanwhile, at most."""

MOST_TRIES = 4
"""Of an update that a bug does not let be handled."""


class RefusedTokenError(HelionyxError):
    """Telegram does not know the token."""

    def __init__(self) -> None:
        hint = "TELEGRAM_BOT_TOKEN: the one that @BotFather shows for the environment's bot"
        super().__init__("Telegram does not know the token", hint)


class Poller:
    """Asks for updates until the stop."""

    def __init__(
        self, bot: Bot, take: Callable[[Update], Awaitable[None]], status: Status, stop: Stop
    ) -> None:
        self._bot = bot
        self._take = take
        self._status = status
        self._stop = stop
        self._conflict_since: float | None = None

    async def run(self) -> None:
        """Listen. Raises RefusedTokenError."""
        failures, offset = 0, None
        while not self._stop.asked:
            try:
                raw = await self._stop.unless(self._updates(offset))
            except InvalidToken as error:
                raise RefusedTokenError from error
            except TelegramError as error:
                failures += 1
                await self._stop.within(self._failed(error, failures))
                continue
            failures, self._conflict_since = 0, None
            if self._status.now(POLLING):
                logger.info("telegram: listening", extra={"fields": {"bot": self._status.bot}})
            # Once it was asked for what is behind, the rest is confirmed: after a week numbers begin anew.
            offset = await self._handled(raw or [])

    async def _updates(self, offset: int | None) -> list[dict[str, Any]]:
        # The first answer comes at once: until then nobody knows whether it listens.
        wait = POLL_SECONDS if self._status.state == POLLING else 0
        asked: dict[str, Any] = {"timeout": wait, "allowed_updates": list(KINDS)}
        if offset is not None:
            asked["offset"] = offset
        # As they come, so that one that the library cannot read holds no other up; written small, for it
        # advises against this where it has a method of that name.
        found = await self._bot.do_api_request("getupdates", asked, read_timeout=wait + ANSWER_SECONDS)
        return list(found)

    def _failed(self, error: TelegramError, failures: int) -> float:
        """How long to wait after the failed poll number `failures` in a row."""
        wait = wait_of(error) or seconds_before(failures)
        reason, quiet = reason_of(error), False
        if isinstance(error, Conflict):
            now = time.monotonic()
            self._conflict_since = now if self._conflict_since is None else self._conflict_since
            quiet = now - self._conflict_since < QUIET_SECONDS
            wait = min(wait, CONFLICT_SECONDS) if quiet else wait
        else:
            self._conflict_since = None
        if not quiet and self._status.now(RETRYING, reason):
            self._status.failures += 1
            logger.warning("telegram: not listening", extra={"fields": {"reason": reason}})
        return wait

    async def _handled(self, updates: list[dict[str, Any]]) -> int | None:
        """Handle them in order; from where on to ask, or None where there is nothing to confirm."""
        offset = None
        for raw in updates:
            if not await self._one(raw):
                break
            offset = int(raw["update_id"]) + 1
        return offset

    async def _one(self, raw: dict[str, Any]) -> bool:
        """Handle one update; False: it is not, and has to come again."""
        bugs = attempts = 0
        while not self._stop.asked:
            attempts += 1
            try:
                await self._take(Update.de_json(raw, self._bot))
                self._status.updates += 1
                self._status.now(POLLING)
                return True
            except HelionyxError as error:  # the log cannot take it at the moment
                if self._status.now(RETRYING, error.message):
                    logger.warning(
                        "telegram: an update has to wait", extra={"fields": {"reason": error.message}}
                    )
            except Exception:
                bugs += 1
                fields = {"update_id": raw.get("update_id"), "attempt": bugs}
                logger.exception("a bug: a telegram update could not be handled", extra={"fields": fields})
                if bugs == MOST_TRIES:
                    self._status.failures += 1
                    logger.critical("a telegram update is skipped", extra={"fields": fields})
                    return True
            await self._stop.within(seconds_before(attempts))
        return False
