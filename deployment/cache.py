"""Results that take long to make, cached in the checkout. A key and the digest of its content name each file.

Anything in a cache can be removed at any time. A damaged file is made again.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .host.model import sha256

KEPT = 6  # files of one kind


class Cache:
    """The files of one kind, in one directory, each by a key that says what it was made of."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, key: str) -> bytes | None:
        """Return the content cached for `key`, or None if it is missing or damaged."""
        for path in self._directory.glob(f"{key}.*"):
            try:
                content = path.read_bytes()
            except OSError:  # another user's, or dropped just now
                continue
            if path.name == _name(key, content):
                with contextlib.suppress(OSError):  # the cache of another user cannot be touched
                    os.utime(path)  # marks the file as used: the oldest are dropped
                return content
        return None

    def keep(self, key: str, content: bytes) -> bytes:
        """Keep `content` for `key` and return it. A directory that cannot be written keeps nothing."""
        with contextlib.suppress(OSError):
            self._keep(_name(key, content), content)
        return content

    def _keep(self, name: str, content: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        half = self._directory / f"half-{os.getpid()}"
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        half.replace(self._directory / name)
        for old in sorted(self._directory.iterdir(), key=lambda item: item.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)


def _name(key: str, content: bytes) -> str:
    return f"{key}.{sha256(content)}"
