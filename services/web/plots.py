"""Plots of tracks whose entries are numbers, over time: values for an SVG."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from services.projections.entries import TrackEntry

WIDTH, HEIGHT, MARGIN = 640, 200, 8

NUMERIC_SHARE = 0.8
"""The share of entries that must be numbers for a track to be plotted."""

AT_ONCE_SECONDS = 60
"""Entries within so many seconds stand beside each other: they were typed in one go."""

_NUMBER = re.compile(r"[-+\u2212]?\d{1,12}(?:[.,]\d{1,6})?(?![\d:/.-])")


class Point(Struct, frozen=True):
    """One entry of a plot."""

    x: float
    y: float
    value: float
    time: str
    text: str


class Plot(Struct, frozen=True):
    """A line through the points, from the oldest to the newest."""

    points: tuple[Point, ...]
    low: float
    high: float

    @property
    def line(self) -> str:
        """The `points` of an SVG polyline."""
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)


def number_in(text: str) -> float | None:
    """The number that an entry begins with, such as 82.1 in `82.1 kg`; None without one."""
    match = _NUMBER.match(text.strip())
    return None if match is None else float(match[0].replace(",", ".").replace("\u2212", "-"))


def plot_of(entries: Sequence[TrackEntry], width: int = WIDTH, height: int = HEIGHT) -> Plot | None:
    """The plot of entries, the oldest first; None where they are too few or not numbers."""
    ordered = sorted(entries, key=lambda entry: entry.time)
    numbers = [(entry, value) for entry in ordered if (value := number_in(entry.text)) is not None]
    if len(numbers) < 2 or len(numbers) < NUMERIC_SHARE * len(entries):
        return None
    times = _times([entry for entry, _ in numbers])
    values = [value for _, value in numbers]
    first, last, low, high = min(times), max(times), min(values), max(values)
    points = tuple(
        Point(
            _scaled(time, first, last, MARGIN, width - MARGIN),
            _scaled(value, low, high, height - MARGIN, MARGIN),
            value,
            entry.time,
            entry.text,
        )
        for (entry, value), time in zip(numbers, times, strict=True)
    )
    return Plot(points, low, high)


def _times(entries: Sequence[TrackEntry]) -> list[float]:
    """The times of entries, in seconds; their numbers where they were typed in one go."""
    times = [datetime.fromisoformat(entry.time).timestamp() for entry in entries]
    is_at_once = max(times) - min(times) < AT_ONCE_SECONDS
    return [float(index) for index in range(len(times))] if is_at_once else times


def _scaled(value: float, low: float, high: float, start: float, end: float) -> float:
    if math.isclose(low, high):
        return (start + end) / 2
    return start + (value - low) / (high - low) * (end - start)
