"""Show at a terminal how far long work has come."""

from __future__ import annotations

import sys
import time

PATIENCE_SECONDS = 0.5
"""Work that takes less is not shown."""


class Progress:
    """Show the number of records that are done, a few times a second, where standard error is a terminal."""

    def __init__(self, done: str, total: int | None = None) -> None:
        self._done = done
        self._of = "" if total is None else f" of {total:,}"
        self._next = time.monotonic() + PATIENCE_SECONDS
        self._terminal = sys.stderr.isatty()
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __call__(self, position: int) -> None:
        """Show that `position` is reached."""
        now = time.monotonic()
        if self._terminal and now >= self._next:
            self._next, self._shown = now + 0.1, True
            print(f"\r{self._done} {position:,}{self._of}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
