"""An event log in memory: the smallest backend that keeps the contract."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.event_log.backend import Backend, Copy, Progress
from services.event_log.chain import Flaw, Stored, behind, check
from services.event_log.errors import RESTORE, ConflictError, DamagedError, EventLogError, LostError, misfit
from services.event_log.log import EventLog, Outcome
from services.event_log.reading import Reader
from services.event_log.records import Append, Changed, Entry, Record, moment, repeats
from services.event_log.summary import BEGINNING, GENESIS, Contents, Head
from services.formats import OF_ITSELF, by_type


@dataclass
class Stock:
    """The records of one log, and the number of those who have it open."""

    records: list[Record] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    opened: int = 0


Disk = dict[Path, Stock]
"""The logs that exist, by their directories."""


class MemoryLog(EventLog):
    """One caller's view of a log."""

    def __init__(self, stock: Stock, *, read_only: bool) -> None:
        self._open: Stock | None = stock
        self._read_only = read_only
        stock.opened += 1

    def head(self) -> Head:
        records = self._stock.records
        return Head(records[-1].position, records[-1].hash) if records else BEGINNING

    def hash_at(self, position: int) -> str | None:
        if position == 0:
            return GENESIS
        return next((record.hash for record in self._stock.records if record.position == position), None)

    def contents(self) -> Contents:
        events = [(record, record.entry()) for record in self._stock.records]
        said = [Head(record.position, record.hash) for record, event in events if event.type not in OF_ITSELF]
        kinds = {(event.type, event.version) for _, event in events}
        return Contents(self.head(), by_type(kinds), said[-1] if said else BEGINNING)

    def said_behind(self, position: int) -> int:
        behind = (record for record in self._stock.records if record.position > position)
        return sum(record.entry().type not in OF_ITSELF for record in behind)

    def close(self) -> None:
        if self._open is not None:
            self._open.opened -= 1
            self._open = None

    def append_each(
        self,
        appends: Sequence[Append],
        before: Callable[[], object] = lambda: None,
        committed: Callable[[float], object] = lambda _: None,
    ) -> list[Outcome]:
        stock = self._writable
        with stock.lock:
            self._refuse_damaged()
            before()
            records = list(stock.records)
            outcomes = [_append(records, append) for append in appends]
            begun = time.perf_counter()
            new = len(records) > len(stock.records)
            stock.records = records
            if new:
                committed(time.perf_counter() - begun)
            return outcomes

    def adopt(self, records: Iterable[Record], fits: Callable[[Record], object] = lambda _: None) -> int:
        stock = self._writable
        with stock.lock:
            self._refuse_damaged()
            adopted = list(stock.records)
            for record in records:
                if 0 < record.position <= len(stock.records):
                    if stock.records[record.position - 1] != record:
                        raise misfit(record.position, "the log has another one there")
                    continue
                if record != behind(_end_of(adopted), record.body):
                    raise misfit(record.position, "it does not continue the chain")
                try:
                    record.entry()
                    fits(record)
                except ValueError as error:
                    raise misfit(record.position, f"not a record: {error}") from None
                adopted.append(record)
            count = len(adopted) - len(stock.records)
            stock.records = adopted
            return count

    def part(self, reader: Reader, after: int, limit: int) -> list[Record]:
        types, since, until = (getattr(reader.selection, name) for name in ("types", "since", "until"))
        first = "" if since is None else moment(since)
        end = "~" if until is None else moment(until)
        selected = []
        for record in self._stock.records:
            event = record.entry()
            if (
                record.position > after
                and (types is None or event.type in types)
                and first <= event.time < end
            ):
                selected.append(record)
        return selected[:limit]

    def find(self, idempotency_key: str) -> Record | None:
        records = (record for record in self._stock.records if _key(record) == idempotency_key)
        return next(records, None)

    def check(self, start: Head, size: int, *, keys: bool = False) -> tuple[Head, Flaw | None]:
        records = [
            record for record in self._stock.records if record.position > start.position or not start.position
        ]
        head, flaw = check(map(_stored, records[:size]), start)
        held = [
            record
            for record in records[: head.position - start.position]
            if keys and _key(record) is not None
        ]
        lost = (record.position for record in held if self.find(str(_key(record))) != record)
        position = next(lost, None)
        return head, flaw if position is None else Flaw(position, "its idempotency key is not found")

    def _refuse_damaged(self) -> None:
        flaw = self.flaw_at_end(1)
        if flaw is not None:
            raise DamagedError(f"nothing is appended: {flaw}", RESTORE)

    @property
    def _stock(self) -> Stock:
        if self._open is None:
            raise EventLogError("the log is closed")
        return self._open

    @property
    def _writable(self) -> Stock:
        if self._read_only:
            raise EventLogError("the log is open for reading")
        return self._stock


