"""The journal on its way to a person: what the service wrote as JSON, unfolded."""

from __future__ import annotations

import json
import re
from typing import IO

from ..host.values.printable import printable
from ..host.values.words import readable
from ..remote.messages import unexpected

# As journalctl writes it: when, which host, who and its process, what.
_LINE = re.compile(rb"(?P<head>\S+ \S+ \S+: )(?P<entry>\{.*\})")
LONGEST = 1 << 20  # bytes of a line; what is longer is shown in parts
LONGEST_OBJECT = 8 << 20  # bytes of a line of JSON


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
        if len(self._begun) > LONGEST:
            lines, self._begun = [*lines, self._begun], b""
        self._sink.write(b"".join(_unfolded(line) + b"\n" for line in lines))

    def flush(self) -> None:
        """Let them be seen."""
        self._sink.flush()

    def close(self) -> None:
        """Pass on the rest, which is no whole line."""
        self._sink.write(_unfolded(self._begun))
        self._sink.flush()


class Objects:
    """Passes lines on to `sink` that are one JSON object each. Raises `DeployError` for any other line."""

    def __init__(self, node: str, sink: IO[bytes]) -> None:
        self._node, self._sink, self._begun = node, sink, b""

    def write(self, data: bytes) -> None:
        """Pass on the lines that are whole by now."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._sink.write(self._object(line) + b"\n")
        if len(self._begun) > LONGEST_OBJECT:
            raise unexpected(self._node, "a line of the journal without end")

    def flush(self) -> None:
        """Let them be seen."""
        self._sink.flush()

    def _object(self, line: bytes) -> bytes:
        """The same object in ASCII: nothing in it moves a terminal."""
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            raise unexpected(self._node, "a line of the journal that is no JSON object")
        return json.dumps(entry).encode()


def _unfolded(line: bytes) -> bytes:
    match = _LINE.fullmatch(line)
    if match is None:
        return _safe(line)
    first, *below = readable(match["entry"].decode(errors="surrogateescape"))
    return _safe(match["head"]) + "\n    ".join((first, *(text.strip() for text in below))).encode()


def _safe(line: bytes) -> bytes:
    return printable(line.decode(errors="surrogateescape")).encode()
