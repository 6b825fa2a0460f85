"""The event log in a SQLite file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

import apsw

from services.event_log.chain import Flaw, check
from services.event_log.errors import RESTORE, DamagedError, EventLogError
from services.event_log.log import BATCH, EventLog, Outcome
from services.event_log.reading import Reader
from services.event_log.records import Append, Entry, Record, decode
from services.event_log.sqlite import rows
from services.event_log.sqlite.directory import make_file, refuse_no_file
from services.event_log.sqlite.errors import explained
from services.event_log.sqlite.open_files import OpenFiles
from services.event_log.sqlite.pages import Pages
from services.event_log.sqlite.schema import FILE_NAME, open_for_appending, open_for_reading
from services.event_log.sqlite.summary import SqliteSummary
from services.event_log.sqlite.writing import append_all, refuse_other, take_over
from services.event_log.summary import BEGINNING, Head
from services.sqlite.transactions import transaction

_KNOWN = """
SELECT position, lower(hex(previous)), lower(hex(hash)), body FROM events WHERE idempotency_key = ?
"""

_REDACTED = "SELECT position, body ->> '$.redacted' FROM events WHERE body ->> '$.redacted' IS NOT NULL"

_BODIES = "SELECT position, body FROM events WHERE position > ? ORDER BY position LIMIT ?"


class SqliteLog(SqliteSummary, EventLog):
    """One connection to the log. Use it in one thread at a time; several processes may append to one log."""

    def __init__(self, connection: apsw.Connection, path: Path, files: OpenFiles | None = None) -> None:
        super().__init__(connection, path)
        self._files = files
        self._proven: Record | None = None
        """The last record that was verified, or appended here."""
        self._proven_at = -1
        """SQLite's version of the file's data when that was the last record."""

    @classmethod
    def open(cls, directory: Path, *, read_only: bool = False, begin: bool = True) -> SqliteLog:
        """Open the log in `directory`, as `Backend.open` does."""
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

    def append_each(
        self,
        appends: Sequence[Append],
        before: Callable[[], object] = lambda: None,
        committed: Callable[[float], object] = lambda _: None,
    ) -> list[Outcome]:
        with explained(self._path), transaction(self._connection):
            head = self._end()
            before()
            outcomes, last = append_all(self._connection, appends, head)
            begun = time.perf_counter()
        if last is not None:
            committed(time.perf_counter() - begun)
            self._proven, self._proven_at = last, self._connection.data_version()
        return outcomes

    def adopt(self, records: Iterable[Record], fits: Callable[[Record], object] = lambda _: None) -> int:
        with explained(self._path), transaction(self._connection):
            head, count = self._end(), 0
            for record in records:
                if 0 < record.position <= head.position:
                    refuse_other(self._connection, record)
                    continue
                head = take_over(self._connection, record, head, fits)
                count += 1
            return count

    def part(self, reader: Reader, after: int, limit: int) -> list[Record]:
        with explained(self._path):
            if not isinstance(reader.plan, Pages):
                reader.plan = Pages(self._connection, reader.selection)
            page = reader.plan.page(self._connection, after, limit)
        if page:
            self._refuse_circle(after, page[-1][0])
        return [Record(*row) for row in page]

    def find(self, idempotency_key: str) -> Record | None:
        with explained(self._path):
            row = self._connection.execute(_KNOWN, (idempotency_key,)).fetchone()
        return None if row is None else Record(*row)

    def check(self, start: Head, size: int, *, keys: bool = False) -> tuple[Head, Flaw | None]:
        with explained(self._path):
            head, flaw = check(rows.stored(self._connection, start.position, size), start)
            return head, (rows.lost_key(self._connection, start, head) if keys else None) or flaw

    def damage(self) -> str | None:
        with explained(self._path):
            result = str(self._connection.execute("PRAGMA integrity_check(1)").get)
        return None if result == "ok" else result

    def loss(self) -> str | None:
        return self._files.loss() if self._files else None

    def replay(self, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
        remaining = limit
        while remaining is None or remaining > 0:
            size = BATCH if remaining is None else min(BATCH, remaining)
            with explained(self._path):
                events = cast(
                    list[tuple[int, str]], self._connection.execute(_BODIES, (after, size)).fetchall()
                )
            for position, body in events:
                yield decode(position, body).today()
            if len(events) < size:
                return
            self._refuse_circle(after, events[-1][0])
            after = events[-1][0]
            remaining = None if remaining is None else remaining - size

    def redacted(self) -> dict[int, int]:
        with explained(self._path):
            return dict(cast(list[tuple[int, int]], self._connection.execute(_REDACTED).fetchall()))

    def copy_to(self, target: apsw.Connection) -> None:
        """Copy the whole log as it is now, while others may append."""
        with explained(self._path), target.backup("main", self._connection, "main") as copy:
            copy.step(-1)  # in one step: in several, each append in between would start it anew

    def _refuse_circle(self, after: int, position: int) -> None:
        """Raise DamagedError unless `position` is behind `after`: a damaged file may lead in a circle."""
        if position <= after:
            raise DamagedError(f"{self._path} has position {position} behind {after}", RESTORE)

    def _end(self) -> Head:
        """The end of the log, where the last record is as it was appended. Raises DamagedError.

        A record that was verified before is not verified again: while nobody else has committed, it is not
        even read, since SQLite would show the very page that it wrote; and else not, if it is the same.
        """
        if self._proven is not None and self._connection.data_version() == self._proven_at:
            return Head(self._proven.position, self._proven.hash)
        last = rows.last(self._connection)
        if last is None or last != self._proven:
            flaw = self.flaw_at_end(1)
            if flaw is not None:
                raise DamagedError(f"nothing is appended to {self._path}: {flaw}", RESTORE)
            self._proven = last
        return BEGINNING if last is None else Head(last.position, last.hash)
