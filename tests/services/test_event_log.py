"""The event log: what it takes, what it refuses, what it gives back."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from services.event_log import (
    GENESIS,
    Append,
    ConflictError,
    Draft,
    EventLog,
    EventLogError,
    Head,
    PositionError,
)
from services.event_log.log import BATCH
from services.event_log.records import new_id

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def draft(text: str, key: str | None = None) -> Draft:
    return Draft("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    """An empty log."""
    log = EventLog.open(tmp_path / "events")
    yield log
    log.close()


def raw(log: EventLog) -> apsw.Connection:
    """A second connection, as somebody with a SQL shell has one."""
    return apsw.Connection(str(log._path))


def test_an_empty_log(log: EventLog) -> None:
    """It ends at 0 with the hash of zeros, and its chain holds."""
    assert (log.head(), list(log.read()), log.verify()) == (Head(0, GENESIS), [], None)


def test_records_follow_each_other(log: EventLog) -> None:
    """Positions from 1 without gaps; each names the hash of the one before."""
    first = log.append([draft("a"), draft("b")])
    second = log.append([draft("c")])
    assert [record.position for record in (*first, *second)] == [1, 2, 3]
    assert [first[0].previous, first[1].previous, second[0].previous] == [
        GENESIS,
        first[0].hash,
        first[1].hash,
    ]
    assert tuple(log.read()) == first + second
    assert log.head() == Head(3, second[0].hash)
    assert log.verify() is None


def test_append_gives_back_what_is_stored(log: EventLog, tmp_path: Path) -> None:
    """Another reader finds the same bytes after the file was closed."""
    written = log.append([draft("größe \x00 \U0001f600")])
    log.close()
    assert tuple(EventLog.open(tmp_path / "events", read_only=True).read()) == written


def test_reading_a_part(log: EventLog) -> None:
    """`after` is not included, `limit` counts."""
    log.append([draft(str(number)) for number in range(5)])
    assert [record.position for record in log.read(after=2)] == [3, 4, 5]
    assert [record.position for record in log.read(after=1, limit=2)] == [2, 3]
    assert list(log.read(after=5)) == []
    assert list(log.read(limit=0)) == []


def test_reading_more_than_a_batch(log: EventLog) -> None:
    """Batches join without a gap or a repeat."""
    log.append([draft(str(number)) for number in range(2 * BATCH + 1)])
    assert [record.position for record in log.read()] == list(range(1, 2 * BATCH + 2))
    assert len(list(log.read(limit=BATCH + 1))) == BATCH + 1


def test_hash_at(log: EventLog) -> None:
    """Known for every record and for the beginning."""
    (record,) = log.append([draft("a")])
    assert [log.hash_at(position) for position in (0, 1, 2, -1)] == [GENESIS, record.hash, None, None]


def test_expected_position(log: EventLog) -> None:
    """An append that expects another end than there is writes nothing."""
    log.append([draft("a")], expected_position=0)
    with pytest.raises(PositionError, match="expected the log to end at 0, it ends at 1"):
        log.append([draft("b")], expected_position=0)
    assert log.head().position == 1


def test_all_or_none(log: EventLog) -> None:
    """Where one draft cannot be stored, none is, and the log goes on."""
    bad = Draft("X", 1, NOW, {"text": "\ud800"})
    with pytest.raises(UnicodeEncodeError):
        log.append([draft("a"), bad])
    assert log.head().position == 0
    assert log.append([draft("b")])[0].position == 1


def test_a_time_without_a_zone_is_refused() -> None:
    """A time without a zone is not a time."""
    with pytest.raises(ValueError, match="time zone"):
        Draft("X", 1, datetime(2026, 1, 1), {}).body()


def test_ids_are_in_the_order_of_time() -> None:
    """UUIDs of version 7, unique, sorted as they were made."""
    ids = []
    for _ in range(50):
        ids.append(new_id())
        while new_id()[:18] == ids[-1][:18]:
            pass
    assert ids == sorted(set(ids))
    assert all(len(id_) == 36 and id_[14] == "7" and id_[19] in "89ab" for id_ in ids)


def test_a_repeat_returns_the_first_record(log: EventLog) -> None:
    """A known key with the same content writes nothing, whatever time it is by now."""
    first = log.append([draft("a", "k")])
    log.append([draft("b")])
    assert log.append([draft("a", "k")]) == first
    assert log.append([draft("a", "k")], expected_position=77) == first
    assert log.head().position == 2


def test_a_repeat_of_several(log: EventLog) -> None:
    """An append of several drafts is repeated as a whole, by the key of any of them."""
    first = log.append([draft("a"), draft("b", "k"), draft("c")])
    assert log.append([draft("a"), draft("b", "k"), draft("c")]) == first
    assert log.head().position == 3


@pytest.mark.parametrize(
    "other",
    [
        [draft("b", "k")],
        [Draft("MessageRecorded", 2, NOW, {"text": "a", "source": "test"}, "k")],
        [Draft("Other", 1, NOW, {"text": "a", "source": "test"}, "k")],
        [draft("x"), draft("a", "k")],
        [draft("a", "k"), draft("x")],
        [draft("a", "k"), draft("a", "k2")],
        [draft("a", "new"), draft("b", "k")],
    ],
)
def test_a_key_with_other_content(log: EventLog, other: list[Draft]) -> None:
    """A known key that comes with anything else is a conflict, and nothing is written."""
    log.append([draft("a", "k")])
    with pytest.raises(ConflictError, match="'k' was used at position 1 for something else"):
        log.append(other)
    assert log.head().position == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET body = body",
        "UPDATE events SET hash = zeroblob(32) WHERE position = 2",
        "DELETE FROM events",
        "DELETE FROM events WHERE position = 3",
        "INSERT OR REPLACE INTO events SELECT position, previous, hash, body FROM events WHERE position = 2",
        "INSERT OR REPLACE INTO events SELECT 4, hash, hash, body FROM events WHERE position = 3",
        "INSERT INTO events SELECT 5, hash, hash, replace(body, 'k', 'x') FROM events WHERE position = 3",
        "INSERT INTO events SELECT 4, previous, hash, replace(body, 'k', 'x') FROM events WHERE position = 3",
        "INSERT INTO events SELECT 0, zeroblob(32), hash, replace(body, 'k', 'x') FROM events LIMIT 1",
    ],
)
def test_triggers(log: EventLog, sql: str) -> None:
    """Nobody with a SQL shell changes or removes a record, or adds one anywhere but behind the last."""
    log.append([draft("a"), draft("b"), draft("c", "k")])
    before = list(log.read())
    with pytest.raises(apsw.ConstraintError, match="the event log"):
        raw(log).execute(sql.replace("INTO events", "INTO events (position, previous, hash, body)"))
    assert list(log.read()) == before
    assert log.verify() is None


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        '{"id":1,"type":"t","version":1,"time":"x","data":{}}',
        '{"id":"i","type":"t","version":"1","time":"x","data":{}}',
        '{"id":"i","type":"t","version":1,"time":"x","data":[]}',
        '{"id":"i","type":"t","version":1,"time":"x"}',
        '{"id":"i","type":"t","version":1,"time":"x","data":{},"idempotency_key":1}',
    ],
)
def test_the_table_takes_only_bodies(log: EventLog, body: str) -> None:
    """What is not a body of the documented shape is refused by the table itself."""
    with pytest.raises((apsw.ConstraintError, apsw.SQLError)):
        raw(log).execute(
            "INSERT INTO events (position, previous, hash, body) VALUES (1, zeroblob(32), zeroblob(32), ?)",
            (body,),
        )


def test_read_only_changes_nothing(log: EventLog, tmp_path: Path) -> None:
    """A reader cannot append, and makes no store."""
    assert log.head().position == 0
    reader = EventLog.open(tmp_path / "events", read_only=True)
    with pytest.raises(EventLogError):
        reader.append([draft("a")])
    missing = EventLog.open(tmp_path / "missing", read_only=True)
    assert missing.head() == Head(0, GENESIS)
    with pytest.raises(EventLogError):
        missing.append([draft("a")])
    assert not (tmp_path / "missing").exists()


def test_a_reader_writes_nothing_as_the_last_to_close(log: EventLog, tmp_path: Path) -> None:
    """What was appended while it was open stays in the -wal, for the next one who appends to take over."""
    store = tmp_path / "events"
    log.close()
    before = (store / "events.db").read_bytes()
    reader, appender = EventLog.open(store, read_only=True), EventLog.open(store)
    appended = appender.append([draft("a")])
    appender.close()
    reader.close()
    assert (store / "events.db").read_bytes() == before
    assert tuple(EventLog.open(store).read()) == appended


def test_a_reader_leaves_no_file_behind(log: EventLog, tmp_path: Path) -> None:
    """Those that SQLite made for it go with the last reader, and not while anybody has the log open."""
    store = tmp_path / "events"
    log.close()
    one, two = (EventLog.open(store, read_only=True) for _ in range(2))
    one.close()
    assert len(list(store.iterdir())) == 3
    appender = EventLog.open(store)
    two.close()
    assert len(list(store.iterdir())) == 3
    appender.append([draft("a")])
    appender.close()
    EventLog.open(store, read_only=True).close()
    assert [path.name for path in store.iterdir()] == ["events.db"]


def test_a_reader_sees_what_is_appended(log: EventLog, tmp_path: Path) -> None:
    """At once, and before any checkpoint."""
    reader = EventLog.open(tmp_path / "events", read_only=True)
    (record,) = log.append([draft("a")])
    assert (tuple(reader.read()), reader.head().position) == ((record,), 1)


def test_only_the_owner_reads_the_files(log: EventLog, tmp_path: Path) -> None:
    """The directory is 0700 and every file in it 0600, whatever the umask is."""
    log.append([draft("a")])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "events").iterdir()}
    assert modes == {"events.db": 0o600, "events.db-wal": 0o600, "events.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "events").stat().st_mode) == 0o700


def test_every_append_is_synced(log: EventLog) -> None:
    """The connection that appends waits for the disk."""
    assert log._connection.pragma("synchronous") == 2
    assert log._connection.pragma("journal_mode") == "wal"


def test_the_wait_for_the_disk_is_measured_alone(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what comes before the commit; neither a repeat nor a commit that fails counts."""
    now, waits = [0.0], list[float]()

    def let_pass(seconds: float, *, fails: bool = False) -> bool:
        now[0] += seconds
        return fails

    monkeypatch.setattr("services.event_log.log.time", SimpleNamespace(perf_counter=lambda: now[0]))
    log._connection.set_commit_hook(lambda: let_pass(7.0))
    group = [Append([draft("a", "k")]), Append([draft("b")])]
    log.append_each(group, lambda: let_pass(100.0), waits.append)
    log.append_each([Append([draft("a", "k")])], lambda: None, waits.append)
    log._connection.set_commit_hook(lambda: let_pass(7.0, fails=True))
    with pytest.raises(apsw.ConstraintError):
        log.append_each([Append([draft("c")])], lambda: None, waits.append)
    assert waits == [7.0]
