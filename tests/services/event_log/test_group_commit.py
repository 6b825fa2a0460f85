"""Group commit: many appends, one wait for the disk, and each append its own answer."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.event_log.errors import DamagedError, EventLogError
from services.event_log.records import Append, Entry, new_entry
from services.event_log.sqlite.log import SqliteLog

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(text: str, key: str | None = None) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def texts(log: SqliteLog) -> list[object]:
    return [record.entry().data["text"] for record in log.read()]


@pytest.mark.parametrize("count", [1, 2])
def test_a_full_disk_is_no_damage(tmp_path: Path, count: int) -> None:
    """SQLite rolls all of it back then, whatever was to be undone: that is told, and later ones go on."""
    log = SqliteLog.open(tmp_path)
    log.append([draft("before")])
    log._connection.execute(f"PRAGMA max_page_count = {log._connection.pragma('page_count')}")
    with pytest.raises(EventLogError, match="full") as told:
        log.append([draft("x" * 9000)] * count)
    assert not isinstance(told.value, DamagedError)
    log._connection.pragma("max_page_count", 1 << 30)
    assert log.append([draft("after")] * count)[0].position == 2
    assert log.verify() is None


def test_a_repeat_of_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    """Is damage, with its position, and nothing is appended along with it."""
    log = SqliteLog.open(tmp_path)
    log.append([draft("first", "k")])
    log.append([draft("second")])
    other = apsw.Connection(str(tmp_path / "events.db"))
    other.execute("DROP TRIGGER events_update")
    other.execute(
        'UPDATE events SET body = replace(body, \'"data":{\', \'"data":{"text":1e999,\') WHERE position = 1'
    )
    other.close()
    with pytest.raises(DamagedError, match="the record at position 1 is none"):
        log.append_each([Append([draft("third")]), Append([draft("first", "k")])])
    assert log.head().position == 2


GROUPS = """
import asyncio, json, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from services.event_log.records import Append, Entry, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.group import GroupCommit

executor = ThreadPoolExecutor(1)
log = executor.submit(SqliteLog.open, Path(sys.argv[1])).result()
told = []

async def client(group, number):
    for turn in range(40):
        for key in (f"{sys.argv[2]}-{number}-{turn}", f"both-{number}-{turn}"):
            draft = new_entry("MessageRecorded", 1, datetime.now(UTC), {"text": key, "source": "x"}, key)
            (record,) = await group.append(Append([draft]))
            told.append((key, record.position, record.hash))

async def main():
    group = GroupCommit(log.append_each, executor)
    await asyncio.gather(*(client(group, number) for number in range(16)))

print(flush=True)
sys.stdin.readline()
asyncio.run(main())
json.dump(told, sys.stdout)
"""


def test_two_processes_with_groups_of_their_own(tmp_path: Path) -> None:
    """Every key is in the log once, where each was told, also those that both have used; the chain holds."""
    command = [sys.executable, "-c", GROUPS, str(tmp_path)]
    processes = [
        subprocess.Popen([*command, name], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [tuple(item) for process in processes for item in json.loads(process.communicate(timeout=60)[0])]
    log = SqliteLog.open(tmp_path, read_only=True)
    found = {
        record.entry().idempotency_key: (record.entry().idempotency_key, record.position, record.hash)
        for record in log.read()
    }
    assert len(told) == 2 * 16 * 40 * 2
    assert set(told) == set(found.values())
    assert log.head().position == len(found) == 3 * 16 * 40
    assert log.verify() is None
