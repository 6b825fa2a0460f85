"""A log of a million events: made once, then replayed, verified, and built into read models."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from pathlib import Path

from benchmarks.appends import draft
from services.event_log.records import Append
from services.event_log.sqlite.log import SqliteLog
from services.projections.database import Projections

GROUP = 1000


def fill(directory: Path, count: int) -> None:
    """Append `count` messages."""
    with contextlib.closing(SqliteLog.open(directory)) as log:
        for done in range(0, count, GROUP):
            log.append_each([Append([draft()]) for _ in range(min(GROUP, count - done))])


def replay(directory: Path) -> float:
    """Seconds to read every event in today's version."""
    with contextlib.closing(SqliteLog.open(directory, read_only=True)) as log:
        started = time.perf_counter()
        deque(log.replay(), maxlen=0)
        return time.perf_counter() - started


def verify(directory: Path) -> float:
    """Seconds to verify the whole chain."""
    with contextlib.closing(SqliteLog.open(directory, read_only=True)) as log:
        started = time.perf_counter()
        flaw = log.verify()
        seconds = time.perf_counter() - started
    if flaw is not None:
        raise SystemExit(f"{flaw}: what was measured is worth nothing")
    return seconds


def rebuild(directory: Path, stem: Path) -> float:
    """Seconds to build the read models anew, in the place of those that are there."""
    with (
        contextlib.closing(SqliteLog.open(directory, read_only=True)) as log,
        contextlib.closing(Projections.open(stem)) as projections,
    ):
        started = time.perf_counter()
        projections.rebuild(log)
        return time.perf_counter() - started
