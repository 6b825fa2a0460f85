"""The chain: what somebody changed behind the log's back is found, and where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.event_log import chain as chain_module
from services.event_log.log import BATCH
from services.event_log.records import Entry, chain_hash, new_entry
from services.event_log.sqlite.log import SqliteLog

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(text: str) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"})


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    """An empty log."""
    log = SqliteLog.open(tmp_path / "events")
    yield log
    log.close()


def raw(log: SqliteLog) -> apsw.Connection:
    """A second connection, as somebody with a SQL shell has one."""
    return apsw.Connection(str(log._path))


def flaw_at(log: SqliteLog) -> int | None:
    flaw = log.verify()
    return None if flaw is None else flaw.position


@pytest.mark.parametrize("position", [1, 2, 3])
@pytest.mark.parametrize(
    "change",
    [
        "body = replace(body, 'word', 'w0rd')",
        "body = replace(body, '2026', '2025')",
        "hash = zeroblob(32)",
        "previous = hash",
    ],
)
def test_verify_finds_a_change(log: SqliteLog, position: int, change: str) -> None:
    """A change that went past the triggers is found at its position."""
    log.append([draft(f"word {number}") for number in range(3)])
    connection = raw(log)
    connection.execute("DROP TRIGGER events_update")
    connection.execute(f"UPDATE events SET {change} WHERE position = ?", (position,))  # noqa: S608
    assert flaw_at(log) == position


def test_verify_finds_a_gap(log: SqliteLog) -> None:
    """A record that was taken out of the middle is found where it is missing."""
    log.append([draft("a"), draft("b"), draft("c")])
    raw(log).execute("DROP TRIGGER events_delete; DELETE FROM events WHERE position = 2")
    assert flaw_at(log) == 2


def test_verify_finds_a_flipped_byte_in_the_file(log: SqliteLog, tmp_path: Path) -> None:
    """One bit of the text, changed on the disk."""
    log.append([draft("a"), draft("needle"), draft("c")])
    log.close()
    path = tmp_path / "events" / "events.db"
    data = bytearray(path.read_bytes())
    data[data.index(b"needle")] ^= 1
    path.write_bytes(data)
    assert flaw_at(SqliteLog.open(tmp_path / "events", read_only=True)) == 2


@pytest.mark.parametrize("position", [-(1 << 63), -1, 0])
def test_verify_finds_what_was_put_in_front(log: SqliteLog, position: int) -> None:
    """Nothing comes before the first record, which is the one that is not where it was."""
    log.append([draft("a")])
    raw(log).execute(
        "DROP TRIGGER events_insert;"
        "INSERT INTO events (position, previous, hash, body) SELECT ?, previous, hash, body FROM events",
        (position,),
    )
    assert flaw_at(log) == 1


@pytest.mark.parametrize("position", [BATCH, BATCH + 1, 2 * BATCH, 2 * BATCH + 1])
def test_verify_of_more_than_a_batch(log: SqliteLog, position: int) -> None:
    """Batches join: every record counts, the first and the last of each as well."""
    log.append([draft(str(number)) for number in range(2 * BATCH + 1)])
    assert log.verify() is None
    sql = "DROP TRIGGER events_update; UPDATE events SET body = body || ' ' WHERE position = ?"
    raw(log).execute(sql, (position,))
    assert flaw_at(log) == position


def test_verify_holds_back_no_checkpoint(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is appended meanwhile can be carried over into the file as soon as the next batch is read."""
    log.append([draft(str(number)) for number in range(2 * BATCH)])
    reader, carried = SqliteLog.open(log._path.parent, read_only=True), []

    def hash_and_meddle(previous: bytes, position: int, body: bytes) -> bytes:
        if position == 1:
            log.append([draft("meanwhile")])
        if position in (BATCH, BATCH + 1):
            ((_, frames, done),) = raw(log).execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            carried.append(done == frames)
        return chain_hash(previous, position, body)

    monkeypatch.setattr(chain_module, "chain_hash", hash_and_meddle)
    assert reader.verify() is None
    assert carried == [False, True]
