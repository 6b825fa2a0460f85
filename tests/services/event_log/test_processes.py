"""The event log with real processes: two that append, one that is killed, one that only looks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.event_log.errors import BusyError
from services.event_log.records import new_entry
from services.event_log.sqlite import schema
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import GENESIS
from services.projections.database import Projections
from services.projections.messages import after

APPENDER = """
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog

if len(sys.argv) > 4:
    sys.stdin.readline()
log = SqliteLog.open(Path(sys.argv[1]))
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
for number in range(int(sys.argv[2])):
    if stopped:
        break
    draft = new_entry("MessageRecorded", 1, datetime.now(UTC), {"text": "x" * 300, "source": sys.argv[3]})
    (record,) = log.append([draft])
    print(record.position, record.hash, flush=True)
"""


def appender(store: Path, count: int, name: str, *more: str) -> subprocess.Popen[str]:
    """A process that appends, and tells what was acknowledged. With "wait" it begins when it gets a line.

    SIGTERM lets it end behind an append.
    """
    command = [sys.executable, "-c", APPENDER, str(store), str(count), name, *more]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def command(*arguments: str) -> tuple[int, dict[str, object]]:
    """Run `python -m services.event_log` with --json."""
    done = subprocess.run(
        [sys.executable, "-m", "services.event_log", *arguments, "--json"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    """Both make the file, both append, each record is where its process was told, and the chain holds."""
    store, told, reached = tmp_path / "events", [], 0
    processes = [appender(store, 1_000_000, name, "wait") for name in "ab"]
    time.sleep(0.3)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    # They take turns: each goes on behind what the other was told, and neither waits for the other's end.
    for process in processes * 5:
        assert process.stdout is not None
        position = 0
        while position <= reached:
            told.append(process.stdout.readline().strip())
            position = int(told[-1].split()[0])
        reached = position
    for process in processes:
        process.terminate()
    for process in processes:
        assert process.stdout is not None
        told += process.stdout.read().splitlines()
        assert process.wait() == 0
    log = SqliteLog.open(store, read_only=True)
    records = list(log.read())
    assert [record.position for record in records] == list(range(1, len(told) + 1))
    assert {f"{record.position} {record.hash}" for record in records} == set(told)
    assert log.verify() is None


@pytest.mark.parametrize(
    "code",
    [
        "from services.event_log.sqlite.log import SqliteLog; SqliteLog.open(path)",
        "from services.projections.database import Projections; Projections.open(path / 'helionyx.db')",
    ],
    ids=["log", "projections"],
)
def test_many_processes_make_the_file_at_once(tmp_path: Path, code: str) -> None:
    """All find it usable: nobody sees half of it, and nobody is told that it is locked."""
    imports, opening = code.split("; ")
    script = f"import sys, pathlib; path = pathlib.Path(sys.argv[1])\n{imports}\nfor line in sys.stdin:\n"
    script += f"    path /= line.strip()\n    {opening}\n    print(flush=True)"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for round_ in range(15):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{round_}\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "\n"
    for process in processes:
        process.communicate()


def test_two_processes_follow_one_log_at_once(tmp_path: Path) -> None:
    """Both enter what is new as it comes, no event twice and none left out."""
    code = """
import sys
from pathlib import Path
from services.event_log.sqlite.log import SqliteLog
from services.projections.database import Projections

path, count = Path(sys.argv[1]), int(sys.argv[2])
log, projections = SqliteLog.open(path, read_only=True), Projections.open(path / "p" / "helionyx.db")
print(flush=True)
while projections.catch_up(log) < count:
    pass
