"""Waiting before something is tried again; a stop ends each wait at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TypeGuard, TypeVar

from services.errors import HelionyxError
from services.event_log.errors import ConflictError
from services.refusals import RefusedError

T = TypeVar("T")

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 60.0


def seconds_before(attempt: int, longest: float = LONGEST_SECONDS) -> float:
    """The wait after failure number `attempt`, counted from 1: twice as long each time."""
    return float(min(longest, FIRST_SECONDS * 2 ** min(attempt - 1, 20)))


def is_momentary(error: Exception) -> TypeGuard[HelionyxError]:
    """Whether an error can pass: the log cannot be written or read at the moment."""
    return isinstance(error, HelionyxError) and not isinstance(error, ConflictError | RefusedError)


class Stop:
    """The stop of the bot, which ends all waits."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def asked(self) -> bool:
        """Whether it is to end."""
        return self._event.is_set()

    def ask(self) -> None:
        """Let it end."""
        self._event.set()

    async def within(self, seconds: float) -> bool:
        """Wait so long; whether the stop came meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        return self.asked

    async def unless(self, work: Awaitable[T]) -> T | None:
        """Return the result of `work`, or cancel it at the stop and return None."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for each in (task, stop):
                each.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)
