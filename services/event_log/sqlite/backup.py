"""Copy a log while others append to it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import apsw

from services.event_log.backend import Progress
from services.event_log.errors import EventLogError
from services.event_log.files import sync
from services.event_log.sqlite.errors import explained
from services.event_log.sqlite.log import SqliteLog
from services.event_log.sqlite.schema import FILE_NAME, refuse_missing
from services.event_log.summary import Head


def back_up(store: Path, target: Path, progress: Progress) -> Head:
    """Copy the log in `store` into the directory `target`, and verify the copy; return its end.

    The file appears when it is whole, verified and on the disk, and replaces none: whatever interrupts this
    leaves no backup, rather than half of one. Raises EventLogError.
    """
    path = target / FILE_NAME
    refuse_missing(store)
    if path.exists():
        raise EventLogError(f"{path} already exists", "a backup goes into a directory of its own")
    scratch = target / f".backup-{secrets.token_hex(4)}"
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch.mkdir(mode=0o700)
        try:
            head = _copy(store, scratch, progress)
            os.link(scratch / FILE_NAME, path)  # which replaces nothing
        finally:
            for file in scratch.iterdir():
                file.unlink()
            scratch.rmdir()
        sync(target)
    except FileExistsError:
        raise EventLogError(f"{path} already exists", "a backup goes into a directory of its own") from None
    except OSError as error:
        raise EventLogError(
            f"{error.filename or target}: {error.strerror}", "look at the directory's space and owner"
        ) from error
    return head


def _copy(store: Path, scratch: Path, progress: Progress) -> Head:
    path = scratch / FILE_NAME
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with (
        contextlib.closing(SqliteLog.open(store, read_only=True)) as source,
        explained(path),
        contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as copy,
    ):
        copy.pragma("journal_mode", "OFF")
        copy.pragma("synchronous", "OFF")
        source.copy_to(copy)
        if copy.pragma("integrity_check", 1) != "ok":
            # The records are verified below, and an index is made of them.
            copy.execute("REINDEX")
    sync(path)
    with contextlib.closing(SqliteLog.open(scratch, read_only=True)) as log:
        flaw = log.verify(progress)
        problem = flaw or log.damage()
        if problem is not None:
            raise EventLogError(f"{store} cannot be backed up: {problem}", "verify finds it as well")
        return log.head()
