"""The format that stays: version 1 wrote these bytes, and every release reads and writes the same ones."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import pytest

from services.event_log.lines import to_line
from services.event_log.records import Entry, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.sqlite.schema import open_for_reading
from services.event_log.summary import GENESIS

HERE = Path(__file__).parent
KNOWN: list[dict[str, Any]] = json.loads((HERE / "event_log_v1.json").read_text())


def draft(known: dict[str, Any]) -> Entry:
    """The event that a known record was made from."""
    data = {"text": known["text"], "source": "api"}
    time = datetime.fromisoformat(known["time"])
    return new_entry("MessageRecorded", 1, time, data, known["idempotency_key"], known["id"])


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """A store whose file was written by version 1."""
    shutil.copyfile(HERE / "event_log_v1.db", tmp_path / "events.db")
    return tmp_path


def test_the_same_events_make_the_same_bytes(tmp_path: Path) -> None:
    """Bodies and hashes of known events are what they were."""
    log = SqliteLog.open(tmp_path)
    log.append([draft(known) for known in KNOWN])
    assert [(record.body, record.hash) for record in log.read()] == [
        (known["body"], known["hash"]) for known in KNOWN
    ]


def test_the_hash_is_over_previous_position_and_body() -> None:
    """Anyone can compute the chain from the documentation alone."""
    previous = GENESIS
    for position, known in enumerate(KNOWN, start=1):
        preimage = bytes.fromhex(previous) + position.to_bytes(8, "big") + known["body"].encode()
        previous = sha256(preimage).hexdigest()
        assert previous == known["hash"]


def test_an_old_file_is_read_and_continued(old_store: Path) -> None:
    """A file of version 1 opens, verifies, gives its records and takes the next one."""
    log = SqliteLog.open(old_store)
    assert [record.body for record in log.read()] == [known["body"] for known in KNOWN]
    (record,) = log.append([new_entry("X", 1, datetime.fromisoformat("2026-01-01T00:00:00Z"), {})])
    assert (record.position, record.previous, log.verify()) == (4, KNOWN[-1]["hash"], None)


def test_an_old_file_is_looked_at_as_it_is(old_store: Path) -> None:
    """A file without the index that later ones have tells what it holds, and is not changed for it."""
    before = (old_store / "events.db").read_bytes()
    log = SqliteLog.open(old_store, read_only=True)
    assert (log.contents().holds, log.verify()) == ({"MessageRecorded": (1,)}, None)
    log.close()
    assert (old_store / "events.db").read_bytes() == before


def test_the_schema_is_that_of_the_old_file(old_store: Path, tmp_path: Path) -> None:
    """A new file is made as version 1 was, which gets the index: another table would need another version."""
    connection = open_for_reading(old_store)
    indexes = "SELECT name FROM sqlite_schema WHERE type = 'index'"
    assert connection.execute(indexes).fetchall() == [("events_idempotency_key",)]
    connection.close()
    for store in (old_store, tmp_path / "new"):
        SqliteLog.open(store).close()
    schemas = []
    for store in (old_store, tmp_path / "new"):
        connection = open_for_reading(store)
        rows = connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
        versions = [connection.pragma(name) for name in ("application_id", "user_version", "journal_mode")]
        schemas.append((rows, versions))
    assert schemas[0] == schemas[1]
    assert schemas[0][1] == [0x484C4E58, 1, "wal"]


def test_the_columns_are_read_from_the_body(old_store: Path) -> None:
    """SQLite itself can ask for id, type, version, time and idempotency key."""
    sql = "SELECT id, type, version, time, idempotency_key FROM events WHERE position = 2"
    row = open_for_reading(old_store).execute(sql).fetchone()
    assert row == (KNOWN[1]["id"], "MessageRecorded", 1, "2026-01-02T02:04:06.678901Z", "api:key-1")


@pytest.mark.parametrize("index", range(len(KNOWN)))
def test_lines_are_the_same_for_ever(old_store: Path, index: int) -> None:
    """A record's line of NDJSON is known to the byte, is one line, and holds the stored bytes."""
    record = list(SqliteLog.open(old_store, read_only=True).read())[index]
    made = to_line(record)
    assert made == KNOWN[index]["line"].encode()
    assert len(made.decode().splitlines()) == 1
    assert made.endswith(b"\n")
    assert json.loads(made) == {
        "position": index + 1,
        "previous": record.previous,
        "hash": record.hash,
        "body": record.body,
    }


def test_a_newer_file_is_refused(old_store: Path) -> None:
    """A file of a later version is left alone, and the message names both versions."""
    connection = apsw.Connection(str(old_store / "events.db"))
    connection.pragma("user_version", 2)
    connection.close()
    for read_only in (True, False):
        with pytest.raises(Exception, match="holds log table version 2, and this release knows version 1"):
            SqliteLog.open(old_store, read_only=read_only)


def test_another_database_is_refused(tmp_path: Path) -> None:
    """A file that is no event log is left alone."""
    connection = apsw.Connection(str(tmp_path / "events.db"))
    connection.execute("CREATE TABLE x (y)")
    connection.close()
    for read_only in (True, False):
        with pytest.raises(Exception, match="not an event log"):
            SqliteLog.open(tmp_path, read_only=read_only)


def test_no_database_at_all_is_refused(tmp_path: Path) -> None:
    """Neither is a file that SQLite cannot read."""
    (tmp_path / "events.db").write_bytes(b"hello, world" * 1000)
    with pytest.raises(Exception, match="cannot be read"):
        SqliteLog.open(tmp_path)
