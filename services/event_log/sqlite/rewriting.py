"""Rewrite a log in place with redacted events: the only way in which appended records change.

The new log is written beside the old one, verified, and takes its name in one step: whatever interrupts this
leaves the old log or the new one, whole. No page of the new file has the replaced words, since it is made of
the new records alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from services.event_log.chain import behind
from services.event_log.errors import RESTORE, BusyError, DamagedError, EventLogError
from services.event_log.files import sync
from services.event_log.log import EventLog
from services.event_log.records import Changed, Entry, Record
from services.event_log.sqlite.log import SqliteLog
from services.event_log.sqlite.schema import FILE_NAME, open_alone
from services.event_log.summary import BEGINNING, Head

PREFIX = ".rewriting-"
"""The beginning of the name of the directory in which the new log is made."""

ZEROS = bytes(1 << 20)


@contextlib.contextmanager
def alone(store: Path) -> Iterator[EventLog]:
    """Open the log as `Backend.alone` does.

    Its file has no -wal then: one that stayed would be read as a part of the new file.
    """
    try:
        connection = open_alone(store)
    except BusyError:
        raise EventLogError(
            f"{store / FILE_NAME} is in use by another process", "stop the service first, then try again"
        ) from None
    with contextlib.closing(connection):
        yield SqliteLog(connection, store / FILE_NAME)


def rewrite(
    log: EventLog, store: Path, changed: Changed, last: Callable[[Head], Entry], ready: Callable[[], None]
) -> Head:
    """Rewrite the log as `Backend.rewrite` does."""
    _clear(store)
    flaw = log.verify()
    if flaw is not None:
        raise DamagedError(f"nothing is changed in a damaged log: {flaw}", RESTORE)
    scratch = store / f"{PREFIX}{secrets.token_hex(4)}"
    try:
        scratch.mkdir(mode=0o700)
        try:
            end = _written(log, scratch, changed, last)
            owner = (store / FILE_NAME).stat()
            os.chown(scratch / FILE_NAME, owner.st_uid, owner.st_gid)  # root may do this for a service
            ready()
            _switch(scratch / FILE_NAME, store / FILE_NAME)
        finally:
            _clear(store)
    except OSError as error:
        raise EventLogError(
            f"{error.filename or store}: {error.strerror}", "look at the directory's space and owner"
        ) from error
    return end


def _written(log: EventLog, scratch: Path, changed: Changed, last: Callable[[Head], Entry]) -> Head:
    """Write the new log into `scratch` and verify it."""
    path = scratch / FILE_NAME
    with contextlib.closing(SqliteLog.open(scratch)) as copy:
        copy.adopt(_records(log, changed, last))
    with contextlib.closing(SqliteLog.open(scratch, read_only=True)) as copy:
        problem, end = copy.verify() or copy.damage(), copy.head()
    if problem is not None or end.position != log.head().position + 1:
        raise EventLogError(f"the new log in {scratch} is incomplete: {problem or end}", "try again")
    sync(path)
    return end


def _records(log: EventLog, changed: Changed, last: Callable[[Head], Entry]) -> Iterator[Record]:
    head = BEGINNING
    for record in log.read():
        event = changed.get(record.position)
        new = behind(head, record.body if event is None else event.body())
        yield new
        head = Head(new.position, new.hash)
    yield behind(head, last(head).body())


def _switch(new: Path, path: Path) -> None:
    """Rename the new file to the name of the old one, and overwrite the old contents.

    A process that waits for the old file finds zeros in it, and not a log that nobody reads any more.
    """
    for suffix in ("-journal", "-wal", "-shm"):  # of a process that was killed: all of it is in the file
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with path.open("r+b", buffering=0) as old:  # closing it gives up the lock: after everything else
        new.replace(path)
        sync(path.parent)
        status = os.fstat(old.fileno())
        if status.st_nlink == 0:  # else somebody gave it another name
            for start in range(0, status.st_size, len(ZEROS)):
                old.write(ZEROS[: status.st_size - start])
            os.fsync(old.fileno())


def tidy(store: Path) -> None:
    """Remove the empty directory that stays when a process is killed right after the switch."""
    for scratch in store.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # one in which a new log is being made is not empty
            scratch.rmdir()


def _clear(store: Path) -> None:
    """Remove the remains of an interrupted attempt."""
    for scratch in store.glob(f"{PREFIX}*"):
        for path in scratch.iterdir():
            path.unlink()
        scratch.rmdir()
