"""The seam through which everything else uses the event log: append, read, head, verify.

It is kept this narrow so that a log which outgrows one file can lie elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import apsw
import msgspec

from services.event_log.chain import BEGINNING, Flaw, check
from services.event_log.errors import ConflictError, PositionError, explained, misfit
from services.event_log.reading import Pages, Selection, held
from services.event_log.records import GENESIS, Append, Draft, Envelope, Head, Record, chain_hash, decode
from services.event_log.schema import FILE_NAME, close, open_for_appending, open_for_reading
from services.formats import by_type
from services.transactions import transaction
from services.upcasters import UPCASTERS, upcast

BATCH = 1000
"""How many records are read at a time, so that a long read holds back no checkpoint."""

INSERT = "INSERT INTO events (position, previous, hash, body) VALUES (?, ?, ?, ?)"

Outcome = tuple[Record, ...] | Exception
"""What became of one append: its records, or why there are none."""

OWN_ERRORS = (ConflictError, PositionError, ValueError, TypeError, OverflowError, apsw.ConstraintError)
"""What is wrong with one append alone: refused by the log, not to be written down, or not to be stored."""


class EventLog:
    """One connection to the log. Use it in one thread at a time; several processes may append to one log."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, directory: Path, *, read_only: bool = False) -> EventLog:
        """Open the log in `directory`, and make it where there is none. Raises EventLogError.

        `read_only` makes and changes nothing, and reads a log that does not exist yet as an empty one.
        """
        opener = open_for_reading if read_only else open_for_appending
        return cls(opener(directory), directory / FILE_NAME)

    def append(self, drafts: Sequence[Draft], *, expected_position: int | None = None) -> tuple[Record, ...]:
        """Append `drafts`, all or none; on return they are durable.

        A draft whose idempotency key is in the log already makes the whole append a repeat: nothing is
        written and the first records are returned, if type, version, data and keys of all drafts are theirs.
        Raises ConflictError if they are not, PositionError if the last record is not at `expected_position`,
        BusyError when another process holds the log for too long, ValueError for what cannot be written down.
        """
        (outcome,) = self.append_each([Append(drafts, expected_position)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def append_each(self, appends: Sequence[Append]) -> list[Outcome]:
        """Carry out several appends in their order, with one wait for the disk; on return they are durable.

        Each is done or refused as if it had come alone: what `append` would raise for one alone is its
        outcome. What concerns them all is raised, and then nothing of any of them is written.
        """
        with explained(self._path), transaction(self._connection):
            head = self._head()
            outcomes: list[Outcome] = []
            for append in appends:
                try:
                    records = self._append(append, head)
                except OWN_ERRORS as error:
                    outcomes.append(error)
                else:
                    outcomes.append(records)
                    if records and records[-1].position > head.position:
                        head = Head(records[-1].position, records[-1].hash)
            return outcomes

    def read(
        self,
        after: int = 0,
        limit: int | None = None,
        *,
        types: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Record]:
        """The records after position `after`, in order: all of them or the first `limit`.

        With `types`, those of these types alone; with `since` and `until`, those of that time or later, and
        those before that time. Times are the events' own, which a clock that was set back has repeated.
        """
        with explained(self._path):
            pages = Pages(self._connection, Selection(types, since, until))
        remaining = limit
        while remaining is None or remaining > 0:
            size = BATCH if remaining is None else min(BATCH, remaining)
            with explained(self._path):
                rows = pages.page(after, size)
            yield from (Record(*row) for row in rows)
            if len(rows) < size:
                return
            after = rows[-1][0]
            remaining = None if remaining is None else remaining - size

    def replay(self, after: int = 0, limit: int | None = None) -> Iterator[tuple[int, Envelope]]:
        """The events after position `after`, in order, each with its position, in today's versions.

        What has no way to a version of today is given as it is: `Envelope.understood` is for who cannot use
        that.
        """
        remaining = limit
        while remaining is None or remaining > 0:
            size = BATCH if remaining is None else min(BATCH, remaining)
            sql = "SELECT position, body FROM events WHERE position > ? ORDER BY position LIMIT ?"
            with explained(self._path):
                rows = cast(list[tuple[int, str]], self._connection.execute(sql, (after, size)).fetchall())
            for position, body in rows:
                yield position, decode(body).today()
            if len(rows) < size:
                return
            after = rows[-1][0]
            remaining = None if remaining is None else remaining - size

    def head(self) -> Head:
        """The end of the log. Of an empty one: position 0 and the hash GENESIS."""
        with explained(self._path):
            return self._head()

    def hash_at(self, position: int) -> str | None:
        """The hash of the record at `position`, GENESIS at 0, None where there is no record."""
        if position == 0:
            return GENESIS
        with explained(self._path):
            found = self._connection.execute(
                "SELECT hash FROM events WHERE position = ?", (position,)
            ).fetchone()
        return None if found is None else cast(bytes, found[0]).hex()

    def holds(self) -> dict[str, tuple[int, ...]]:
        """Exactly the types of events that are in the log, and of each the versions, in ascending order."""
        with explained(self._path):
            return by_type(held(self._connection))

    def verify(self) -> int | None:
        """The position of the first record that is not what was appended, or None if the whole chain holds.

        That the last records were cut off, the log alone cannot tell: compare its head with one noted down.
        """
        flaw = self.examine()
        return None if flaw is None else flaw.position

    def examine(self, told: Callable[[int], None] = lambda _: None) -> Flaw | None:
        """The same, with what is wrong. `told` hears how far it has come."""
        reached, flaw, last = BEGINNING, None, None
        while flaw is None and reached != last:  # in batches, so that this holds back no checkpoint
            last = reached
            reached, flaw = self.check(last, BATCH)
            told(reached.position)
        return flaw

    def check(self, start: Head, size: int) -> tuple[Head, Flaw | None]:
        """Look at `size` records behind `start`: the last one that holds, and what is wrong with the next.

        The same head comes back where there are no more.
        """
        with explained(self._path):
            return check(self._connection, start, size)

    def damage(self) -> str | None:
        """What is wrong with the file and its indexes as SQLite sees them, or None."""
        with explained(self._path):
            found = str(self._connection.execute("PRAGMA integrity_check(1)").get)
        return None if found == "ok" else found

    def adopt(self, records: Iterable[Record]) -> int:
        """Take over the records of a copy of this log, as they are; return how many are new. All or none.

        Raises MisfitError for one that is not what the log has there, or that does not go on where it ends.
        """
        with explained(self._path), transaction(self._connection):
            head, count = self._head(), 0
            for record in records:
                if record.position <= head.position:
                    if (found := self.hash_at(record.position)) != record.hash:
                        raise misfit(record.position, f"the log has {found} there, and this is {record.hash}")
                    continue
                head = self._take_over(record, head)
                count += 1
            return count

    def copy_to(self, target: apsw.Connection) -> None:
        """Copy the whole log as it is now, while it goes on."""
        with explained(self._path), target.backup("main", self._connection, "main") as copy:
            copy.step(-1)  # in one step: in several, each append in between would start it anew

    def close(self) -> None:
        """Let go of the file."""
        close(self._connection, self._path)

    def _head(self) -> Head:
        sql = "SELECT position, lower(hex(hash)) FROM events ORDER BY position DESC LIMIT 1"
        found = self._connection.execute(sql).fetchone()
        return Head(0, GENESIS) if found is None else Head(cast(int, found[0]), cast(str, found[1]))

    def _append(self, append: Append, head: Head) -> tuple[Record, ...]:
        first = self._first(append.drafts)
        if first is not None:
            return first
        if append.expected_position not in (None, head.position):
            raise PositionError(
                f"expected the log to end at {append.expected_position}, it ends at {head.position}"
            )
        bodies = [draft.body() for draft in append.drafts]
        # One statement undoes itself when it fails, several do not.
        with contextlib.nullcontext() if len(bodies) == 1 else self._connection:
            return self._insert(bodies, head)

    def _insert(self, bodies: Sequence[str], head: Head) -> tuple[Record, ...]:
        records = []
        position, previous = head.position, bytes.fromhex(head.hash)
        for body in bodies:
            position += 1
            digest = chain_hash(previous, position, body.encode())
            self._connection.execute(INSERT, (position, previous, digest, body))
            records.append(Record(position, previous.hex(), digest.hex(), body))
            previous = digest
        return tuple(records)

    def _take_over(self, record: Record, head: Head) -> Head:
        previous, body = bytes.fromhex(head.hash), record.body
        try:
            digest = chain_hash(previous, head.position + 1, body.encode())
            if record != Record(head.position + 1, head.hash, digest.hex(), body):
                raise misfit(record.position, f"expected what follows position {head.position}, {head.hash}")
            self._connection.execute(INSERT, (record.position, previous, digest, body))
        except (ValueError, apsw.ConstraintError, apsw.SQLError) as error:
            raise misfit(record.position, f"it is no record: {error}") from None
        return Head(record.position, record.hash)

    def _first(self, drafts: Sequence[Draft]) -> tuple[Record, ...] | None:
        """The records of which `drafts` are a repeat, or None if they are none."""
        for index, draft in enumerate(drafts):
            if draft.idempotency_key is None:
                continue
            sql = "SELECT position FROM events WHERE idempotency_key = ?"
            found = self._connection.execute(sql, (draft.idempotency_key,)).fetchone()
            if found is not None:
                start = cast(int, found[0]) - index
                records = tuple(self.read(start - 1, len(drafts))) if start > 0 else ()
                if [_content(record) for record in records] != [_content(draft) for draft in drafts]:
                    raise ConflictError(
                        f"the idempotency key {draft.idempotency_key!r} was used at position {found[0]}"
                        " for something else",
                        "use a new key for a new message",
                    )
                return records
        return None


def _content(event: Draft | Record) -> tuple[object, ...]:
    """What has to be equal for a repeat to be one: all that the caller chose, in whatever version."""
    if isinstance(event, Record):
        stored = event.envelope().today()
        return stored.type, stored.version, stored.idempotency_key, stored.data
    version, data = upcast(event.type, event.version, msgspec.to_builtins(event.data), UPCASTERS)
    return event.type, version, event.idempotency_key, data
