"""What can go wrong with the event log, and how SQLite's errors become that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw

from services.errors import HelionyxError
from services.full_disk import is_full

RESTORE = "restore it from a backup"
BRING_BACK = (
    "mount it or bring it back, then restart; or restore a backup; or begin anew:"
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


class PositionError(EventLogError):
    """The log's end is not where the caller expected it."""


class NewerFormatError(EventLogError):
    """The file was written by a later release, in a format that this one does not know."""


class DamagedError(EventLogError):
    """The file is not an event log, or is no longer one that can be read."""


class LostError(EventLogError):
    """There was a log, and it is gone: deleted, not mounted, or replaced by another or an older one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, BRING_BACK)


class FullDiskError(EventLogError):
    """The disk takes nothing more. What is on it can still be read."""


class MisfitError(EventLogError):
    """What is to be taken over is not what the log has, or does not go on where it ends."""


def misfit(position: int, reason: str) -> MisfitError:
    """The error about one record."""
    return MisfitError(f"the record at position {position} does not fit: {reason}", "nothing was imported")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the file at `path` into an EventLogError. Bugs pass through."""
    try:
        yield
    except apsw.BusyError as error:
        hint = "another process is writing; try again"
        raise BusyError(f"{path} stayed locked for longer than the time limit", hint) from error
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, UnicodeDecodeError) as error:
        # A statement of ours is wrong for SQLite where the description of the table is no longer what it was.
        raise DamagedError(f"{path} cannot be read: {error}", RESTORE) from error
    except (
        apsw.CantOpenError,
        apsw.IOError,
        apsw.FullError,
        apsw.ReadOnlyError,
        apsw.PermissionsError,
    ) as error:
        kind = FullDiskError if is_full(error) else EventLogError
        raise kind(f"{path}: {error}", "look at the disk's space and the owner of the file") from error
