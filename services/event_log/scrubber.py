"""Verify the chain in the background, without making anybody wait.

The last records are verified when the log is opened, and the very last one in each transaction that appends
behind another process; both take no longer for a longer log. The scrubber verifies all of them once a day, a
few at a time, while the service works.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.event_log.chain import Flaw
from services.event_log.errors import BRING_BACK, RESTORE, DamagedError, EventLogError
from services.event_log.summary import BEGINNING, Head

AT_ONCE = 500
"""The number of records that are verified before others have their turn."""

PAUSE_SECONDS = 0.01
"""The turn of the others. A million records take less than a minute so."""

RETRY_SECONDS = 30.0
"""The pause after the disk has refused to be read."""

AGAIN_SECONDS = 24 * 3600.0
"""The pause between two verifications of all records: a disk may spoil them at any time."""

logger = logging.getLogger("helionyx")

Check = Callable[[Head, int], Awaitable[tuple[Head, Flaw | None]]]
"""EventLog.check, in a thread that has the log open."""


class Scrubber:
    """Verifies the log, and knows the reason why it cannot be used."""

    def __init__(self) -> None:
        self.broken: str | None = None
        """The reason why nothing may be appended, or None."""
        self.hint = RESTORE

    def report(self, reason: str, *, lost: bool = False) -> None:
        """Note that the log is damaged, or `lost`, and log the reason. The first fault stays."""
        if self.broken is None:
            state = "gone" if lost else "damaged"
            self.broken = f"the event log is {state}, and nothing is recorded: {reason}"
            self.hint = BRING_BACK if lost else RESTORE
            logger.error(self.broken, extra={"fields": {"hint": self.hint}})

    async def run(self, check: Check) -> None:
        """Verify every record, again and again, until one of them has a flaw."""
        while await self._holds(check):
            await asyncio.sleep(AGAIN_SECONDS)

    async def _holds(self, check: Check) -> bool:
        reached, last = BEGINNING, None
        while reached != last:
            try:
                following, flaw = await check(reached, AT_ONCE)
            except DamagedError as error:
                self.report(error.message)
                return False
            except EventLogError as error:  # the disk may come back
                logger.error("could not read the event log: %s", error.message)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if flaw is not None:
                self.report(str(flaw))
                return False
            last, reached = reached, following
            await asyncio.sleep(PAUSE_SECONDS)
        return True
