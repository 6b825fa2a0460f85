"""What a disk, a hand or a clock can do to the log: what was before is read, the rest is named."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.event_log.__main__ import main
from services.event_log.errors import DamagedError, EventLogError
from services.event_log.records import Append, Record, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.sqlite.schema import open_for_appending
from services.event_log.sqlite.writing import append_all
from services.event_log.summary import Head
from services.sqlite.transactions import transaction

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RECORDS = 60


def fill(store: Path, count: int = RECORDS) -> list[Record]:
    """A closed log of messages, each appended for itself."""
    log = SqliteLog.open(store)
    drafts = [
        new_entry("MessageRecorded", 1, NOW, {"text": f"{number} {'x' * 200}", "source": "api"}, f"k{number}")
        for number in range(count)
    ]
    for draft in drafts:
        log.append([draft])
    records = list(log.read())
    log.close()
    return records


def readable(store: Path) -> list[Record]:
    """What can be read of it, up to where it is what was appended."""
    try:
        with contextlib.closing(SqliteLog.open(store, read_only=True)) as log:
            return list(log.read(limit=log.sound_end().position))
    except EventLogError:
        return []


def verified(store: Path, capsys: pytest.CaptureFixture[str]) -> tuple[bool, int | None]:
    """Whether `verify` is content, and the first position that it names."""
    code = main(["verify", "--store", str(store), "--json"])
    said = capsys.readouterr()
    if not said.out:
        assert "Traceback" not in said.err
        assert str(store / "events.db") in said.err
        assert code == 1
        return False, None
    found = json.loads(said.out)
    assert found["ok"] == (code == 0) == (found["problem"] is None)
    return found["ok"], found["first_bad_position"]


def test_a_file_that_is_cut_off_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The records in front of the cut are read, nothing else is; verify tells, and nobody begins it anew."""
    records = fill(tmp_path / "whole")
    data = (tmp_path / "whole" / "events.db").read_bytes()
    chance = random.Random(1)  # noqa: S311
    cuts = {1, 100, 4095, 4096, 4097, len(data) - 1, len(data) - 4096}
    cuts |= {*chance.sample(range(1, len(data)), 60)}
    lengths = []
    for cut in sorted(cuts):
        store = tmp_path / str(cut)
        store.mkdir()
        (store / "events.db").write_bytes(data[:cut])
        found = readable(store)
        lengths.append(len(found))
        assert found == records[: len(found)]
        ok, position = verified(store, capsys)
        assert not ok
        assert position in (None, len(found) + 1)
        with pytest.raises(EventLogError):
            SqliteLog.open(store).append([new_entry("X", 1, NOW, {})])
        assert (store / "events.db").read_bytes() == data[:cut]
    assert lengths == sorted(lengths)
    assert lengths[-1] > RECORDS - 5


def test_a_wal_that_is_cut_off_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was appended in front of the cut is there, whole, and the log goes on behind it."""
    process = tmp_path / "open"
    log = SqliteLog.open(process)
    for number in range(30):
        log.append(
            [new_entry("MessageRecorded", 1, NOW, {"text": f"{number}", "source": "x"}) for _ in range(2)]
        )
    records = list(log.read())
    files = {path.name: path.read_bytes() for path in process.iterdir()}
    wal = files["events.db-wal"]
    seen, chance = set(), random.Random(2)  # noqa: S311
    for cut in {0, 31, 32, 33, len(wal) - 1, len(wal), *chance.sample(range(len(wal)), 60)}:
        store = tmp_path / str(cut)
        store.mkdir()
        (store / "events.db").write_bytes(files["events.db"])
        (store / "events.db-wal").write_bytes(wal[:cut])
        found = readable(store)
        assert found == records[: len(found)]
        assert len(found) % 2 == 0  # an append is there as a whole, or not at all
        assert verified(store, capsys) == (True, None)
        assert SqliteLog.open(store).append([new_entry("X", 1, NOW, {})])[0].position == len(found) + 1
        seen.add(len(found))
    assert {0, 60} <= seen
    assert len(seen) > 10


def test_a_bit_that_flipped_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Either verify says so, or every record is what was acknowledged; those in front of it always are."""
    records = fill(tmp_path / "whole")
    data = (tmp_path / "whole" / "events.db").read_bytes()
    chance, told = random.Random(3), 0  # noqa: S311
    for byte in chance.sample(range(len(data)), 250):
        store = tmp_path / f"flipped-{byte}"  # SQLite may still remove files of the one before
        store.mkdir()
        flipped = bytearray(data)
        flipped[byte] ^= 1 << chance.randrange(8)
        (store / "events.db").write_bytes(flipped)
        ok, position = verified(store, capsys)
        found = readable(store)
        if ok:
            assert found == records, byte
        if position is not None:
            assert found[: position - 1] == records[: position - 1], byte
        told += not ok
    assert told > 100


def spoil(store: Path, sql: str) -> None:
    """Do to the log what its triggers are there to stop."""
    connection = apsw.Connection(str(store / "events.db"))
    connection.execute("DROP TRIGGER events_update; DROP TRIGGER events_delete;" + sql)
    connection.close()


CHANGED = "UPDATE events SET body = replace(body, 'xxx', 'xyx') WHERE position = {}"


@pytest.mark.parametrize("sql", [CHANGED, "UPDATE events SET hash = previous WHERE position = {}"])
def test_nothing_is_appended_behind_a_last_record_that_was_changed(tmp_path: Path, sql: str) -> None:
    """Each append looks at it, also where it was whole at the opening."""
    fill(tmp_path)
    log = SqliteLog.open(tmp_path)
    log.append([new_entry("X", 1, NOW, {})])
    spoil(tmp_path, sql.format(RECORDS + 1).replace("'xxx', 'xyx'", "'X', 'Y'"))
    with pytest.raises(DamagedError, match=f"position {RECORDS + 1} is not what was appended"):
        log.append([new_entry("X", 1, NOW, {})])
    assert log.head().position == RECORDS + 1


def test_nothing_is_appended_in_front_of_what_is_there(tmp_path: Path) -> None:
    """Of whatever end an append may have been told, no record is replaced by it."""
    records = fill(tmp_path, 3)
    connection = open_for_appending(tmp_path)
    before = Head(1, records[0].hash)
    with pytest.raises(DamagedError, match="goes on behind position 1"), transaction(connection):
        append_all(connection, [Append([new_entry("X", 1, NOW, {})])], before)
    connection.close()
    assert readable(tmp_path) == records


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
"""For root, whom no mode keeps from writing."""


def test_a_read_only_disk(tmp_path: Path) -> None:
    """The log is read and proven; to open it for appending is refused, with the file's name."""
    store = tmp_path / "events"
    fill(store)
    (store / "events.db").chmod(0o444)
    store.chmod(0o555)
    code = f"""
from pathlib import Path
from services.event_log.errors import EventLogError
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.__main__ import main
main(["head", "--store", {str(store)!r}])
main(["verify", "--store", {str(store)!r}])
try:
    SqliteLog.open(Path({str(store)!r}))
except EventLogError as error:
    print(error)
"""
    command = [sys.executable, "-c", code]
    if os.getuid() == 0:
        command = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(store), *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    lines = done.stdout.splitlines()
    assert (done.stderr, lines[0].split()[0], lines[1]) == ("", str(RECORDS), f"ok: {RECORDS} records")
    assert str(store / "events.db") in lines[2]
    assert "hint: look at the disk's space and the owner of the file" in lines[3]
    assert [path.name for path in store.iterdir()] == ["events.db"]
    store.chmod(0o700)
