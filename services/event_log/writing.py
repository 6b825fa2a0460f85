"""What becomes of an append, in a transaction that somebody else has begun and will end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

import apsw

from services.event_log.chain import behind
from services.event_log.errors import RESTORE, ConflictError, DamagedError, PositionError, misfit
from services.event_log.records import Append, Draft, Head, Record, chain_hash, content, decode, moment

OWN_ERRORS = (ConflictError, PositionError, ValueError, TypeError, OverflowError, apsw.ConstraintError)
"""What is wrong with one append alone: refused by the log, not to be written down, or not to be stored."""

_INSERT = "INSERT INTO events (position, previous, hash, body) VALUES (?, ?, ?, ?)"

_COLUMNS = "SELECT id, type, version, time, idempotency_key FROM events WHERE position = ?"

_REPEATED = """
SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events
WHERE position BETWEEN ? AND ? ORDER BY position
"""


Outcome = tuple[Record, ...] | Exception
"""What became of one append: its records, or why there are none."""


def append_all(
    connection: apsw.Connection, appends: Sequence[Append], head: Head
) -> tuple[list[Outcome], Record | None]:
    """Carry out `appends` behind `head`, in their order: (their outcomes, the new last record, if any)."""
    outcomes: list[Outcome] = []
    last = None
    for wanted in appends:
        try:
            records = _append(connection, wanted, head)
        except OWN_ERRORS as error:
            outcomes.append(error)
        else:
            outcomes.append(records)
            if not isinstance(records, Exception) and records and records[-1].position > head.position:
                last = records[-1]
                head = Head(last.position, last.hash)
    return outcomes, last


def _append(connection: apsw.Connection, wanted: Append, head: Head) -> Outcome:
    """Append behind `head`, all drafts or none, or find the records of which they are a repeat.

    What refuses it is returned.

    Raises one of OWN_ERRORS, and DamagedError where the table finds another end than `head`.
    """
    first = _first(connection, wanted.drafts)
    if first is not None:
        return first
    if wanted.expected_position not in (None, head.position):
        raise PositionError(
            f"expected the log to end at {wanted.expected_position}, it ends at {head.position}"
        )
    refusal = wanted.refused()
    if refusal is not None:
        return refusal
    keys = [draft.idempotency_key for draft in wanted.drafts if draft.idempotency_key is not None]
    if len(set(keys)) != len(keys):
        raise ValueError("expected another idempotency key for each draft of an append")
    bodies = [draft.body() for draft in wanted.drafts]
    # One statement undoes itself when it fails, several do not.
    with contextlib.nullcontext() if len(bodies) == 1 else connection:
        return _insert(connection, bodies, head)


def known(connection: apsw.Connection, record: Record) -> None:
    """Compare a record with the one that is at its position already. Raises MisfitError."""
    rows = connection.execute(_REPEATED, (record.position, record.position)).fetchall()
    if [Record(*cast(tuple[int, str, str, str], row)) for row in rows] != [record]:
        found = rows[0][2] if rows else "nothing"
        raise misfit(record.position, f"the log has {found} there, and this is {record.hash}")


def take_over(
    connection: apsw.Connection, record: Record, head: Head, fits: Callable[[Record], object]
) -> Head:
    """Append a record as it is in another copy of this log; return the new end.

    Raises MisfitError for one that does not follow `head`, and where `fits` raises ValueError.
    """
    try:
        if record != behind(head, record.body):
            raise misfit(record.position, f"expected what follows position {head.position}, {head.hash}")
        hashes = (bytes.fromhex(record.previous), bytes.fromhex(record.hash))
        connection.execute(_INSERT, (record.position, *hashes, record.body))
        _same_for_both(connection, record)
        fits(record)
    except (ValueError, RecursionError, apsw.ConstraintError, apsw.SQLError) as error:
        raise misfit(record.position, f"it is no record: {error}") from None
    return Head(record.position, record.hash)


def _same_for_both(connection: apsw.Connection, record: Record) -> None:
    """Refuse a body of which SQLite and we read something different, or that only one of us can read."""
    event = decode(record.body)
    ours = (event.id, event.type, event.version, event.time, event.idempotency_key)
    theirs = connection.execute(_COLUMNS, (record.position,)).fetchone()
    if ours != theirs:
        raise ValueError(f"read as {ours} and as {theirs}")
    if moment(datetime.fromisoformat(event.time)) != event.time:
        raise ValueError(f"its time is {event.time!r}")


def _insert(connection: apsw.Connection, bodies: Sequence[str], head: Head) -> tuple[Record, ...]:
    records = []
    position, previous, before = head.position, bytes.fromhex(head.hash), head.hash
    for body in bodies:
        position += 1
        digest = chain_hash(previous, position, body.encode())
        try:
            connection.execute(_INSERT, (position, previous, digest, body))
        except apsw.ConstraintError as error:
            if cast(int, getattr(error, "extendedresult", 0)) == apsw.SQLITE_CONSTRAINT_TRIGGER:
                raise DamagedError(f"{error}: expected position {position} to be that", RESTORE) from error
            raise
        found = digest.hex()
        records.append(Record(position, before, found, body))
        previous, before = digest, found
    return tuple(records)


def _first(connection: apsw.Connection, drafts: Sequence[Draft]) -> tuple[Record, ...] | None:
    """The records of which `drafts` are a repeat, or None if they are none."""
    for index, draft in enumerate(drafts):
        if draft.idempotency_key is None:
            continue
        sql = "SELECT position FROM events WHERE idempotency_key = ?"
        found = connection.execute(sql, (draft.idempotency_key,)).fetchone()
        if found is not None:
            start = cast(int, found[0]) - index
            rows = connection.execute(_REPEATED, (start, start + len(drafts) - 1)).fetchall()
            records = tuple(Record(*cast(tuple[int, str, str, str], row)) for row in rows)
            if [content(record) for record in records] != [content(draft) for draft in drafts]:
                raise ConflictError(draft.idempotency_key, cast(int, found[0]))
            return records
    return None
