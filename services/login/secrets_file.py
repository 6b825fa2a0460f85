"""The secrets of the pages: a file beside the read models, shared by all processes of one environment.

It holds no word of a person. Without it there is a new key: everybody logs in again.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.errors import HelionyxError

logger = logging.getLogger("helionyx")

MOST_ENDED = 10_000
"""The most sessions and links that ended early and are remembered: those that expire last."""


class Secrets(Struct, frozen=True):
    """The content of the file."""

    key: str
    """The key of all signatures, in hex. A new one ends every session."""
    ended: dict[str, int] = {}
    """The ids of sessions and links that ended early -> the Unix time at which they would have expired."""
    calendar: str | None = None
    """The secret part of the calendar's address; None: there is no calendar."""


class SecretsError(HelionyxError):
    """The file of the secrets cannot be written."""


_decode = msgspec.json.Decoder(Secrets).decode


class SecretsFile:
    """Reads the file where it has changed, and changes it under a lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: Secrets | None = None
        self._stamp: tuple[int, int] | None = None
        self._unwritten: Secrets | None = None
        """The secrets of this process, where the disk takes none."""

    def get(self) -> Secrets:
        """The secrets; made, where there are none."""
        try:
            stat = self._path.stat()
        except OSError:
            return self._made()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if self._read is None or stamp != self._stamp:
            self._read, self._stamp = self._load() or self._made(), stamp
        return self._read

    def _made(self) -> Secrets:
        """New secrets: on the disk, or in memory where that takes none, so that pages can be read."""
        try:
            return self.change(lambda current: current)
        except SecretsError as error:
            if self._unwritten is None:
                logger.warning(error.message, extra={"fields": {"hint": error.hint}})
                self._unwritten = Secrets(secrets.token_hex(32))
            return self._unwritten

    def change(self, new: Callable[[Secrets], Secrets]) -> Secrets:
        """Replace the secrets by `new` of them, and return the result. Durable on return.

        Raises SecretsError where the disk takes nothing: then nothing has changed.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                current = self._load()
                changed = new(current or Secrets(secrets.token_hex(32)))
                if changed != current:
                    self._write(msgspec.json.encode(changed))
        except OSError as error:
            raise SecretsError(
                f"cannot write the sessions {self._path}: {error.strerror}",
                "look at the disk's space and the owner of the file",
            ) from error
        return changed

    def end(self, id_: str, expires: int, now: int) -> bool:
        """Let a session or link end before it expires; whether it had not ended before."""
        fresh = False

        def ended(current: Secrets) -> Secrets:
            nonlocal fresh
            fresh = id_ not in current.ended
            valid = sorted(
                ((other, until) for other, until in current.ended.items() if until > now),
                key=lambda pair: pair[1],
            )
            return replace(current, ended={**dict(valid[-MOST_ENDED:]), id_: expires})

        self.change(ended)
        return fresh

    def end_all(self) -> None:
        """End every session and every link."""
        self.change(lambda current: replace(current, key=secrets.token_hex(32), ended={}))

    def _load(self) -> Secrets | None:
        """The content; None where there is no file, or one that cannot be read as secrets."""
        try:
            return _decode(self._path.read_bytes())
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, content: bytes) -> None:
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
