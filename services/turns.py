"""Resume many waiting callers a few at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

AT_ONCE = 8
"""The number of calls in one turn of the event loop, so that all other work has its turn between. A crowd
that went on at once would keep everybody waiting until each had been served."""


class Turns:
    """Calls, made a few in each turn of the event loop, in their order."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()

    def take(self, calls: Iterable[Callable[[], object]]) -> None:
        """Queue calls behind the earlier ones."""
        idle = not self._calls
        self._calls.extend(calls)
        if idle and self._calls:
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        for _ in range(min(AT_ONCE, len(self._calls))):
            self._calls.popleft()()
        if self._calls:
            asyncio.get_running_loop().call_soon(self._turn)
