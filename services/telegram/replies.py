"""The messages still to be sent, one after the other, while updates are received.

An answer that waits, such as for the end of a 429, holds up no update: what was said is in the log, where the
next process can see that it has no answer yet.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from services.telegram import texts
from services.telegram.backoff import Stop, is_momentary, seconds_before
from services.telegram.outbox import Outbox, To
from services.telegram.status import Status
from services.telegram.texts import Reply

logger = logging.getLogger("helionyx")

ALBUM_SECONDS = 1.0
"""The wait for the next part of an album: each is an update of its own."""


@dataclass
class Owed:
    """An answer. The parts of an album share one, which is put together here."""

    about: str
    to: To
    compose: Callable[[], Awaitable[Reply]] | None
    """Makes it, when its turn has come; None: there were no words."""
    weight: int = 1
    """The weight of this reply among those to the parts of an album."""
    kinds: tuple[str, ...] = ()
    """The kinds of attachments without text."""
    album: bool = False

    def joined(self, other: Owed) -> Owed:
        """The reply to two parts of an album: that with the greater weight."""
        first = max((self, other), key=lambda owed: (owed.compose is not None, owed.weight))
        return replace(first, kinds=self.kinds + other.kinds)

    async def reply(self) -> Reply:
        """The message to send."""
        return texts.noted(self.kinds) if self.compose is None else await self.compose()


class Lane:
    """Does one job after the other, each until there is nothing left to do, until the stop."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._jobs: deque[Callable[[], Awaitable[float | None]]] = deque()
        self._added = asyncio.Event()

    def put(self, job: Callable[[], Awaitable[float | None]]) -> None:
        """Queue a job; a job that returns seconds is run again after them."""
        self._jobs.append(job)
        self._added.set()

    async def run(self) -> None:
        """Work until the stop, and drop the jobs that remain then."""
        failures = 0
        while not self._stop.asked:
            if not self._jobs:
                self._added.clear()
                await self._stop.unless(self._added.wait())
                continue
            try:
                wait = await self._jobs[0]()
                failures = 0
            except Exception as error:
                failures += 1
                wait = None
                if is_momentary(error):
                    wait, fields = seconds_before(failures), {"reason": error.message}
                    logger.warning("telegram: an answer has to wait", extra={"fields": fields})
                else:
                    logger.exception("telegram: internal error; a reply could not be sent")
            if wait is None:
                self._jobs.popleft()
            else:
                await self._stop.within(wait)


class Replies:
    """The answers that are owed, in the order of what they answer."""

    def __init__(self, outbox: Outbox, status: Status, stop: Stop) -> None:
        self._outbox = outbox
        self._status = status
        self._lane = Lane(stop)
        self._owed: dict[str, Owed] = {}
        self._ready: dict[str, float] = {}

    def put(self, owed: Owed) -> None:
        """Queue an answer, unless it is waiting already."""
        before = self._owed.get(owed.about)
        if before is None:
            self._owed[owed.about] = owed
            self._lane.put(lambda: self._send(owed.about))
        elif owed.album:
            self._owed[owed.about] = before.joined(owed)
        if owed.album:
            self._ready[owed.about] = time.monotonic() + ALBUM_SECONDS
        self._status.owed = len(self._owed)

    async def run(self) -> None:
        """Send until the stop."""
        await self._lane.run()

    async def _send(self, about: str) -> float | None:
        wait = self._ready.get(about, 0) - time.monotonic()
        if wait > 0:  # another part of the album may come
            return wait
        owed = self._owed[about]
        try:
            again = await self._outbox.send(about, await owed.reply(), owed.to)
        except Exception as error:
            if not is_momentary(error):
                self._forget(about)
            raise
        if again is None:
            self._forget(about)
        return again

    def _forget(self, about: str) -> None:
        self._owed.pop(about, None)
        self._ready.pop(about, None)
        self._status.owed = len(self._owed)
