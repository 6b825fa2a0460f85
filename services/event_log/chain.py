"""Whether records are what was appended: each by its place, the hash of the one before, and its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import apsw

from services.event_log.records import GENESIS, Head, chain_hash

_LOWEST = -(1 << 63)
"""The first position that SQLite knows: a record that somebody put in front of the first is one too many."""

BEGINNING = Head(0, GENESIS)


@dataclass(frozen=True)
class Flaw:
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
            expected = chain_hash(previous, position + 1, found[3])
            if found[:3] != (position + 1, previous, expected):
                reason = _reason(found, position + 1, previous)
                break
            position, previous = position + 1, expected
    except (apsw.CorruptError, apsw.NotADBError) as error:
        reason = f"the file cannot be read there: {error}"
    head = Head(position, previous.hex())
    return head, Flaw(position + 1, reason) if reason else None


def _stored(connection: apsw.Connection, first: int, size: int) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Position, previous, hash and body of each row, whatever they are."""
    sql = (
        "SELECT position, previous, hash, CAST(body AS BLOB) FROM events WHERE position >= ?"
        " ORDER BY position LIMIT ?"
    )
    return cast(Iterator[tuple[int, bytes, bytes, bytes]], connection.execute(sql, (first, size)))


def _reason(found: tuple[int, bytes, bytes, bytes], position: int, previous: bytes) -> str:
    if found[0] != position:
        return f"the next one that is there has position {found[0]}"
    if found[1] != previous:
        return "it does not name the hash of the one before"
    return "its hash is not that of its content"
