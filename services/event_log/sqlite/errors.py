"""SQLite's errors as errors of the event log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw

from services.event_log.errors import RESTORE, BusyError, DamagedError, EventLogError, FullDiskError
from services.sqlite.full_disk import is_full


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file at `path` into an EventLogError. Bugs pass through."""
    try:
        yield
    except apsw.ConnectionClosedError as error:
        raise EventLogError(f"{path} is closed") from error
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
