"""The last bytes that a program writes to a pipe."""

from __future__ import annotations

import os
import threading
from typing import IO

MOST = 1 << 16  # bytes
CHUNK = 1 << 16
PATIENCE = 2.0  # seconds for the rest, once the program has ended: another one may hold the pipe open


class Tail:
    """Reads a pipe in a thread of its own, so that the program never waits, and keeps its last bytes."""

    def __init__(self, pipe: IO[bytes], most: int = MOST) -> None:
        self._pipe, self._most, self._kept = pipe, most, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The last words, once the program has ended."""
        self._thread.join(PATIENCE)
        return self._kept.decode(errors="replace")

    def _read(self) -> None:
        with self._pipe:
            while data := os.read(self._pipe.fileno(), CHUNK):
                self._kept = (self._kept + data)[-self._most :]
