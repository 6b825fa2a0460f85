"""How far long work has come, for who waits at a terminal."""

from __future__ import annotations

import sys
import time

PATIENCE_SECONDS = 0.5
"""What is done by then, nobody has to be told about."""


class Progress:
    """Says on standard error, where that is a terminal, how many records are done, a few times a second."""

    def __init__(self, done: str, total: int | None = None) -> None:
        self._done = done
        self._of = "" if total is None else f" of {total:,}"
        self._next = time.monotonic() + PATIENCE_SECONDS
        self._terminal = sys.stderr.isatty()
        self._said = False

    def __enter__(self) -> Progress:
        return self

    def __call__(self, position: int) -> None:
        """`position` is reached."""
        now = time.monotonic()
        if self._terminal and now >= self._next:
            self._next, self._said = now + 0.1, True
            print(f"\r{self._done} {position:,}{self._of}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._said:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
