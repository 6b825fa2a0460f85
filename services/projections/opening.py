"""Opening the file of the read models, and removing it with what SQLite keeps beside it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from urllib.parse import quote

import apsw

import services.projections.build as build
from services.sqlite.busy import BUSY_SECONDS, Patience
from services.sqlite.full_disk import connect_unshared
from services.sqlite.transactions import transaction

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


def open_unshared(path: Path) -> tuple[apsw.Connection, bool]:
    """The read models where the disk is full: (as they are in the file, for reading alone; False).

    Where the file has none, they are (empty, in memory, and the same for all of this process; True). Raises
    apsw.Error.
    """
    connection = connect_unshared(path)
    connection.set_busy_handler(Patience(BUSY_SECONDS))
    connection.pragma("query_only", "ON")
    if connection.execute("SELECT count(*) FROM sqlite_schema").get:
        return connection, False
    connection.close()
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    memory = apsw.Connection(f"file:/{quote(path.name)}?vfs=memdb", flags=flags)
    memory.set_busy_handler(Patience(BUSY_SECONDS))
    with transaction(memory):
        if not memory.execute("SELECT count(*) FROM sqlite_schema").get:
            memory.execute(SCHEMA)
    return memory, True


def remove(path: Path) -> None:
    """Remove the file. Raises OSError."""
    # The -wal too: what it holds belongs to the file that goes.
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
