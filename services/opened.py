"""The log and the read models as one thread has them open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.errors import HelionyxError
from services.event_log import DamagedError, EventLog, Head
from services.projections import Projections


@dataclass(frozen=True)
class Opened:
    """Both of them."""

    log: EventLog
    projections: Projections

    @classmethod
    def open(cls, event_store: Path, projections: Path, *, read_only: bool, shared: bool) -> Opened:
        """Open both, or none. `read_only` is the log, `shared` are the projections. Raises HelionyxError."""
        log = EventLog.open(event_store, read_only=read_only)
        try:
            return cls(log, Projections.open(projections, shared=shared))
        except HelionyxError:
            log.close()
            raise

    def end(self) -> Head:
        """The end of the log; of a damaged one the end of what can be read of it."""
        try:
            return self.log.head()
        except DamagedError:
            return self.log.sound_end()

    def close(self) -> None:
        """Let go of the files."""
        self.projections.close()
        self.log.close()
