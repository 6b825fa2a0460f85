"""The errors of the event log."""

from __future__ import annotations

from services.errors import HelionyxError

RESTORE = "restore it from a backup"
BRING_BACK = (
    "mount it or bring it back, then restart; or restore a backup; or start a new log:"
    " docs/DEPLOYMENT.md, The event log is gone"
)


class EventLogError(HelionyxError):
    """The event log cannot do what was asked."""


class BusyError(EventLogError):
    """Another process kept the log locked for longer than the time limit."""


class ConflictError(EventLogError):
    """An idempotency key that has been used already, at `position`, came again with something else."""

    def __init__(self, key: str, position: int) -> None:
        super().__init__(
            f"the idempotency key {key!r} was used at position {position} for something else",
            "use a new key for a new message",
        )
        self.position = position


class NewerFormatError(EventLogError):
    """The file was written by a later release, in a format that this one does not know."""


class DamagedError(EventLogError):
    """The file is not an event log, or is no longer one that can be read."""


class LostError(EventLogError):
    """The log is gone: deleted, not mounted, or replaced by another or an older one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, BRING_BACK)


class FullDiskError(EventLogError):
    """The disk takes nothing more. What is on it can still be read."""


class MisfitError(EventLogError):
    """A record to be imported differs from the log's own, or does not continue it."""


def misfit(position: int, reason: str) -> MisfitError:
    """The error about one record."""
    return MisfitError(f"the record at position {position} does not fit: {reason}", "nothing was imported")
