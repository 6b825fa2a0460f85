"""Listening: updates are asked for, handled in order, and confirmed by asking for what comes behind them.

The library's own Updater confirms updates before they are handled: what a crash interrupts would be lost.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from telegram import Bot
from telegram.error import Conflict, InvalidToken, TelegramError

from services.errors import HelionyxError
from services.telegram.backoff import Stop, is_momentary, seconds_before
from services.telegram.calls import ANSWER_SECONDS, is_webhook, reason_of, wait_of
from services.telegram.fields import Raw
from services.telegram.status import CONFLICT, POLLING, RETRYING, WEBHOOK, Status
from services.telegram.updates import KINDS

logger = logging.getLogger("helionyx")

POLL_SECONDS = 50
"""The time that Telegram holds an answer back without updates."""

QUIET_SECONDS = 30.0
"""The wait for another poller before it is logged: Telegram keeps a stopped one for a while."""

CONFLICT_SECONDS = 5.0
"""Between two tries meanwhile, at most."""

MOST_TRIES = 4
"""Of an update that a bug does not let be handled: then its words alone are kept."""


DELETE_WEBHOOK = "call deleteWebhook of the Bot API with this bot's token, as docs/DEPLOYMENT.md shows"


class Listener(Protocol):
    """The receiver of updates. Every method raises HelionyxError where the log cannot be written now."""

    async def expect(self, updates: list[Raw]) -> None:
        """Look at all updates of a poll, before the first is handled."""

    async def take(self, update: Raw) -> None:
        """Handle an update. It is confirmed when this returns."""

    async def rescue(self, update: Raw) -> None:
        """Record the words of an update that cannot be handled."""


class RefusedTokenError(HelionyxError):
    """Telegram rejects the token."""

    def __init__(self) -> None:
        hint = "TELEGRAM_BOT_TOKEN: the one that @BotFather shows for the environment's bot"
        super().__init__("Telegram rejects the token", hint)


class Poller:
    """Asks for updates until the stop."""

    def __init__(self, bot: Bot, listener: Listener, status: Status, stop: Stop) -> None:
        self._bot = bot
        self._listener = listener
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
            if raw is not None:
                self._status.polled()
            if self._status.now(POLLING):
                logger.info("telegram: listening", extra={"fields": {"bot": self._status.bot}})
            # Once it was asked for what is behind, the rest is confirmed: after a week numbers begin anew.
            offset = await self._handled(raw or [])

    async def _updates(self, offset: int | None) -> list[Raw]:
        # The first answer comes at once: until then nobody knows whether it listens.
        wait = POLL_SECONDS if self._status.state == POLLING else 0
        asked: dict[str, Any] = {"timeout": wait, "allowed_updates": list(KINDS)}
        if offset is not None:
            asked["offset"] = offset
        # As they come: what the library cannot read of an update, it refuses the whole of. Written small, for
        # it advises against this where it has a method of that name.
        updates = await self._bot.do_api_request("getupdates", asked, read_timeout=wait + ANSWER_SECONDS)
        return list(updates)

    def _failed(self, error: TelegramError, failures: int) -> float:
        """The wait after the failed poll number `failures` in a row."""
        wait = wait_of(error) or seconds_before(failures)
        state, quiet = RETRYING, False
        if isinstance(error, Conflict) and not is_webhook(error):
            now = time.monotonic()
            self._conflict_since = now if self._conflict_since is None else self._conflict_since
            quiet = now - self._conflict_since < QUIET_SECONDS
            state, wait = CONFLICT, min(wait, CONFLICT_SECONDS) if quiet else wait
        else:
            self._conflict_since = None
            state = WEBHOOK if is_webhook(error) else RETRYING
        if not quiet:
            self._not_listening(state, reason_of(error))
        return wait

    def _not_listening(self, state: str, reason: str) -> None:
        if self._status.now(state, reason):
            self._status.failures += 1
            hint = {"hint": DELETE_WEBHOOK} if state == WEBHOOK else {}
            logger.warning("telegram: not listening", extra={"fields": {"reason": reason, **hint}})

    async def _handled(self, updates: list[Raw]) -> int | None:
        """Handle them in order; from where on to ask, or None where there is nothing to confirm."""
        offset = None
        for raw in updates:
            if not await self._one(raw, updates if offset is None else []):
                break
            offset = int(raw["update_id"]) + 1
        return offset

    async def _one(self, raw: Raw, together: list[Raw]) -> bool:
        """Handle one update; False: it is not, and has to come again."""
        bugs = attempts = 0
        while not self._stop.asked:
            attempts += 1
            try:
                await self._listener.expect(together)
                await (self._listener.take(raw) if bugs < MOST_TRIES else self._listener.rescue(raw))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is logged
                if not is_momentary(error):
                    bugs += 1
                    self._bug(raw, bugs)
                elif self._status.now(RETRYING, error.message):
                    fields = {"reason": error.message}
                    logger.warning("telegram: an update has to wait", extra={"fields": fields})
            else:
                self._status.updates += 1
                self._status.now(POLLING)
                return True
            await self._stop.within(seconds_before(attempts))
        return False

    def _bug(self, raw: Raw, bugs: int) -> None:
        fields = {"update_id": raw.get("update_id"), "attempt": bugs}
        logger.exception("telegram: internal error; an update could not be handled", extra={"fields": fields})
        if bugs == MOST_TRIES:
            self._status.failures += 1
            logger.critical(
                "telegram: internal error; only the text of an update is recorded", extra={"fields": fields}
            )
        elif bugs > MOST_TRIES:  # what is not kept is not confirmed
            self._status.now(RETRYING, "internal error: an update cannot be recorded")
