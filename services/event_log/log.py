"""The seam between the service and the event log: `EventLog` is all that the service knows of a log.

A backend implements it in a folder of its own. Its contract is `tests/services/event_log/contract/`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from services.event_log.chain import Flaw
from services.event_log.reading import EVERYTHING, Reader, Selection
from services.event_log.records import Append, Entry, Record
from services.event_log.summary import BEGINNING, Head, Summary

BATCH = 1000
"""The number of records that are read or verified at a time, so that a long read holds nobody else up."""

Outcome = tuple[Record, ...] | Exception
"""The outcome of one append: its records, or the reason why there are none."""


class EventLog(Summary, Protocol):
    """An open event log, for one thread at a time. Several threads and processes may have one log open.

    A backend implements the abstract methods. The others are made of these; a backend overrides those that
    it can do faster. Positions count from 1 without gaps. Every method raises EventLogError: BusyError where
    another process holds the log for too long, DamagedError where what is stored cannot be read.
    """

    @abstractmethod
    def append_each(
        self,
        appends: Sequence[Append],
        before: Callable[[], object] = lambda: None,
        committed: Callable[[float], object] = lambda _: None,
    ) -> list[Outcome]:
        """Carry out several appends in their order, with one wait for the disk; on return they are durable.

        Each is done or refused as if it had come alone: what `append` would raise for one alone is its
        outcome. `before` is called when nobody else can append any more and nothing is appended yet, so
        that the state that appends depend on can be brought up to the log's end. An error that concerns them
        all is raised, and then none of them is written: DamagedError where the last record is not as it was
        appended, FullDiskError. `committed` gets the seconds that the commit waited for the disk, and is not
        called where nothing was written.
        """

    @abstractmethod
    def adopt(self, records: Iterable[Record], fits: Callable[[Record], object] = lambda _: None) -> int:
        """Append the records of a copy of this log as they are, all or none; return how many are new.

        Raises MisfitError for a record that differs from the one at its position, that does not continue the
        chain, or for which `fits` raises ValueError.
        """

    @abstractmethod
    def part(self, reader: Reader, after: int, limit: int) -> list[Record]:
        """The first records of the reader's selection behind position `after`: at most `limit`, fewer where
        they are large, and none only where there are no more.
        """

    @abstractmethod
    def find(self, idempotency_key: str) -> Record | None:
        """The record that was appended with this key, None where there is none."""

    @abstractmethod
    def check(self, start: Head, size: int, *, keys: bool = False) -> tuple[Head, Flaw | None]:
        """Verify the `size` records behind `start`: (the last one that holds, the flaw of the next).

        The same head comes back where there are no more. With `keys`, verify also that `find` finds the
        record of each idempotency key, as far as the chain holds.
        """

    def damage(self) -> str | None:
        """The damage that the storage reports beside the records, such as that of an index; None without."""
        return None

    def loss(self) -> str | None:
        """The reason why the next start would not find what is appended here; None where it would."""
        return None

    def append(self, drafts: Sequence[Entry]) -> tuple[Record, ...]:
        """Append `drafts`, all or none; on return they are durable.

        A draft whose idempotency key is in the log already makes the whole append a repeat: nothing is
        written and the first records are returned, if type, version, data and keys of all drafts are theirs.
        Raises ConflictError if they are not, ValueError for what cannot be written.
        """
        (outcome,) = self.append_each([Append(drafts)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def read(
        self,
        after: int = 0,
        limit: int | None = None,
        selection: Selection = EVERYTHING,
    ) -> Iterator[Record]:
        """The records of a selection after position `after`, in order: all of them or the first `limit`.

        Times are the events' own, which a clock that was set back has repeated.
        """
        reader, remaining = Reader(selection), limit
        while remaining is None or remaining > 0:
            records = self.part(reader, after, BATCH if remaining is None else min(BATCH, remaining))
            if not records:
                return
            yield from records
            after = records[-1].position
            remaining = None if remaining is None else remaining - len(records)

    def replay(self, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """The events after position `after`, in order, in today's versions.

        An event that cannot be upcast to a version of today is given as it is: see `Entry.understood`.
        """
        for record in self.read(after, limit):
            yield record.entry().today()

    def redacted(self) -> dict[int, int]:
        """The positions of the redacted records, each with the position of the note of its redaction."""
        events = (record.entry() for record in self.read())
        return {event.position: event.redacted for event in events if event.redacted is not None}

    def verify(self, progress: Callable[[int], object] = lambda _: None) -> Flaw | None:
        """The first record that is not as it was appended, None if the whole chain holds.

        `progress` gets the position that was reached. That the last records were cut off, the log alone
        cannot tell: compare its head with a noted one.
        """
        return self._walk(progress)[1]

    def sound_end(self) -> Head:
        """The last record up to which the whole chain holds."""
        return self._walk(lambda _: None)[0]

    def flaw_at_end(self, size: int) -> Flaw | None:
        """The first flaw of the last `size` records, None without one. Takes as long for any log."""
        start = max(0, self.head().position - size)
        digest = self.hash_at(start)
        if digest is None:
            return Flaw(start, "it is not there")
        return self.check(Head(start, digest), size)[1]

    def _walk(self, progress: Callable[[int], object]) -> tuple[Head, Flaw | None]:
        reached, flaw, last = BEGINNING, None, None
        while flaw is None and reached != last:
            last = reached
            reached, flaw = self.check(last, BATCH)
            progress(reached.position)
        return reached, flaw
