"""The event log: what it takes, what it refuses, what it gives back."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from services.event_log.records import Append, Entry, new_entry, new_id
from services.event_log.sqlite.log import SqliteLog

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def draft(text: str, key: str | None = None) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    """An empty log."""
    log = SqliteLog.open(tmp_path / "events")
    yield log
    log.close()


def raw(log: SqliteLog) -> apsw.Connection:
    """A second connection, as somebody with a SQL shell has one."""
    return apsw.Connection(str(log._path))


def test_a_time_without_a_zone_is_refused() -> None:
    """A time without a zone is not a time."""
    with pytest.raises(ValueError, match="time zone"):
        new_entry("X", 1, datetime(2026, 1, 1), {})


def test_ids_are_in_the_order_of_time() -> None:
    """UUIDs of version 7, unique, sorted as they were made."""
    ids = []
    for _ in range(50):
        ids.append(new_id())
        while new_id()[:18] == ids[-1][:18]:
            pass
    assert ids == sorted(set(ids))
    assert all(len(id_) == 36 and id_[14] == "7" and id_[19] in "89ab" for id_ in ids)


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
def test_triggers(log: SqliteLog, sql: str) -> None:
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
def test_the_table_takes_only_bodies(log: SqliteLog, body: str) -> None:
    """What is not a body of the documented shape is refused by the table itself."""
    with pytest.raises((apsw.ConstraintError, apsw.SQLError)):
        raw(log).execute(
            "INSERT INTO events (position, previous, hash, body) VALUES (1, zeroblob(32), zeroblob(32), ?)",
            (body,),
        )


def test_a_reader_writes_nothing_as_the_last_to_close(log: SqliteLog, tmp_path: Path) -> None:
    """What was appended while it was open stays in the -wal, for the next one who appends to take over."""
    store = tmp_path / "events"
    log.close()
    before = (store / "events.db").read_bytes()
    reader, appender = SqliteLog.open(store, read_only=True), SqliteLog.open(store)
    appended = appender.append([draft("a")])
    appender.close()
    reader.close()
    assert (store / "events.db").read_bytes() == before
    assert tuple(SqliteLog.open(store).read()) == appended


def test_a_reader_leaves_no_file_behind(log: SqliteLog, tmp_path: Path) -> None:
    """Those that SQLite made for it go with the last reader, and not while anybody has the log open."""
    store = tmp_path / "events"
    log.close()
    one, two = (SqliteLog.open(store, read_only=True) for _ in range(2))
    one.close()
    assert len(list(store.iterdir())) == 3
    appender = SqliteLog.open(store)
    two.close()
    assert len(list(store.iterdir())) == 3
    appender.append([draft("a")])
    appender.close()
    SqliteLog.open(store, read_only=True).close()
    assert [path.name for path in store.iterdir()] == ["events.db"]


def test_only_the_owner_reads_the_files(log: SqliteLog, tmp_path: Path) -> None:
    """The directory is 0700 and every file in it 0600, whatever the umask is."""
    log.append([draft("a")])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "events").iterdir()}
    assert modes == {"events.db": 0o600, "events.db-wal": 0o600, "events.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "events").stat().st_mode) == 0o700


def test_every_append_is_synced(log: SqliteLog) -> None:
    """The connection that appends waits for the disk."""
    assert log._connection.pragma("synchronous") == 2
    assert log._connection.pragma("journal_mode") == "wal"


def test_the_wait_for_the_disk_is_measured_alone(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what comes before the commit; neither a repeat nor a commit that fails counts."""
    now, waits = [0.0], list[float]()

    def let_pass(seconds: float, *, fails: bool = False) -> bool:
        now[0] += seconds
        return fails

    monkeypatch.setattr("services.event_log.sqlite.log.time", SimpleNamespace(perf_counter=lambda: now[0]))
    log._connection.set_commit_hook(lambda: let_pass(7.0))
    group = [Append([draft("a", "k")]), Append([draft("b")])]
    log.append_each(group, lambda: let_pass(100.0), waits.append)
    log.append_each([Append([draft("a", "k")])], lambda: None, waits.append)
    log._connection.set_commit_hook(lambda: let_pass(7.0, fails=True))
    with pytest.raises(apsw.ConstraintError):
        log.append_each([Append([draft("c")])], lambda: None, waits.append)
    assert waits == [7.0]
