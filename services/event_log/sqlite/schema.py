"""The layout of the log in its file, and the ways to open that file.

`application_id` marks the file as an event log, `user_version` is the version of the table. The columns `id`,
`type`, `version`, `time` and `idempotency_key` are generated from the body, so that they cannot disagree with
it. The triggers stop mistakes; what proves that nothing was changed is the chain.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import apsw

from services.event_log.errors import (
    RESTORE,
    BusyError,
    DamagedError,
    EventLogError,
    FullDiskError,
    LostError,
    NewerFormatError,
)
from services.event_log.sqlite.errors import explained
from services.formats import TABLE_VERSION
from services.sqlite.busy import BUSY_SECONDS, Patience, patiently
from services.sqlite.full_disk import connect_unshared
from services.sqlite.transactions import transaction

FILE_NAME = "events.db"
APPLICATION_ID = 0x484C4E58  # "HLNX"

SMALLEST = 4096
"""In bytes: a file that is smaller, and is not empty, is what is left of one that was cut off."""

LOOKING_SECONDS = 1.0
"""The time that a reader may have the log open; a service has it open for longer."""

SCHEMA = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    body TEXT NOT NULL CHECK (json_valid(body)),
    id TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.id') VIRTUAL,
    type TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.type') VIRTUAL,
    version INTEGER NOT NULL GENERATED ALWAYS AS (body ->> '$.version') VIRTUAL,
    time TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.time') VIRTUAL,
    idempotency_key TEXT GENERATED ALWAYS AS (body ->> '$.idempotency_key') VIRTUAL,
    CHECK (
        json_type(body, '$.id') = 'text' AND json_type(body, '$.type') = 'text'
        AND json_type(body, '$.version') = 'integer' AND json_type(body, '$.time') = 'text'
        AND json_type(body, '$.data') IS 'object'
        AND coalesce(json_type(body, '$.idempotency_key'), 'text') = 'text'
    )
) STRICT;

CREATE UNIQUE INDEX events_idempotency_key ON events (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TRIGGER events_insert BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
    OR NEW.previous IS NOT coalesce((SELECT hash FROM events ORDER BY position DESC LIMIT 1), zeroblob(32))
    OR EXISTS (SELECT 1 FROM events WHERE idempotency_key = NEW.body ->> '$.idempotency_key')
BEGIN
    SELECT RAISE(ABORT, 'the event log takes only a new record, right after its last one');
END;

CREATE TRIGGER events_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only: no record is ever changed');
END;

CREATE TRIGGER events_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'the event log is append-only: no record is ever deleted');
END;
"""

INDEXES = """
CREATE INDEX IF NOT EXISTS events_type_version ON events (type, version);
CREATE INDEX IF NOT EXISTS events_time ON events (time);
"""
"""No part of the version: a file that was made without one gets it when it is opened for appending."""


def open_for_appending(directory: Path, *, begin: bool = True) -> apsw.Connection:
    """Open the file of a log; `begin` says whether to make a log in an empty one. Raises EventLogError."""
    path = directory / FILE_NAME
    connection = _connect(path)
    with contextlib.ExitStack() as unused:
        unused.callback(connection.close)  # who opens it for reading instead would share its files
        with explained(path):
            # The change to WAL asks no busy handler, and two processes may be making the file at once.
            patiently(lambda: _prepare(connection, path, begin=begin), BUSY_SECONDS)
        unused.pop_all()
    return connection


def refuse_missing(directory: Path) -> None:
    """Raise `EventLogError` where there is no log: to a reader it would look like an empty one."""
    if not _exists(directory / FILE_NAME):
        raise EventLogError(f"there is no event log in {directory}", "the value of EVENT_STORE_PATH")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # its directory is somebody else's
        raise EventLogError(
            f"cannot open {path}: {error.strerror}", "look at the owner of the directory"
        ) from None


def open_for_reading(directory: Path) -> apsw.Connection:
    """Open the log in `directory` without being able to change it. Where there is none, it reads as empty.

    The file itself is opened for writing, with `query_only`: a log in WAL mode that no process has open
    cannot be opened read-only, since its shared memory has to be made first. A full disk has no room for
    that: there it is read without. Raises EventLogError.
    """
    path = directory / FILE_NAME
    connection = None
    if _exists(path):
        try:
            connection = _reading(path, lambda: _unchanging(path) or _connect(path))
        except FullDiskError:
            connection = _reading(path, lambda: _unshared(path))
    if connection is not None:
        return connection
    nothing = apsw.Connection(":memory:")
    _fill(nothing)
    nothing.pragma("query_only", "ON")
    return nothing


def _reading(path: Path, connect: Callable[[], apsw.Connection]) -> apsw.Connection | None:
    """A connection that changes nothing, None where the file holds nothing. Raises EventLogError."""
    connection = connect()
    with contextlib.ExitStack() as unused:
        unused.callback(close, connection, path)
        with explained(path):
            connection.pragma("query_only", "ON")
            # Lets SQLite read what is there of a file that was cut off.
            connection.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, True)
            # Else the last one out, whoever it is, carries what the -wal holds over into the file.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
            with transaction(connection, "DEFERRED"):
                empty = _is_empty(connection, path)
        if empty:
            return None
        unused.pop_all()
    return connection