"""
    count = 1000
    log = SqliteLog.open(tmp_path)
    command = [sys.executable, "-c", code, str(tmp_path), str(count)]
    followers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    for follower in followers:
        assert follower.stdout is not None
        follower.stdout.readline()
    for number in range(count):
        log.append([new_entry("MessageRecorded", 1, datetime.now(UTC), {"text": f"{number}", "source": "x"})])
    for follower in followers:
        follower.communicate(timeout=20)
    assert [follower.returncode for follower in followers] == [0, 0]
    projections = Projections.open(tmp_path / "p" / "helionyx.db")
    messages = projections.ask(lambda models: after(models, 0, 2 * count))
    assert [message.text for message in messages] == [str(number) for number in range(count)]


def test_kill_in_the_middle_of_appends(tmp_path: Path) -> None:
    """Whatever was acknowledged before a kill -9 is there afterwards, and the next process goes on."""
    store = tmp_path / "events"
    told: list[str] = []
    for round_ in range(5):
        process = appender(store, 100_000, str(round_))
        assert process.stdout is not None
        told += [process.stdout.readline().strip() for _ in range(20 + 13 * round_)]
        process.kill()
        told += process.stdout.read().splitlines()[:-1]  # the last line may be half a line
        process.wait()
    log = SqliteLog.open(store)
    found = {f"{record.position} {record.hash}" for record in log.read()}
    assert len(told) > 200
    assert set(told) <= found
    assert log.verify() is None


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    """An append waits for one that is going on elsewhere."""
    log = SqliteLog.open(tmp_path)
    other = apsw.Connection(str(tmp_path / "events.db"))
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["COMMIT"])
    timer.start()
    log.append([new_entry("X", 1, datetime.now(UTC), {})])
    timer.join()
    assert log.head().position == 1


def test_a_lock_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time limit there is a clear error, each time anew, and then the log works again."""
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.2)
    log = SqliteLog.open(tmp_path)
    other = apsw.Connection(str(tmp_path / "events.db"))
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        begun = time.monotonic()
        with pytest.raises(BusyError, match="stayed locked"):
            log.append([new_entry("X", 1, datetime.now(UTC), {})])
        assert 0.2 <= time.monotonic() - begun < 2
    other.execute("COMMIT")
    assert log.append([new_entry("X", 1, datetime.now(UTC), {})])[0].position == 1


def test_the_command_on_a_store_that_does_not_exist(tmp_path: Path) -> None:
    """Nothing is made, and it reads as empty."""
    store = ["--store", str(tmp_path / "missing")]
    nothing = {"position": 0, "hash": GENESIS}
    assert command("head", *store) == (0, {**nothing, "holds": {}, "said": nothing})
    assert not (tmp_path / "missing").exists()


def test_verify_of_a_store_that_does_not_exist_is_no_all_clear(tmp_path: Path) -> None:
    """A mistyped path must not read as an unharmed log."""
    argv = [sys.executable, "-m", "services.event_log", "verify", "--store", str(tmp_path / "missing")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert f"there is no event log in {tmp_path / 'missing'}" in done.stderr


@pytest.mark.parametrize("running", [True, False], ids=["while it is open", "when it is closed"])
def test_the_command_on_a_log(tmp_path: Path, running: bool) -> None:
    """Head and verify say the same whether a process has the log open or none has."""
    log = SqliteLog.open(tmp_path)
    first, second = log.append([new_entry("X", 1, datetime.now(UTC), {"n": n}) for n in range(2)])
    if not running:
        log.close()
    last = {"position": 2, "hash": second.hash}
    head = {**last, "holds": {"X": [1]}, "said": last}
    store = ["--store", str(tmp_path)]
    assert command("head", *store) == (0, head)
    assert command("head", *store, "--at", "1") == (
        0,
        {**head, "at": {"position": 1, "hash": first.hash, "said_behind": 1}},
    )
    assert command("head", *store, "--at", "0") == (
        0,
        {**head, "at": {"position": 0, "hash": GENESIS, "said_behind": 2}},
    )
    assert command("head", *store, "--at", "3") == (
        0,
        {**head, "at": {"position": 3, "hash": None, "said_behind": 0}},
    )
    assert command("head", *store, "--at", "1", "--at", "3", "--at", "2") == (
        0,
        {
            **head,
            "at": {"position": 2, "hash": second.hash, "said_behind": 0},
            "hashes": {"1": first.hash, "2": second.hash, "3": None},
        },
    )
    assert command("verify", *store) == (
        0,
        {"ok": True, "position": 2, "first_bad_position": None, "problem": None, "redactions": []},
    )


def test_the_command_finds_a_change(tmp_path: Path) -> None:
    """Verify exits with 1 and says where."""
    log = SqliteLog.open(tmp_path)
    log.append([new_entry("X", 1, datetime.now(UTC), {"n": n}) for n in range(3)])
    connection = apsw.Connection(str(tmp_path / "events.db"))
    connection.execute("DROP TRIGGER events_update; UPDATE events SET body = body || ' ' WHERE position = 2")
    problem = "the record at position 2 is not what was appended: its hash is not that of its content"
    result = {"ok": False, "position": 3, "first_bad_position": 2, "problem": problem, "redactions": []}
    assert command("verify", "--store", str(tmp_path)) == (1, result)


def test_the_command_after_a_kill(tmp_path: Path) -> None:
    """What only the -wal holds, because its process was killed, is seen as well."""
    process = appender(tmp_path, 100_000, "a")
    assert process.stdout is not None
    lines = [process.stdout.readline().split() for _ in range(10)]
    process.kill()
    process.wait()
    code, found = command("head", "--store", str(tmp_path), "--at", "10")
    at = found["at"]
    assert isinstance(at, dict)
    assert (code, at["position"], at["hash"]) == (0, 10, lines[-1][1])
