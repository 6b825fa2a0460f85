"""Counters of the requests: a few additions for each.

The library that writes the numbers down comes with the first who wants to read them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from starlette.types import Scope

from services.durations import Durations

STREAM_BOUNDS = (1.0, 10.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0)
"""The upper bounds of the buckets, in seconds, for answers that wait for what is to come: their length says
nothing of the service."""

WAITS = "waits"
"""In the state of a request whose answer waits for what is to come: a stream, or a poll."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEALTH = ("/health", "/health/ready")
"""The routes whose answers are about the service, and no work of it."""

OTHER = "other"
"""Stands for what callers make up, so that they cannot make up series."""


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
        """The number of open streams of the log."""

    def answer(self, scope: Scope, status: int | None, seconds: float) -> None:
        """Count one."""
        route = self._route(scope["path"])
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self.answered[route, method, str(status or "none")] += 1
        if scope.get("state", {}).get(WAITS):
            self.streams.setdefault((route, method), Durations(STREAM_BOUNDS)).add(seconds)
        else:
            self.durations.setdefault((route, method), Durations()).add(seconds)

    @property
    def requests(self) -> dict[str, int]:
        """The numbers of requests that were answered, and that failed: a release is judged by them."""
        counted = [
            (status, count) for (route, _, status), count in self.answered.items() if route not in HEALTH
        ]
        failed = sum(count for status, count in counted if status.startswith("5"))
        return {"answered": sum(count for _, count in counted), "failed": failed}

    def _route(self, path: str) -> str:
        """The route of a path, whatever numbers and names stand in it."""
        if path in self._paths:
            return path
        return next((route for route, shape in self._shapes.items() if shape.fullmatch(path)), OTHER)