def _unshared(path: Path) -> apsw.Connection:
    with explained(path):
        connection = connect_unshared(path)
        connection.set_busy_handler(Patience(BUSY_SECONDS))
        return connection


def open_alone(directory: Path) -> apsw.Connection:
    """Open the log in `directory` in a transaction that keeps every other process out of it.

    The file has no -wal then, and gets one again when it is opened for appending. Raises EventLogError, and
    BusyError where another process has it open.
    """
    refuse_missing(directory)
    path = directory / FILE_NAME
    connection = _connect(path, LOOKING_SECONDS)
    with contextlib.ExitStack() as unused:
        unused.callback(connection.close)
        with explained(path):
            connection.pragma("locking_mode", "EXCLUSIVE")
            with transaction(connection, "EXCLUSIVE"):
                if _is_empty(connection, path):
                    raise EventLogError(f"{path} holds no event log")
                if _is_cut_off(connection, path):
                    raise DamagedError(f"{path} was cut off: {path.stat().st_size} bytes are left", RESTORE)
            connection.pragma("journal_mode", "DELETE")
            # A connection in exclusive mode leaves a journal, which would be read as that of the next file.
            connection.pragma("locking_mode", "NORMAL")
            connection.execute("BEGIN EXCLUSIVE")
            if connection.pragma("journal_mode") != "delete":  # a service was faster
                raise BusyError(f"{path} is in use")
        unused.pop_all()
    return connection


def close(connection: apsw.Connection, path: Path) -> None:
    """Let go of the file. What was opened for reading leaves it, and the files beside it, as they were."""
    try:
        reading = connection.pragma("query_only")
    except apsw.ConnectionClosedError:
        return
    connection.close()
    if reading and _is_wal_empty(path):
        _tidy(path)


def _tidy(path: Path) -> None:
    """Remove an empty -wal and its -shm, which SQLite makes for every reader, unless a process uses them."""
    flags = apsw.SQLITE_OPEN_READWRITE
    # An error is mostly that somebody has the log open, who takes both along in the end.
    with contextlib.suppress(apsw.Error), contextlib.closing(apsw.Connection(str(path), flags)) as alone:
        alone.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        alone.pragma("locking_mode", "EXCLUSIVE")
        alone.pragma("user_version")  # from this reading on, until it is closed, nobody else can open the log
        if _is_wal_empty(path):
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def _is_wal_empty(path: Path) -> bool:
    """Whether there is a -wal that holds nothing."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size == 0
    except FileNotFoundError:
        return False


def _is_cut_off(connection: apsw.Connection, path: Path) -> bool:
    """Whether the last page is not whole, which SQLite reads as one that ends in zeros.

    Not while there is a -wal with something in it: a full disk may have kept that page from being whole.
    """
    wal = path.with_name(f"{path.name}-wal")
    carried_over = not wal.exists() or _is_wal_empty(path)
    return carried_over and path.stat().st_size % int(connection.pragma("page_size")) != 0


def _unchanging(path: Path) -> apsw.Connection | None:
    """The log as the file alone has it, where nothing can be written: there SQLite cannot share it.

    None where it may be changed, or where the -wal holds a part of it.
    """
    if os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists():
        return None
    with explained(path):
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return apsw.Connection(f"file:{quote(str(path))}?immutable=1", flags=flags)


def _connect(path: Path, patience: float | None = None) -> apsw.Connection:
    with explained(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_handler(Patience(BUSY_SECONDS if patience is None else patience))
        return connection


def _prepare(connection: apsw.Connection, path: Path, *, begin: bool) -> None:
    with transaction(connection, "DEFERRED"):
        new = _is_empty(connection, path)
        if new and not begin:
            raise LostError(f"{path} holds nothing, and there was an event log")
        if not new and _is_cut_off(connection, path):
            raise DamagedError(f"{path} was cut off: {path.stat().st_size} bytes are left", RESTORE)
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", "FULL")
    if new:
        with transaction(connection):
            if _is_empty(connection, path):  # else another process was faster
                _fill(connection)
    connection.execute(INDEXES)
    # They are for whoever else writes here: an append has found the end, in its transaction, already.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)


def _fill(connection: apsw.Connection) -> None:
    connection.execute(SCHEMA)
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", TABLE_VERSION)


def _is_empty(connection: apsw.Connection, path: Path) -> bool:
    """Whether the file holds nothing yet. Raises EventLogError where it holds something else.

    Asked in a transaction, since another process may be making the file just now.
    """
    application = connection.pragma("application_id")
    version = connection.pragma("user_version")
    entries = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application == APPLICATION_ID and version == TABLE_VERSION:
        return False
    if application == APPLICATION_ID:
        raise NewerFormatError(
            f"{path} holds log table version {version}, and this release knows version {TABLE_VERSION}",
            "deploy a release that knows it",
        )
    if application or version or entries or 0 < path.stat().st_size < SMALLEST:
        raise DamagedError(
            f"{path} is not an event log: expected application id {APPLICATION_ID}, found {application}",
            "EVENT_STORE_PATH names a directory that belongs to the service alone",
        )
    return True
