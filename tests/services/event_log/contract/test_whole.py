"""A whole log: verified, damaged, closed, copied, moved and redacted."""

from __future__ import annotations

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.event_log.backend import Backend
from services.event_log.errors import DamagedError, EventLogError, LostError, MisfitError
from services.event_log.last_head import LastHead
from services.event_log.log import BATCH, EventLog
from services.event_log.records import Append, Entry, Record, new_entry
from services.event_log.redact import Order, plan, redact
from services.event_log.summary import GENESIS, Head
from services.event_log.transfer import export, import_lines
from services.event_redaction import contradiction, notes
from tests.services.event_log.contract.harness import Harness

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORDER = Order(2, "a password", "Ada")


def draft(text: str, key: str | None = None) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def flaw_at(log: EventLog) -> int | None:
    flaw = log.verify()
    return None if flaw is None else flaw.position


def end_of(record: Record) -> Head:
    return Head(record.position, record.hash)


@pytest.fixture
def records(log: EventLog) -> tuple[Record, ...]:
    """Three records, the second with a key."""
    return log.append([draft("a"), draft("b is a secret", "k"), draft("c")])


@pytest.mark.parametrize("position", [1, 2, 3])
def test_a_changed_record(
    log: EventLog, records: tuple[Record, ...], harness: Harness, store: Path, position: int
) -> None:
    """Is found at its position by everybody, up to which the log is sound."""
    harness.spoil(store, position)
    flaw = log.verify()
    assert flaw is not None
    assert str(flaw).startswith(f"the record at position {position} is not what was appended: ")
    ends = [Head(0, GENESIS), *map(end_of, records)]
    assert log.sound_end() == ends[position - 1]
    assert log.check(ends[position - 1], 9) == (ends[position - 1], flaw)
    assert log.check(ends[0], position - 1) == (ends[position - 1], None)
    assert (log.flaw_at_end(1) == flaw) == (position == 3)
    assert log.flaw_at_end(3) == flaw


@pytest.mark.parametrize("position", [1, 2])
def test_a_removed_record(
    log: EventLog, records: tuple[Record, ...], harness: Harness, store: Path, position: int
) -> None:
    """Is found where it is missing."""
    harness.remove(store, position)
    assert flaw_at(log) == position
    assert log.hash_at(position) is None
    assert log.head() == end_of(records[-1])


def test_a_whole_log_is_verified_in_parts(log: EventLog, harness: Harness, store: Path) -> None:
    """Batches join, the end is told, and how far it has come."""
    log.append([draft(str(number)) for number in range(BATCH + 2)])
    reached: list[int] = []
    assert log.verify(reached.append) is None
    assert reached[:2] == [BATCH, BATCH + 2]
    assert log.check(log.head(), 5) == (log.head(), None)
    assert log.sound_end() == log.head()
    assert (log.damage(), log.loss()) == (None, None)
    harness.spoil(store, BATCH + 1)
    assert flaw_at(log) == BATCH + 1


def test_each_key_is_found(log: EventLog, records: tuple[Record, ...]) -> None:
    """As far as the chain holds."""
    assert log.check(Head(0, GENESIS), 9, keys=True) == (end_of(records[-1]), None)


def test_nothing_is_appended_behind_a_damaged_record(
    log: EventLog, records: tuple[Record, ...], backend: Backend, harness: Harness, store: Path
) -> None:
    """By anybody who has not verified the last record himself, alone or in a group."""
    harness.spoil(store, 3)
    with contextlib.closing(backend.open()) as other:
        for appends in ([Append([draft("d")])], [Append([]), Append([draft("d")])]):
            with pytest.raises(DamagedError, match="the record at position 3"):
                other.append_each(appends)
        with pytest.raises(DamagedError):
            other.adopt([])
    assert log.head().position == len(records)


def test_a_closed_log(log: EventLog, backend: Backend) -> None:
    """Does nothing more, and may be closed again; others have what was appended."""
    (record,) = log.append([draft("a", "k")])
    log.close()
    log.close()
    for use in (log.head, lambda: list(log.read()), lambda: log.append([draft("b")]), lambda: log.find("k")):
        with pytest.raises(EventLogError, match="closed"):
            use()
    with contextlib.closing(backend.open()) as other:
        assert list(other.read()) == [record]


def test_a_log_that_does_not_exist(backend: Backend) -> None:
    """Reads as an empty one, is not made by reading, and not by a service that knows that there was one."""
    with contextlib.closing(backend.open(read_only=True)) as reader:
        assert (reader.head(), list(reader.read())) == (Head(0, GENESIS), [])
    with pytest.raises(LostError):
        backend.open(begin=False)
    with pytest.raises(EventLogError, match="there is no event log in"):
        backend.refuse_missing()
    backend.open().close()
    backend.refuse_missing()
    backend.open(begin=False).close()


def test_room(backend: Backend, log: EventLog) -> None:
    """A log takes some of the room that there is."""
    before = backend.size()
    log.append([draft("x" * 100_000)])
    assert backend.size() - before > 100_000
    backend.reserve(1 << 20)
    assert backend.free() > 0


