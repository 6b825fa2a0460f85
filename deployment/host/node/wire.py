"""The conversation's form: JSON lines both ways, and blobs of a stated length from the operator's half."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import IO, Any

from ..values.errors import HostError
from ..values.printable import safe

CHUNK = 1 << 18


class Hangup(Exception):
    """The operator's half went away in the middle of a sentence."""


class Wire:
    """Standard input and output, unbuffered: nothing is read that was not asked for."""

    def __init__(self, source: int = 0, sink: int = 1) -> None:
        self._source, self._sink, self._ahead = source, sink, b""

    def say(self, kind: str, **content: Any) -> None:
        """One line to the operator's half."""
        data = json.dumps({"type": kind, **safe(content)}).encode() + b"\n"
        while data:
            data = data[os.write(self._sink, data) :]

    def hear(self) -> dict[str, Any]:
        """The next line from the operator's half. Raises `Hangup` at the end."""
        while b"\n" not in self._ahead:
            self._ahead += self._read(CHUNK)
        line, self._ahead = self._ahead.split(b"\n", 1)
        value: dict[str, Any] = json.loads(line)
        return value

    def receive(self, path: Path, size: int, digest: str) -> None:
        """The next `size` bytes into a private file. Raises `HostError` when they are not what was said."""
        hasher = hashlib.sha256()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while size:
                data = self._ahead[:size] or self._read(min(size, CHUNK))
                self._ahead = self._ahead[len(data) :]
                size -= len(data)
                hasher.update(data)
                file.write(data)
        if hasher.hexdigest() != digest:
            raise HostError(f"{path.name} arrived damaged: {hasher.hexdigest()[:16]}, not {digest[:16]}.")

    def give(self, file: IO[bytes], size: int) -> tuple[str, bool]:
        """Send `size` bytes of a file; return their SHA-256, and whether there were exactly so many.

        Where the file has become shorter, zeros take the place of its end: the other half counts.
        """
        hasher, remaining, whole = hashlib.sha256(), size, True
        while remaining:
            data = file.read(min(CHUNK, remaining))
            if not data:
                whole, data = False, bytes(min(CHUNK, remaining))
            hasher.update(data)
            remaining -= len(data)
            view = memoryview(data)
            while view:
                view = view[os.write(self._sink, view) :]
        return hasher.hexdigest(), whole and not file.read(1)

    def _read(self, size: int) -> bytes:
        data = os.read(self._source, size)
        if not data:
            raise Hangup
        return data
