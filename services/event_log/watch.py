"""Waiting for the log to go on, whoever appends to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial

from services.errors import HelionyxError
from services.event_log.records import Record
from services.turns import Turns

POLL_SECONDS = 0.1
"""How often the log's end is looked for while somebody waits: another process's appends are seen by then."""

Read = Callable[[int], Awaitable[tuple[tuple[Record, ...], int]]]
"""Gives the next records behind a position, and how far the log was looked at where there are none."""


class Watch:
    """How far the log is known to reach. For use in one event loop.

    What this process appends is told by `reached`; for what others do, `look` is asked for the position of
    the log's end, while anybody waits. Positions only grow, so that nothing is missed between looking and
    waiting.
    """

    def __init__(self, look: Callable[[], Awaitable[int]]) -> None:
        self._look = look
        self._end = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._turns = Turns()
        self._poller: asyncio.Task[None] | None = None
        self._stopped = False

    def reached(self, position: int) -> None:
        """The log ends at `position` at least."""
        if position > self._end:
            self._end = position
            self._wake()

    def stop(self) -> None:
        """Let all who wait go, for good."""
        self._stopped = True
        if self._poller is not None:
            self._poller.cancel()
        self._wake()

    async def beyond(self, position: int, seconds: float | None = None) -> None:
        """Wait until the log may reach beyond `position`, or `seconds` have passed, or `stop` is called."""
        if self._end > position or self._stopped:
            return
        loop = asyncio.get_running_loop()
        wait = loop.create_future()
        self._waiting.add(wait)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        timer = None if seconds is None else loop.call_later(seconds, _end, wait)
        try:
            await wait
        finally:
            self._waiting.discard(wait)
            if timer is not None:
                timer.cancel()

    async def stream(
        self, read: Read, after: int, idle_seconds: float | None
    ) -> AsyncGenerator[tuple[Record, ...], None]:
        """What `read` finds behind the position `after`, and goes on to find there, until `stop` is called.

        An empty tuple where nothing has come for `idle_seconds`.
        """
        clock = asyncio.get_running_loop().time
        spoken = clock()
        while not self._has_stopped():
            try:
                records, end = await read(after)
            except HelionyxError:
                if self._has_stopped():  # while it was read: this is what was to be heard
                    return
                raise
            if records:
                yield records
                spoken, after = clock(), records[-1].position
                if after < end:
                    continue
            after = max(after, end)
            if idle_seconds is not None and clock() >= spoken + idle_seconds:
                yield ()
                spoken = clock()
            else:
                await self.beyond(after, idle_seconds and spoken + idle_seconds - clock())

    def _has_stopped(self) -> bool:
        return self._stopped

    def _wake(self) -> None:
        self._turns.take([partial(_end, wait) for wait in self._waiting])
        self._waiting.clear()

    async def _poll(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(POLL_SECONDS)
                self.reached(await self._look())
        except HelionyxError:
            self._wake()  # who reads by himself finds out what is the matter
        finally:
            self._poller = None


def _end(wait: asyncio.Future[None]) -> None:
    if not wait.done():
        wait.set_result(None)
