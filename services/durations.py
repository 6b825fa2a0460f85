"""Durations, counted in the buckets of a histogram: a search and two additions for each."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds of the buckets, in seconds."""

COMMIT_BOUNDS = (0.0001, 0.00025, 0.0005, *BOUNDS[:-1])
"""The same for a commit of the log: a good disk takes 127 to 150 µs."""


@dataclass
class Durations:
    """The durations of one kind. Added to by one thread at a time, and read by any."""

    bounds: tuple[float, ...] = BOUNDS
    counts: list[int] = field(init=False)
    """For each bound those that took at most that long, and longer than the bound before; then the rest."""
    total: float = 0.0
    """In seconds."""

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds
