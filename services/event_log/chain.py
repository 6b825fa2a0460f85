"""Whether records are what was appended: each by its place, the hash of the one before, and its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import apsw
from msgspec import Struct

from services.event_log.records import Record, chain_hash
from services.event_log.summary import BEGINNING, Head

_LOWEST = -(1 << 63)
"""The first position that SQLite knows: a record that somebody put in front of the first is one too many."""

Stored = tuple[int, bytes, bytes, bytes | None]
"""Position, previous, hash and body of a row; a damaged one may be without a body."""

_LOST_KEY = """
SELECT min(position) FROM events WHERE position > ? AND position <= ? AND idempotency_key IS NOT NULL
AND position IS NOT (
    SELECT indexed.position FROM events AS indexed INDEXED BY events_idempotency_key
    WHERE indexed.idempotency_key = events.idempotency_key
)
"""


class Flaw(Struct, frozen=True):
    """The first record that is not what was appended."""

    position: int
    reason: str

    def __str__(self) -> str:
        return f"the record at position {self.position} is not what was appended: {self.reason}"


def check(connection: apsw.Connection, start: Head, size: int) -> tuple[Head, Flaw | None]:
    """Look at the `size` records behind `start`: (the last one that holds, what is wrong with the next).

    The same head comes back where there are no more.
    """
    position, previous = start.position, bytes.fromhex(start.hash)
    reason = ""
    try:
        for found in _stored(connection, position + 1 if position else _LOWEST, size):
            if not isinstance(found[3], bytes):
                reason = "it has no content"
                break
            expected = chain_hash(previous, position + 1, found[3])
            if found[:3] != (position + 1, previous, expected):
                reason = _reason(found, position + 1, previous)
                break
            position, previous = position + 1, expected
    except (apsw.CorruptError, apsw.NotADBError) as error:
        reason = f"the file cannot be read there: {error}"
    head = Head(position, previous.hex())
    return head, Flaw(position + 1, reason) if reason else None


def behind(head: Head, body: str) -> Record:
    """The record that a body makes behind `head`."""
    digest = chain_hash(bytes.fromhex(head.hash), head.position + 1, body.encode())
    return Record(head.position + 1, head.hash, digest.hex(), body)


def lost_key(connection: apsw.Connection, start: Head, end: Head) -> Flaw | None:
    """The first record behind `start`, up to `end`, whose idempotency key its index does not lead to.

    With such an index a repeat would be taken for something new.
    """
    position = connection.execute(_LOST_KEY, (start.position, end.position)).get
    return None if position is None else Flaw(cast(int, position), "its idempotency key is not found")


def last_of(connection: apsw.Connection) -> Record | None:
    """The last record as it lies there, whether it is what was appended or not; None in an empty log."""
    sql = (
        "SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events"
        " ORDER BY position DESC LIMIT 1"
    )
    found = connection.execute(sql).fetchone()
    return None if found is None else Record(*cast(tuple[int, str, str, str], found))


def flaw_at_end(connection: apsw.Connection, head: Head, size: int) -> Flaw | None:
    """What is wrong with the last `size` records up to `head`, or None. Takes as long for any log."""
    start = max(0, head.position - size)
    if start == 0:
        return check(connection, BEGINNING, size)[1]
    found = connection.execute("SELECT lower(hex(hash)) FROM events WHERE position = ?", (start,)).fetchone()
    if found is None:
        return Flaw(start, "it is not there")
    return check(connection, Head(start, cast(str, found[0])), size)[1]


def _stored(connection: apsw.Connection, first: int, size: int) -> Iterator[Stored]:
    """Position, previous, hash and body of each row, whatever they are."""
    sql = (
        "SELECT position, previous, hash, CAST(body AS BLOB) FROM events WHERE position >= ?"
        " ORDER BY position LIMIT ?"
    )
    return cast(Iterator[Stored], connection.execute(sql, (first, size)))


def _reason(found: Stored, position: int, previous: bytes) -> str:
    if found[0] != position:
        return f"the next one that is there has position {found[0]}"
    if found[1] != previous:
        return "it does not name the hash of the one before"
    return "its hash is not that of its content"
