"""Append records in a transaction that the caller begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

import apsw
import msgspec

from services.event_log.chain import behind
from services.event_log.errors import RESTORE, ConflictError, DamagedError, misfit
from services.event_log.log import Outcome
from services.event_log.records import Append, Entry, Record, chain_hash, moment, repeats
from services.event_log.summary import Head
from services.sqlite.transactions import savepoint

OWN_ERRORS = (ConflictError, ValueError, TypeError, OverflowError)
"""The errors of one append alone: a conflict, or an event that cannot be written."""

_INSERT = "INSERT INTO events (position, previous, hash, body) VALUES (?, ?, ?, ?)"

_COLUMNS = "SELECT id, type, version, time, idempotency_key FROM events WHERE position = ?"

_REPEATED = """
SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events
WHERE position BETWEEN ? AND ? ORDER BY position
"""


def append_all(
    connection: apsw.Connection, appends: Sequence[Append], head: Head
) -> tuple[list[Outcome], Record | None]:
    """Carry out `appends` behind `head`, in their order: (their outcomes, the new last record, if any).

    Raises DamagedError where the table goes on behind `head`.
    """
    outcomes: list[Outcome] = []
    last = None
    for append in appends:
        outcome = _append(connection, append, head)
        if isinstance(outcome, Exception):
            outcome = _earlier(connection, append.drafts) or outcome
        elif outcome:
            last = outcome[-1]
            head = Head(last.position, last.hash)
        outcomes.append(outcome)
    return outcomes, last


def _append(connection: apsw.Connection, append: Append, head: Head) -> Outcome:
    """Append all drafts behind `head`, or return the error for which none is appended.

    The index of the keys finds a repeat: it has to look up each key anyway.
    """
    try:
        problem = append.problem()
        if problem is not None:
            return problem
        drafts = append.drafts
        if len(drafts) == 1:
            return (_insert(connection, drafts[0].body(), head),)
        return _insert_all(connection, [draft.body() for draft in drafts], head)
    except OWN_ERRORS as error:
        return error
    except apsw.ConstraintError as error:
        return ValueError(f"the log does not take this event: {error}")


def refuse_other(connection: apsw.Connection, record: Record) -> None:
    """Raise MisfitError unless the record is the one that is at its position already."""
    rows = connection.execute(_REPEATED, (record.position, record.position)).fetchall()
    if [Record(*cast(tuple[int, str, str, str], row)) for row in rows] != [record]:
        digest = rows[0][2] if rows else "nothing"
        raise misfit(record.position, f"the log has {digest} there, and the import has {record.hash}")


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
        _refuse_ambiguous(connection, record)
        fits(record)
    except (ValueError, RecursionError, apsw.ConstraintError, apsw.SQLError) as error:
        raise misfit(record.position, f"not a record: {error}") from None
    return Head(record.position, record.hash)


def _refuse_ambiguous(connection: apsw.Connection, record: Record) -> None:
    """Raise ValueError for a body that SQLite and `records` read differently, or that only one can read."""
    event = record.entry()
    ours = (event.id, event.type, event.version, event.time, event.idempotency_key)
    theirs = connection.execute(_COLUMNS, (record.position,)).fetchone()
    if ours != theirs:
        raise ValueError(f"read as {ours} and as {theirs}")
    if moment(datetime.fromisoformat(event.time)) != event.time:
        raise ValueError(f"its time is {event.time!r}")


def _insert_all(connection: apsw.Connection, bodies: Sequence[str], head: Head) -> tuple[Record, ...]:
    records = []
    with savepoint(connection):  # one statement undoes itself when it fails, several do not
        for body in bodies:
            record = _insert(connection, body, head)
            head = Head(record.position, record.hash)
            records.append(record)
    return tuple(records)


def _insert(connection: apsw.Connection, body: str, head: Head) -> Record:
    position, previous = head.position + 1, bytes.fromhex(head.hash)
    digest = chain_hash(previous, position, body.encode())
    try:
        connection.execute(_INSERT, (position, previous, digest, body))
    except apsw.ConstraintError as error:
        if cast(int, getattr(error, "extendedresult", 0)) == apsw.SQLITE_CONSTRAINT_PRIMARYKEY:
            raise DamagedError(f"the log goes on behind position {head.position}", RESTORE) from error
        raise
    return Record(position, head.hash, digest.hex(), body)


def _earlier(connection: apsw.Connection, drafts: Sequence[Entry]) -> Outcome | None:
    """The outcome of the append that `drafts` repeat, None if they repeat none. Raises DamagedError."""
    try:
        return _repeated(connection, drafts)
    except OWN_ERRORS as error:
        return error


def _repeated(connection: apsw.Connection, drafts: Sequence[Entry]) -> tuple[Record, ...] | None:
    """The records that `drafts` repeat, or None. Raises one of OWN_ERRORS, and DamagedError."""
    for index, draft in enumerate(drafts):
        if draft.idempotency_key is None:
            continue
        sql = "SELECT position FROM events WHERE idempotency_key = ?"
        row = connection.execute(sql, (draft.idempotency_key,)).fetchone()
        if row is None:
            continue
        position = cast(int, row[0])
        start = position - index
        rows = connection.execute(_REPEATED, (start, start + len(drafts) - 1)).fetchall()
        records = tuple(Record(*cast(tuple[int, str, str, str], row)) for row in rows)
        if len(records) != len(drafts) or not all(map(_is_repeat, drafts, records)):
            raise ConflictError(draft.idempotency_key, position)
        return records
    return None


def _is_repeat(draft: Entry, record: Record) -> bool:
    try:
        return repeats(draft, record)
    except msgspec.DecodeError as error:
        raise DamagedError(f"the record at position {record.position} is none: {error}", RESTORE) from error
