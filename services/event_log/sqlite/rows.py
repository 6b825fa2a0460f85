"""The stored records as SQLite has them, whether they are as they were appended or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import apsw

from services.event_log.chain import Flaw, Stored, UnreadableError
from services.event_log.records import Record
from services.event_log.summary import Head

_LOWEST = -(1 << 63)
"""The first position that SQLite knows: a record in front of the first one is one too many."""

_STORED = """
SELECT position, previous, hash, CAST(body AS BLOB) FROM events WHERE position >= ? ORDER BY position LIMIT ?
"""

_LOST_KEY = """
SELECT min(position) FROM events WHERE position > ? AND position <= ? AND idempotency_key IS NOT NULL
AND position IS NOT (
    SELECT indexed.position FROM events AS indexed INDEXED BY events_idempotency_key
    WHERE indexed.idempotency_key = events.idempotency_key
)
"""

_LAST = (
    "SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events ORDER BY position DESC LIMIT 1"
)


def stored(connection: apsw.Connection, after: int, size: int) -> Iterator[Stored]:
    """The first `size` rows behind position `after`. Raises UnreadableError."""
    first = after + 1 if after else _LOWEST
    try:
        yield from cast(Iterator[Stored], connection.execute(_STORED, (first, size)))
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise UnreadableError(str(error)) from error


def lost_key(connection: apsw.Connection, start: Head, end: Head) -> Flaw | None:
    """The first record behind `start`, up to `end`, whose idempotency key its index does not lead to.

    With such an index a repeat would be taken for something new.
    """
    position = connection.execute(_LOST_KEY, (start.position, end.position)).get
    return None if position is None else Flaw(cast(int, position), "its idempotency key is not found")


def last(connection: apsw.Connection) -> Record | None:
    """The last record, None in an empty log."""
    row = connection.execute(_LAST).fetchone()
    return None if row is None else Record(*cast(tuple[int, str, str, str], row))
