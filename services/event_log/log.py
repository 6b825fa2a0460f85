"""The seam through which everything else uses the event log: append, read, head, verify.

It is kept this narrow so that a log which outgrows one file can lie elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import apsw

from services.event_log.chain import Flaw, check, flaw_at_end, last_of, lost_key
from services.event_log.directory import make_file, refuse_no_file
from services.event_log.errors import RESTORE, DamagedError, EventLogError, explained
from services.event_log.open_files import OpenFiles
from services.event_log.reading import Pages, Reader, Selection
from services.event_log.records import Append, Draft, Envelope, Record, decode
from services.event_log.schema import (
    FILE_NAME,
    open_for_appending,
    open_for_reading,
)
from services.event_log.summary import BEGINNING, Head, Summary, end_of
from services.event_log.writing import Outcome, append_all, known, take_over
from services.transactions import transaction

_KNOWN = """
SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events WHERE idempotency_key = ?
"""

BATCH = 1000
"""How many records are read at a time, so that a long read holds back no checkpoint."""


class EventLog(Summary):
    """One connection to the log. Use it in one thread at a time; several processes may append to one log."""

    def __init__(self, connection: apsw.Connection, path: Path, files: OpenFiles | None = None) -> None:
        super().__init__(connection, path)
        self._files = files
        self._proven: Record | None = None
        """The last record that was proven, or appended here."""
        self._proven_at = -1
        """What SQLite counted as the file's version when that was the last record."""

    @classmethod
    def open(cls, directory: Path, *, read_only: bool = False, begin: bool = True) -> EventLog:
        """Open the log in `directory`, and make it where there is none. Raises EventLogError.

        `read_only` makes and changes nothing, and reads a log that does not exist yet as an empty one.
        Without `begin` no log is made: LostError where there is none.
        """
        path = directory / FILE_NAME
        if read_only:
            return cls(open_for_reading(directory), path)
        if begin:
            make_file(directory)
        else:
            refuse_no_file(directory)
        files = OpenFiles(path)
        log = cls(open_for_appending(directory, begin=begin), path, files)
        try:
            files.complete()
        except EventLogError:
            log.close()
            raise
        return log

    def loss(self) -> str | None:
        """The reason why the next start would not find what is appended here; None where it would."""
        return self._files.loss() if self._files else None

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

    def append_each(
        self,
        appends: Sequence[Append],
        before: Callable[[], object] = lambda: None,
        committed: Callable[[float], object] = lambda _: None,
    ) -> list[Outcome]:
        """Carry out several appends in their order, with one wait for the disk; on return they are durable.

        Each is done or refused as if it had come alone: what `append` would raise for one alone is its
        outcome. `before` is called when nobody else can append any more and nothing is appended yet, so
        that what an append may be refused for can be brought up to the log's end. What concerns them all
        is raised, and then nothing of any of them is written: DamagedError where the last record is not
        what was appended. `committed` hears the seconds for which the commit waited for the disk, unless
        there was nothing to write.
        """
        with explained(self._path), transaction(self._connection):
            head = self._end()
            before()
            outcomes, last = append_all(self._connection, appends, head)
            begun = time.perf_counter()
        if last is not None:
            committed(time.perf_counter() - begun)
            self._proven, self._proven_at = last, self._connection.data_version()
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
                rows = pages.page(self._connection, after, size)
            yield from (Record(*row) for row in rows)
            if len(rows) < size:
                return
            after = self._onwards(after, rows[-1][0])
            remaining = None if remaining is None else remaining - size

    def part(self, reader: Reader, after: int, limit: int) -> list[Record]:
        """The first records of a selection behind `after`, some of them; none where there are no more."""
        with explained(self._path):
            rows = reader.part(self._connection, after, limit)
        if rows:
            self._onwards(after, rows[-1][0])
        return [Record(*row) for row in rows]

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
            after = self._onwards(after, rows[-1][0])
            remaining = None if remaining is None else remaining - size

    def known(self, idempotency_key: str) -> Record | None:
        """The record that was appended with this key, None where there is none."""
        with explained(self._path):
            row = self._connection.execute(_KNOWN, (idempotency_key,)).fetchone()
        return None if row is None else Record(*row)

    def redacted(self) -> dict[int, int]:
        """The positions of the records that are marked as redacted, each with that of the note of it."""
        sql = "SELECT position, body ->> '$.redacted' FROM events WHERE body ->> '$.redacted' IS NOT NULL"
        with explained(self._path):
            return dict(cast(list[tuple[int, int]], self._connection.execute(sql).fetchall()))

    def verify(self) -> int | None:
        """The position of the first record that is not what was appended, or None if the whole chain holds.

        That the last records were cut off, the log alone cannot tell: compare its head with one noted down.
        """
        flaw = self.examine()
        return None if flaw is None else flaw.position

    def examine(self, told: Callable[[int], None] = lambda _: None) -> Flaw | None:
        """The same, with what is wrong. `told` hears how far it has come."""
        return self._walk(told)[1]

    def sound_end(self) -> Head:
        """The last record in front of which, and with which, the whole chain holds."""
        return self._walk(lambda _: None)[0]

    def check(self, start: Head, size: int, *, keys: bool = False) -> tuple[Head, Flaw | None]:
        """Look at `size` records behind `start`: the last one that holds, and what is wrong with the next.

        The same head comes back where there are no more. With `keys`, that each idempotency key is found
        where it is looked for is part of it, as far as the chain holds.
        """
        with explained(self._path):
            head, flaw = check(self._connection, start, size)
            return head, (lost_key(self._connection, start, head) if keys else None) or flaw

    def flaw_at_end(self, size: int) -> Flaw | None:
        """What is wrong with the last `size` records, or None. Takes as long for any log."""
        with explained(self._path):
            return flaw_at_end(self._connection, end_of(self._connection), size)

    def damage(self) -> str | None:
        """What is wrong with the file and its indexes as SQLite sees them, or None."""
        with explained(self._path):
            found = str(self._connection.execute("PRAGMA integrity_check(1)").get)
        return None if found == "ok" else found

    def adopt(self, records: Iterable[Record], fits: Callable[[Record], object] = lambda _: None) -> int:
        """Take over the records of a copy of this log, as they are; return how many are new. All or none.

        Raises MisfitError for one that is not what the log has there, that does not go on where it ends, or
        at which `fits` raises ValueError.
        """
        with explained(self._path), transaction(self._connection):
            head, count = self._end(), 0
            for record in records:
                if 0 < record.position <= head.position:
                    known(self._connection, record)
                    continue
                head = take_over(self._connection, record, head, fits)
                count += 1
            return count

    def copy_to(self, target: apsw.Connection) -> None:
        """Copy the whole log as it is now, while it goes on."""
        with explained(self._path), target.backup("main", self._connection, "main") as copy:
            copy.step(-1)  # in one step: in several, each append in between would start it anew

    def _onwards(self, after: int, position: int) -> int:
        """`position`, which is behind `after` in any log but one whose file leads in a circle."""
        if position <= after:
            raise DamagedError(f"{self._path} has position {position} behind {after}", RESTORE)
        return position

    def _end(self) -> Head:
        """The end of the log, as far as what is appended needs it to be whole. Raises DamagedError.

        What was proven before is not proven again: while nobody else has committed, it is not even looked at,
        since SQLite would show the very page that it wrote; and else not, if it is the same byte for byte.
        """
        if self._proven is not None and self._connection.data_version() == self._proven_at:
            return Head(self._proven.position, self._proven.hash)
        last = last_of(self._connection)
        head = BEGINNING if last is None else Head(last.position, last.hash)
        if last is None or last != self._proven:
            flaw = flaw_at_end(self._connection, head, 1)
            if flaw is not None:
                raise DamagedError(f"nothing is appended to {self._path}: {flaw}", RESTORE)
            self._proven = last
        return head

    def _walk(self, told: Callable[[int], None]) -> tuple[Head, Flaw | None]:
        reached, flaw, last = BEGINNING, None, None
        while flaw is None and reached != last:  # in batches, so that this holds back no checkpoint
            last = reached
            reached, flaw = self.check(last, BATCH)
            told(reached.position)
        return reached, flaw
