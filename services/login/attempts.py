"""Slowing down attempts to log in."""

from __future__ import annotations

import time
from collections.abc import Callable

FREE = 5
"""The attempts that may fail before the next one has to wait."""

LONGEST_SECONDS = 300.0

FORGOTTEN_SECONDS = 900.0
"""The time after which failed attempts no longer count."""

MOST = 1000
"""The most addresses that are remembered."""


class Attempts:
    """Failed attempts by address, in memory: each beyond `FREE` doubles the wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}

    def wait(self, address: str) -> float:
        """The seconds until the next attempt of an address; 0 where it may try now."""
        failures, last = self._failed.get(address, (0, 0.0))
        passed = self._clock() - last
        if failures < FREE or passed > FORGOTTEN_SECONDS:
            return 0.0
        return max(0.0, min(2.0 ** (failures - FREE), LONGEST_SECONDS) - passed)

    def failed(self, address: str) -> None:
        """Count a failed attempt."""
        failures, last = self._failed.pop(address, (0, 0.0))
        now = self._clock()
        if now - last > FORGOTTEN_SECONDS:
            failures = 0
        if len(self._failed) >= MOST:
            del self._failed[next(iter(self._failed))]
        self._failed[address] = (failures + 1, now)

    def succeeded(self, address: str) -> None:
        """Forget the failed attempts of an address."""
        self._failed.pop(address, None)
