"""The room for what is appended: the reserves of a service, and whether its disk is full."""

from __future__ import annotations

import logging
from pathlib import Path

from services.errors import HelionyxError
from services.event_log.backend import Backend
from services.event_log.errors import FullDiskError
from services.projections.files import file_of
from services.sqlite.full_disk import reserve

LOG_RESERVE, READ_MODELS_RESERVE = 2 << 20, 16 << 20
"""In bytes. Measured: a short message takes 15 kB of the one and 75 kB of the other, where the disk is full
and nothing is carried over from the -wal. The log has to be full first: read models follow what it has.
"""

LITTLE = 1 << 20
"""In bytes: a disk with less than this left is full."""

HINT = "free disk space: reading still works, and recording resumes by itself"

logger = logging.getLogger("helionyx")


class Space:
    """Knows whether the disk is full, and keeps the reserves of the log and of the read models."""

    def __init__(self, backend: Backend, projections: Path) -> None:
        self._backend = backend
        self._read_models = file_of(projections)
        self.reason: str | None = None
        """The reason why little or nothing can be recorded, None where there is room."""
        self._error = FullDiskError("the disk is full", HINT)
        self._logged = False
        self.blocked = False
        """Whether nothing may be appended: the log is open for reading alone, or read models are behind."""

    def block(self, error: HelionyxError) -> None:
        """Let nothing be appended until there is room, and log the error that says why."""
        if not self._logged:
            logger.error("%s; only reading works", error.message, extra={"fields": {"hint": HINT}})
        self._logged = self.blocked = True
        self.reason = f"the disk is full, and nothing is recorded: {error.message}"
        if self._error.message != self.reason:
            self._error = FullDiskError(self.reason, HINT)

    def unblock(self) -> None:
        """Let it be tried again."""
        self.blocked, self.reason = False, None

    def refuse(self) -> None:
        """Raise FullDiskError where nothing may be appended."""
        if self.blocked:
            raise self._error.with_traceback(None)  # one for all callers: it is logged once

    def has_room(self) -> bool:
        """Whether the disk has room again for a service that only reads."""
        return self._backend.free() >= LITTLE

    def look(self) -> None:
        """Fill the reserves up, and find out how much room is left."""
        if self.blocked:
            return
        self._backend.reserve(LOG_RESERVE)
        reserve(self._read_models, READ_MODELS_RESERVE)
        free = self._backend.free()
        shortage = f"{self._backend.store} has {free // 1024} KiB left, and the reserve is in use"
        self.reason = f"the disk is full: {shortage}" if free < LITTLE else None
        if self._logged:
            logger.info("the disk has room again; recording resumes")
        self._logged = False
