"""The log and the read models as one thread has them open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.errors import HelionyxError
from services.event_log.backend import Backend
from services.event_log.errors import DamagedError, FullDiskError
from services.event_log.log import EventLog
from services.event_log.records import Entry
from services.event_log.summary import Head
from services.formats import OF_ITSELF
from services.projections.database import DamagedProjectionsError, Projections

logger = logging.getLogger("helionyx")


@dataclass(frozen=True)
class OpenStorage:
    """One connection to the log and one to the read models."""

    log: EventLog
    projections: Projections
    shared: bool
    """Whether another service may have the read models open."""
    full: HelionyxError | None = None
    """The reason why a full disk lets nothing be written here, None where it does."""

    @classmethod
    def open(
        cls,
        backend: Backend,
        projections: Path,
        *,
        read_only: bool,
        begin: bool,
        shared: bool,
        reading: bool = False,
    ) -> OpenStorage:
        """Open the log and the read models, or neither. `read_only` and `begin` are for the log.

        On a full disk they are open for reading alone, with `reading` on any. Raises HelionyxError.
        """
        full: HelionyxError | None = None
        try:
            log = backend.open(read_only=read_only, begin=begin)
        except FullDiskError as error:
            log, full = backend.open(read_only=True), error
        try:
            models = Projections.open(projections, shared=shared, reading=reading)
            return cls(log, models, shared, full or models.full)
        except HelionyxError:
            log.close()
            raise

    def end(self) -> Head:
        """The end of the log; of a damaged one the end of what can be read of it."""
        try:
            return self.log.head()
        except DamagedError:
            return self.log.sound_end()

    def ends_with_notes_like(self, draft: Entry, times: int) -> bool:
        """Whether the last `times` records are starts and stops of the release that `draft` is about."""
        last = list(self.log.replay(max(0, self.log.head().position - times)))
        alike = (event.type in OF_ITSELF and event.data == draft.data for event in last)
        return len(last) == times and all(alike)

    def is_behind(self) -> bool:
        """Whether the log holds more than the read models."""
        return self.projections.position() < self.log.head().position

    def catch_up_first(self, stopping: Callable[[], bool]) -> None:
        """Bring the read models up to the log's end, before anybody else has them open.

        Damaged ones are built anew, unless another service may have them. Raises HelionyxError.
        """
        try:
            self.projections.catch_up(self.log, stopping)
        except DamagedProjectionsError as error:
            if self.shared:
                raise
            logger.warning("%s; they are built anew", error.message)
            self.projections.begin_anew()
            self.projections.catch_up(self.log, stopping)

    def close(self) -> None:
        """Let go of the files."""
        self.projections.close()
        self.log.close()