def test_threads_append_at_once(backend: Backend) -> None:
    """Each to a log that it has opened itself: nothing is lost, and what all of them append is there once."""
    backend.open().close()
    start = threading.Barrier(4)

    def work(number: int) -> None:
        with contextlib.closing(backend.open()) as log:
            start.wait(10)
            for turn in range(10):
                log.append([draft(f"{number} {turn}")])
                log.append([draft("same", f"{turn}")])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    with contextlib.closing(backend.open(read_only=True)) as log:
        events = [record.entry() for record in log.read()]
        assert log.verify() is None
    keys = [event.idempotency_key for event in events if event.idempotency_key is not None]
    texts = {event.data["text"] for event in events}
    assert sorted(keys) == sorted(map(str, range(10)))
    assert texts == {"same", *(f"{number} {turn}" for number in range(4) for turn in range(10))}


def test_export_and_import(log: EventLog, harness: Harness, tmp_path: Path) -> None:
    """A copy is the same log, takes what it has not, and refuses another log."""
    log.append([draft("a"), draft("b", "k")])
    lines = io.BytesIO()
    assert export(log, lines) == 2
    with contextlib.closing(harness.backend(tmp_path / "copy").open()) as copy:
        assert [import_lines(copy, lines.getvalue().splitlines()) for _ in range(2)] == [2, 0]
        assert list(copy.read()) == list(log.read())
        log.append([draft("c")])
        assert copy.adopt(log.read()) == 1
        copy.append([draft("d")])
        log.append([draft("e")])
        with pytest.raises(MisfitError, match="the record at position 4 does not fit"):
            copy.adopt(log.read())
        with pytest.raises(MisfitError, match="the record at position 6 does not fit"):
            copy.adopt([Record(6, GENESIS, GENESIS, draft("x").body())])
        assert (copy.head().position, copy.verify()) == (4, None)


def test_one_refused_record_refuses_them_all(log: EventLog, harness: Harness, tmp_path: Path) -> None:
    """Whether the log or the caller refuses it."""

    def fits(record: Record) -> None:
        if record.position == 2:
            raise ValueError("not this one")

    log.append([draft("a"), draft("b")])
    with contextlib.closing(harness.backend(tmp_path / "copy").open()) as copy:
        with pytest.raises(MisfitError, match="position 2 does not fit: not a record: not this one"):
            copy.adopt(log.read(), fits)
        assert copy.head() == Head(0, GENESIS)


@pytest.mark.usefixtures("records")
def test_export_ends_at_damage(log: EventLog, harness: Harness, store: Path) -> None:
    """Nothing behind it is written, and nothing is imported into such a log."""
    harness.spoil(store, 2)
    lines = io.BytesIO()
    with pytest.raises(DamagedError, match=r"only 1 records were written: .* position 2"):
        export(log, lines)
    assert len(lines.getvalue().splitlines()) == 1
    with pytest.raises(DamagedError, match="nothing was imported"):
        import_lines(log, lines.getvalue().splitlines())


def test_a_backup(
    log: EventLog, records: tuple[Record, ...], backend: Backend, harness: Harness, tmp_path: Path
) -> None:
    """Is a log of its own, as it was then, and replaces none."""
    head = backend.back_up(tmp_path / "copy").head
    log.append([draft("d")])
    with contextlib.closing(harness.backend(tmp_path / "copy").open()) as copy:
        assert copy.head() == head == end_of(records[-1])
        assert tuple(copy.read()) == records
    with pytest.raises(EventLogError, match="already exists"):
        backend.back_up(tmp_path / "copy")


@pytest.mark.usefixtures("records")
def test_no_backup_of_a_damaged_log(backend: Backend, harness: Harness, store: Path, tmp_path: Path) -> None:
    """None appears."""
    harness.spoil(store, 2)
    with pytest.raises(EventLogError, match="position 2"):
        backend.back_up(tmp_path / "copy")
    with pytest.raises(EventLogError, match="there is no event log"):
        harness.backend(tmp_path / "copy").refuse_missing()


def test_redaction(log: EventLog, records: tuple[Record, ...], backend: Backend) -> None:
    """Replaces the words, makes the chain anew from there, notes it, and is done once."""
    log.close()
    assert plan(backend, 2).changed == (2,)
    LastHead.beside(backend.store).write(end_of(records[-1]))
    ready: list[Head | None] = []
    redacted = redact(backend, ORDER, lambda: ready.append(LastHead.beside(backend.store).read()))
    assert (redacted.done, redacted.at, redacted.old_head) == (True, 4, records[-1].hash)
    assert ready == [end_of(records[0])]
    assert not redact(backend, ORDER, lambda: None).done
    with contextlib.closing(backend.open()) as after:
        assert after.verify() is None
        assert after.redacted() == {2: 4}
        assert contradiction(after) is None
        assert [note.event.position for note in notes(after)] == [2]
        first, second, third, _ = after.read()
        assert first == records[0]
        assert "secret" not in second.body
        assert (third.body, third.hash == records[2].hash) == (records[2].body, False)
        assert after.append([draft("whatever it was", "k")]) == (second,)


@pytest.mark.usefixtures("records")
def test_no_redaction_of_a_damaged_log(
    log: EventLog, backend: Backend, harness: Harness, store: Path
) -> None:
    """The chain that a redaction makes would hide the damage."""
    log.close()
    harness.spoil(store, 3)
    with pytest.raises(DamagedError, match="nothing is changed in a damaged log"):
        redact(backend, ORDER, lambda: None)


def test_no_redaction_of_a_log_in_use(
    log: EventLog,
    records: tuple[Record, ...],
    backend: Backend,
    harness: Harness,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever has it open would go on with the words."""
    harness.hurry(monkeypatch)
    with pytest.raises(EventLogError, match="is in use"):
        redact(backend, ORDER, lambda: None)
    assert tuple(log.read()) == records
