"""The journal on its way to a person: what the service wrote as JSON, unfolded."""

from __future__ import annotations

import re
from typing import IO

from .host.printable import printable
from .host.words import readable

# As journalctl writes it: when, which host, who and its process, what.
_LINE = re.compile(rb"(?P<head>\S+ \S+ \S+: )(?P<entry>\{.*\})")


class Unfolding:
    """Passes lines on to `sink`, those of a service unfolded, and everything else as it is."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._begun = b""
        self.empty = True
        """Whether nothing has come so far."""

    def write(self, data: bytes) -> None:
        """Pass on the lines that are whole by now."""
        self.empty = False
        *lines, self._begun = (self._begun + data).split(b"\n")
        self._sink.write(b"".join(_unfolded(line) + b"\n" for line in lines))

    def flush(self) -> None:
        """Let them be seen."""
        self._sink.flush()

    def close(self) -> None:
        """Pass on what is left, which is no whole line."""
        self._sink.write(_unfolded(self._begun))
        self._sink.flush()


def _unfolded(line: bytes) -> bytes:
    found = _LINE.fullmatch(line)
    if found is None:
        return _safe(line)
    first, *below = readable(found["entry"].decode(errors="surrogateescape"))
    return _safe(found["head"]) + "\n    ".join((first, *(text.strip() for text in below))).encode()


def _safe(line: bytes) -> bytes:
    return printable(line.decode(errors="surrogateescape")).encode()
