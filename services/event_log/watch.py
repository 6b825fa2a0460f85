"""Wait until the log grows, whichever process appends to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial

from services.errors import HelionyxError
from services.event_log.records import Record
from services.turns import Turns

POLL_SECONDS = 0.1
"""The interval in which the end of the log is read while anybody waits: another process may append."""

Read = Callable[[int], Awaitable[tuple[tuple[Record, ...], int]]]
"""Returns the next records behind a position, and the position up to which the log was read."""


class Watch:
    """The known end of the log. For use in one event loop.

    `reached` reports the appends of this process; for those of others, `look` is called for the position of
    the log's end while anybody waits. Positions only grow, so that no append is missed between the two.
    """

    def __init__(self, look: Callable[[], Awaitable[int]]) -> None:
        self._look = look
        self._end = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._turns = Turns()
        self._poller: asyncio.Task[None] | None = None
        self._stopped = False

    def reached(self, position: int) -> None:
        """Report that the log ends at `position` at least."""
        if position > self._end:
            self._end = position
            self._wake()

    def stop(self) -> None:
        """End all waits and streams, for good."""
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
        """Yield the records that `read` returns behind `after`, those to come too, until `stop` is called.

        Yields an empty tuple whenever there was no record for `idle_seconds`.
        """
        clock = asyncio.get_running_loop().time
        yielded_at = clock()
        while not self._has_stopped():
            try:
                records, end = await read(after)
            except HelionyxError:
                if self._has_stopped():  # meanwhile: the read failed because of that
                    return
                raise
            if records:
                yield records
                yielded_at, after = clock(), records[-1].position
                if after < end:
                    continue
            after = max(after, end)
            if idle_seconds is not None and clock() >= yielded_at + idle_seconds:
                yield ()
                yielded_at = clock()
            else:
                await self.beyond(after, idle_seconds and yielded_at + idle_seconds - clock())

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
            self._wake()  # the next read of each raises the error
        finally:
            self._poller = None


def _end(wait: asyncio.Future[None]) -> None:
    if not wait.done():
        wait.set_result(None)
