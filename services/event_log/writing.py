"""What becomes of an append, in a transaction that somebody else has begun and will end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

import apsw
import msgspec

from services.event_log.chain import behind
from services.event_log.errors import RESTORE, ConflictError, DamagedError, PositionError, misfit
from services.event_log.records import Append, Draft, Record, chain_hash, content, decode, moment
from services.event_log.summary import Head
from services.transactions import savepoint

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
    """Carry out `appends` behind `head`, in their order: (their outcomes, the new last record, if any).

    Raises DamagedError where the table goes on behind `head`.
    """
    outcomes: list[Outcome] = []
    last = None
    for wanted in appends:
        outcome = _append(connection, wanted, head)
        if isinstance(outcome, Exception):
            outcome = _answered_before(connection, wanted.drafts) or outcome
        elif outcome:
            last = outcome[-1]
            head = Head(last.position, last.hash)
        outcomes.append(outcome)
    return outcomes, last


def _append(connection: apsw.Connection, wanted: Append, head: Head) -> Outcome:
    """Append behind `head`, all drafts or none. Why there are none is returned, one of OWN_ERRORS included.

    That nothing is a repeat is left to the index of the keys, which has to look each of them up anyway.
    """
    try:
        if wanted.expected_position not in (None, head.position):
            raise PositionError(
                f"expected the log to end at {wanted.expected_position}, it ends at {head.position}"
            )
        refusal = wanted.refused()
        if refusal is not None:
            return refusal
        drafts = wanted.drafts
        if len(drafts) == 1:
            return (_insert(connection, drafts[0].body(), head),)
        keys = [draft.idempotency_key for draft in drafts if draft.idempotency_key is not None]
        if len(set(keys)) != len(keys):
            raise ValueError("expected another idempotency key for each draft of an append")
        return _insert_all(connection, [draft.body() for draft in drafts], head)
    except OWN_ERRORS as error:
        return error


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


def _answered_before(connection: apsw.Connection, drafts: Sequence[Draft]) -> Outcome | None:
    """What an append of which `drafts` are a repeat came to, None if they are none. Raises DamagedError."""
    try:
        return _repeated(connection, drafts)
    except OWN_ERRORS as error:
        return error


def _repeated(connection: apsw.Connection, drafts: Sequence[Draft]) -> tuple[Record, ...] | None:
    """The records of which `drafts` are a repeat, or None. Raises one of OWN_ERRORS, and DamagedError."""
    for index, draft in enumerate(drafts):
        if draft.idempotency_key is None:
            continue
        sql = "SELECT position FROM events WHERE idempotency_key = ?"
        found = connection.execute(sql, (draft.idempotency_key,)).fetchone()
        if found is not None:
            start = cast(int, found[0]) - index
            rows = connection.execute(_REPEATED, (start, start + len(drafts) - 1)).fetchall()
            records = tuple(Record(*cast(tuple[int, str, str, str], row)) for row in rows)
            same = len(records) == len(drafts) and all(map(_repeats, drafts, records))
            if not same:
                raise ConflictError(draft.idempotency_key, cast(int, found[0]))
            return records
    return None


def _repeats(draft: Draft, record: Record) -> bool:
    """Whether the draft may repeat the record; a redacted record is compared by type and key only."""
    try:
        stored = record.envelope()
        if stored.redacted is not None:
            return (stored.type, stored.idempotency_key) == (draft.type, draft.idempotency_key)
        return content(record) == content(draft)
    except msgspec.DecodeError as error:
        raise DamagedError(f"the record at position {record.position} is none: {error}", RESTORE) from error
