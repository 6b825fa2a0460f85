"""Whether the chain holds, found out without making anybody wait for it.

Three looks: at the last records when the log is opened, and at the very last one in each transaction that
appends behind somebody else's, which take no longer for a longer log; and at all of them once a day, a few at
a time, while the service works.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.event_log.chain import Flaw
from services.event_log.errors import BRING_BACK, RESTORE, DamagedError, EventLogError
from services.event_log.summary import BEGINNING, Head

AT_ONCE = 500
"""How many records are looked at before others have their turn."""

PAUSE_SECONDS = 0.01
"""How long the others have it. A million records take less than a minute so."""

RETRY_SECONDS = 30.0
"""How long it waits after the disk has refused to be read."""

AGAIN_SECONDS = 24 * 3600.0
"""How long after a look at all of them the next one begins: disks and hands spoil what was whole."""

logger = logging.getLogger("helionyx")

Check = Callable[[Head, int], Awaitable[tuple[Head, Flaw | None]]]
"""What EventLog.check does, in the thread of whoever has the log."""


class Guard:
    """Knows what is wrong with the log, once anything is."""

    def __init__(self) -> None:
        self.broken: str | None = None
        """Why nothing may be appended, or None."""
        self.hint = RESTORE

    def found(self, reason: str, *, lost: bool = False) -> None:
        """Note that the log is damaged, or `lost`, and log the reason. The first fault stays."""
        if self.broken is None:
            state = "gone" if lost else "damaged"
            self.broken = f"the event log is {state}, and nothing is recorded: {reason}"
            self.hint = BRING_BACK if lost else RESTORE
            logger.error(self.broken, extra={"fields": {"hint": self.hint}})

    async def patrol(self, check: Check) -> None:
        """Look at every record there is, again and again, until one of them does not fit."""
        while await self._holds(check):
            await asyncio.sleep(AGAIN_SECONDS)

    async def _holds(self, check: Check) -> bool:
        reached, last = BEGINNING, None
        while reached != last:
            try:
                following, flaw = await check(reached, AT_ONCE)
            except DamagedError as error:
                self.found(error.message)
                return False
            except EventLogError as error:  # the disk may come back
                logger.error("the event log could not be looked at: %s", error.message)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if flaw is not None:
                self.found(str(flaw))
                return False
            last, reached = reached, following
            await asyncio.sleep(PAUSE_SECONDS)
        return True
