"""How the file of the read models is opened, and removed with what SQLite keeps beside it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import apsw

import services.projections.build as build
from services.busy import BUSY_SECONDS, Patience
from services.full_disk import connect_unshared
from services.transactions import transaction

SCHEMA = build.TABLES + build.INDEXES


def open_file(path: Path) -> apsw.Connection:
    """Open the file, and make it (0600) where there is none. Raises apsw.Error and OSError."""
    path.touch(mode=0o600)  # which does not open a file that is there
    with contextlib.ExitStack() as unused:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        unused.callback(connection.close)  # who opens it for reading instead would share its files
        connection.set_busy_handler(Patience(BUSY_SECONDS))
        connection.pragma("page_size", build.PAGE_BYTES)  # of a file that holds nothing yet
        # NORMAL: a power cut may lose the last transactions, which the log brings back, and spoils nothing.
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", "NORMAL")
        with transaction(connection):
            if not connection.execute("SELECT count(*) FROM sqlite_schema").get:
                connection.execute(SCHEMA)
        unused.pop_all()
    return connection


def open_unshared(path: Path) -> apsw.Connection:
    """What was entered before the disk was full, for reading alone. Raises apsw.Error where nothing was."""
    connection = connect_unshared(path)
    try:
        connection.set_busy_handler(Patience(BUSY_SECONDS))
        connection.pragma("query_only", "ON")
        connection.execute("SELECT position FROM progress").fetchone()
    except apsw.Error:
        connection.close()
        raise
    return connection


def remove(path: Path) -> None:
    """Remove the file. Raises OSError."""
    # The -wal too: what it holds belongs to the file that goes.
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
