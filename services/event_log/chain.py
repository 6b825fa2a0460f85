"""Verify the chain: each record by its position, by the hash of the record before, and by its own hash."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from services.event_log.records import Record, chain_hash
from services.event_log.summary import Head

Stored = tuple[int, bytes, bytes, bytes | None]
"""Position, previous, hash and body of a record as they are stored; a damaged one may be without a body."""


class Flaw(Struct, frozen=True):
    """The first record that is not as it was appended."""

    position: int
    reason: str

    def __str__(self) -> str:
        return f"the record at position {self.position} is not what was appended: {self.reason}"


class UnreadableError(Exception):
    """A stored record cannot be read."""


def check(stored: Iterable[Stored], start: Head) -> tuple[Head, Flaw | None]:
    """Verify the records that are stored behind `start`: (the last one that holds, the flaw of the next).

    Iterating over `stored` may raise UnreadableError, which is a flaw as well.
    """
    position, previous = start.position, bytes.fromhex(start.hash)
    reason = ""
    try:
        for record in stored:
            if not isinstance(record[3], bytes):
                reason = "it has no content"
                break
            expected = chain_hash(previous, position + 1, record[3])
            if record[:3] != (position + 1, previous, expected):
                reason = _reason(record, position + 1, previous)
                break
            position, previous = position + 1, expected
    except UnreadableError as error:
        reason = f"the file cannot be read there: {error}"
    return Head(position, previous.hex()), Flaw(position + 1, reason) if reason else None


def behind(head: Head, body: str) -> Record:
    """The record that a body makes behind `head`."""
    digest = chain_hash(bytes.fromhex(head.hash), head.position + 1, body.encode())
    return Record(head.position + 1, head.hash, digest.hex(), body)


def _reason(record: Stored, position: int, previous: bytes) -> str:
    if record[0] != position:
        return f"the next one that is there has position {record[0]}"
    if record[1] != previous:
        return "it does not name the hash of the one before"
    return "its hash is not that of its content"
