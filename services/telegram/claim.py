"""Only one process polls for a bot: two would end each other's polls for ever."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

from services.errors import HelionyxError


class Claim:
    """A lock on a file named after a hash of the token. It ends with the process."""

    def __init__(self, state: Path, token: str) -> None:
        digest = hashlib.sha256(token.encode()).hexdigest()[:16]
        self.file = state / f"telegram-{digest}.lock"
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether it is ours now, without waiting. Raises HelionyxError where the file cannot be had."""
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HelionyxError(f"cannot open {self.file}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let another process have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
