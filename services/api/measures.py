"""What is counted of the requests: a few additions for each.

The library that writes the numbers down comes with the first who wants to read them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.types import Scope

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds of the buckets, in seconds."""

STREAM_BOUNDS = (1.0, 10.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0)
"""The same for answers that wait for what is to come: their length says nothing of the service."""

WAITS = "waits"
"""In the state of a request whose answer waits for what is to come: a stream, or a poll."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"
"""Stands for what callers make up, so that they cannot make up series."""


@dataclass
class Durations:
    """How long requests took."""

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


class Measures:
    """The requests that were answered, by route."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = frozenset(path for path in paths if "{" not in path)
        self._shapes = {path: re.compile(re.sub("{[a-z]+}", "[^/]+", path)) for path in paths if "{" in path}
        self.answered: Counter[tuple[str, str, str]] = Counter()
        """By route, method and status."""
        self.durations: dict[tuple[str, str], Durations] = {}
        """By route and method."""
        self.streams: dict[tuple[str, str], Durations] = {}
        """The same for those that wait for what is to come."""
        self.followers = 0
        """How many follow the log at the moment."""

    def answer(self, scope: Scope, status: int | None, seconds: float) -> None:
        """Count one."""
        route = self._route(scope["path"])
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self.answered[route, method, str(status or "none")] += 1
        if scope.get("state", {}).get(WAITS):
            self.streams.setdefault((route, method), Durations(STREAM_BOUNDS)).add(seconds)
        else:
            self.durations.setdefault((route, method), Durations()).add(seconds)

    def _route(self, path: str) -> str:
        """The route of a path, whatever numbers and names stand in it."""
        if path in self._paths:
            return path
        return next((route for route, shape in self._shapes.items() if shape.fullmatch(path)), OTHER)