class MemoryBackend(Backend):
    """A log on a disk that lasts as long as the test."""

    def __init__(self, store: Path, disk: Disk) -> None:
        self.store = store
        self._disk = disk

    def open(self, *, read_only: bool = False, begin: bool = True) -> MemoryLog:
        stock = self._disk.get(self.store)
        if stock is None and read_only:
            return MemoryLog(Stock(), read_only=True)
        if stock is None and not begin:
            raise LostError(f"there is no event log in {self.store}, and there was one")
        return MemoryLog(self._disk.setdefault(self.store, stock or Stock()), read_only=read_only)

    def summary(self) -> MemoryLog:
        return self.open(read_only=True)

    def refuse_missing(self) -> None:
        if self.store not in self._disk:
            raise EventLogError(f"there is no event log in {self.store}")

    def size(self) -> int:
        return sum(len(record.body.encode()) for record in self._disk.get(self.store, Stock()).records)

    def free(self) -> int:
        return 1 << 30

    def reserve(self, size: int) -> None:
        pass

    def back_up(self, target: Path, progress: Progress = lambda _: None) -> Copy:
        self.refuse_missing()
        if target in self._disk:
            raise EventLogError(f"{target} already exists")
        with contextlib.closing(self.open(read_only=True)) as log:
            flaw = log.verify(progress)
            if flaw is not None:
                raise EventLogError(f"{self.store} cannot be backed up: {flaw}")
            self._disk[target] = Stock(list(log.read()))
            return Copy(target, log.head())

    @contextlib.contextmanager
    def alone(self) -> Iterator[EventLog]:
        self.refuse_missing()
        if self._disk[self.store].opened:
            raise EventLogError(f"{self.store} is in use", "stop the service first, then try again")
        with contextlib.closing(self.open()) as log:
            yield log

    def rewrite(
        self, log: EventLog, changed: Changed, last: Callable[[Head], Entry], ready: Callable[[], None]
    ) -> Head:
        flaw = log.verify()
        if flaw is not None:
            raise DamagedError(f"nothing is changed in a damaged log: {flaw}", RESTORE)
        records: list[Record] = []
        for record in log.read():
            event = changed.get(record.position)
            records.append(behind(_end_of(records), record.body if event is None else event.body()))
        records.append(behind(_end_of(records), last(_end_of(records)).body()))
        ready()
        self._disk[self.store].records = records
        return _end_of(records)


def _append(records: list[Record], append: Append) -> Outcome:
    """Append to `records`, or return the error for which nothing is appended."""
    try:
        repeated = _repeated(records, append.drafts)
        if repeated is not None:
            return repeated
        problem = append.problem()
        if problem is not None:
            return problem
        new: list[Record] = []
        for draft in append.drafts:
            record = behind(_end_of([*records[-1:], *new]), draft.body())
            record.entry()  # a body that nobody could read is refused
            new.append(record)
    except (ConflictError, ValueError, TypeError, OverflowError) as error:
        return error
    records += new
    return tuple(new)


def _repeated(records: Sequence[Record], drafts: Sequence[Entry]) -> tuple[Record, ...] | None:
    for index, draft in enumerate(drafts):
        key = draft.idempotency_key
        position = next(
            (record.position for record in records if key is not None and _key(record) == key), None
        )
        if key is None or position is None:
            continue
        start = position - 1 - index
        earlier = tuple(records[start : start + len(drafts)]) if start >= 0 else ()
        if len(earlier) != len(drafts) or not all(map(repeats, drafts, earlier)):
            raise ConflictError(key, position)
        return earlier
    return None


def _end_of(records: Sequence[Record]) -> Head:
    return Head(records[-1].position, records[-1].hash) if records else BEGINNING


def _key(record: Record) -> str | None:
    return record.entry().idempotency_key


def _stored(record: Record) -> Stored:
    return record.position, bytes.fromhex(record.previous), bytes.fromhex(record.hash), record.body.encode()
