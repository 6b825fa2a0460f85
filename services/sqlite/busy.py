"""Wait for a SQLite file that another process has locked, in short sleeps and not for ever."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from typing import TypeVar

import apsw

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""The time after which a locked file is an error."""


class Patience:
    """A busy handler. SQLite's own sleeps up to 100 ms, in which two writers could take many turns."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since = 0.0

    def __call__(self, attempt: int) -> bool:
        """Wait a little; return whether to try again. `attempt` counts from 0 for each lock."""
        now = time.monotonic()
        if attempt == 0:
            self._since = now
        if now - self._since >= self._seconds:
            return False
        time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311 - not a secret
        return True


def patiently(job: Callable[[], T], seconds: float) -> T:
    """Do a job that asks no busy handler, such as the change to WAL. Raises apsw.BusyError in the end."""
    wait = Patience(seconds)
    for attempt in itertools.count():
        try:
            return job()
        except apsw.BusyError:
            if not wait(attempt):
                raise
    raise AssertionError("it counts for ever")
