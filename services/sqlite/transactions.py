"""One transaction on a SQLite file, or a part of one: all of it, or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

import apsw


@contextlib.contextmanager
def transaction(
    connection: apsw.Connection, mode: Literal["DEFERRED", "IMMEDIATE", "EXCLUSIVE"] = "IMMEDIATE"
) -> Iterator[None]:
    """Commit the changes of the block, or roll them back. DEFERRED is for reading.

    SQLite itself has rolled back already after some errors, a full disk's among them: a second time would be
    an error of its own, in front of the first.
    """
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def savepoint(connection: apsw.Connection) -> Iterator[None]:
    """Undo the changes of the block if it fails, and nothing else of the transaction.

    Where SQLite has rolled all of it back already, as for a full disk, there is nothing to undo.
    """
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part; RELEASE part")
        raise
    connection.execute("RELEASE part")
