"""Results that take long to make, cached in the checkout. A key and the digest of its content name each file.

Anything in a cache can be removed at any time. A damaged file is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

KEPT = 6  # files of one kind
HALF = "half-"  # the prefix of a file that is still being written
ABANDONED = 3600.0  # seconds after which such a file counts as abandoned


class Cache:
    """The files of one kind, in one directory, each by a key that says what it was made of."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, key: str) -> bytes | None:
        """Return the content cached for `key`, or None if it is missing or damaged."""
        for path in self._directory.glob(f"{key}.*"):
            if not path.is_file():  # a pipe would be waited for without end
                continue
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
        half = self._directory / f"{HALF}{os.getpid()}"
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            half.replace(self._directory / name)
        except OSError:  # such as a full disk: half a file only takes room there
            half.unlink(missing_ok=True)
            raise
        self._drop_old()

    def _drop_old(self) -> None:
        """Drop the files that were not used for longest, and what killed processes have half written."""
        times = {path: path.lstat().st_mtime for path in self._directory.iterdir()}
        whole = sorted(
            (path for path in times if not path.name.startswith(HALF)), key=lambda path: times[path]
        )
        abandoned = [path for path in times if path not in whole and times[path] < time.time() - ABANDONED]
        for path in (*whole[:-KEPT], *abandoned):
            with contextlib.suppress(OSError):  # a file that cannot be dropped must not keep the others
                path.unlink()


def _name(key: str, content: bytes) -> str:
    """The name of a file: its digest holds the key too, so that the file of another key is none."""
    digest = hashlib.sha256(key.encode() + b"\n")
    digest.update(content)
    return f"{key}.{digest.hexdigest()}"
