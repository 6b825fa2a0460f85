"""What takes long to make, kept in the checkout: files that bear the digest of their content in their name.

Anything in it can be removed at any time. What is damaged there is made anew.
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
        """Return what is kept for `key`; None where nothing is, or not as it was kept."""
        for path in self._directory.glob(f"{key}.*"):
            content = path.read_bytes()
            if path.name == _name(key, content):
                with contextlib.suppress(OSError):  # of a cache that is somebody else's
                    os.utime(path)  # the oldest are dropped
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
