"""The bot as the service knows it: started once that is ready, and ended before it closes.

Light to import: the library comes with `talk`, in a thread, when the service is ready.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable
from datetime import datetime

from services.errors import HelionyxError
from services.identity import Identity
from services.service import Service
from services.telegram.backoff import Stop, seconds_before
from services.telegram.settings import Settings
from services.telegram.status import OFF, RETRYING, STARTING, STOPPED, Status

logger = logging.getLogger("helionyx")

END_SECONDS = 5.0
"""The time for an update in work once the stop has begun."""

LIBRARIES = ("telegram", "httpx", "httpcore")


class Telegram:
    """The bot of one environment; `off` is the reason why it does not run."""

    def __init__(
        self,
        settings: Settings | None,
        off: str | None,
        service: Service,
        identity: Identity,
        clock: Callable[[], datetime],
        login_link: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`login_link` makes a one-time link to the pages; None where their address is not known."""
        self.status = Status(OFF, reason=off)
        self._settings = settings
        self._service = service
        self._identity = identity
        self._clock = clock
        self._login_link = login_link
        self._stop = Stop()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, where there is a bot. Returns at once."""
        if self._settings is not None and self._task is None and not self._stop.asked:
            self.status.now(STARTING)
            self._task = asyncio.create_task(self._run(self._settings))

    def stop(self) -> None:
        """Listen no more. What is in hand is finished: `ended` waits for that."""
        self._stop.ask()

    async def ended(self) -> None:
        """Stop, and wait for the end."""
        self.stop()
        if self._task is not None:
            _, late = await asyncio.wait((self._task,), timeout=END_SECONDS)
            for task in late:
                logger.warning("telegram: cancelled, not done %g s after the stop", END_SECONDS)
                task.cancel()
                await asyncio.wait((task,))

    async def _run(self, settings: Settings) -> None:
        """Talk until the stop, or until it makes no sense. Whatever happens to it, the service goes on."""
        for attempt in range(1, 1_000_000):
            try:
                await self._talk(settings)
                self.status.now(OFF, "the service is stopping")
            except HelionyxError as error:
                self.status.now(STOPPED, error.message)
                hint = {"hint": error.hint} if error.hint else {}
                logger.error("telegram: the bot stops: %s", error.message, extra={"fields": hint})
            except Exception:
                self.status.now(RETRYING, "internal error")
                logger.exception("internal error; restarting the bot")
                if not await self._stop.within(seconds_before(attempt + 4)):
                    continue
            return

    async def _talk(self, settings: Settings) -> None:
        for name in LIBRARIES:  # they tell of each poll, with its address, and of what they raise as well
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        # The part that needs the library, which takes two seconds to load.
        talk = await asyncio.to_thread(importlib.import_module, "services.telegram.bot_runner")
        if not self._stop.asked:
            await talk.BotRunner(
                settings,
                self._service,
                self._identity,
                self._clock,
                self.status,
                self._stop,
                self._login_link,
            ).run()
