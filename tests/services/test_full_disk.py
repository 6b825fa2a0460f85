"""What is said where the disk is full: no process may make a file grow."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.event_log import Draft, EventLog
from tests.services.instance import MODULE, Answer, configure, listener, running, starting

# A limit is refused as a full disk is. To read a log at all, SQLite wants to write 32 KiB beside it.
LIMITED = """
import os, resource, sys
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # half a file of it would be found by the next one
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""


def limited(room: int, command: list[str]) -> list[str]:
    """A command that runs where no file can grow beyond `room` bytes."""
    return [sys.executable, "-c", LIMITED, str(room), *command]


def test_a_service(tmp_path: Path) -> None:
    """Its callers hear that it cannot now, and its log what to look at: once for a group, and no bug."""
    with running(tmp_path) as service:
        assert service.call("POST", "/api/v1/messages", {"text": "a"}).status == 201
        size = (tmp_path / "events" / "events.db-wal").stat().st_size
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        # While another process writes, appends wait, and then go to the disk together.
        blocker = apsw.Connection(str(tmp_path / "events" / "events.db"))
        blocker.execute("BEGIN IMMEDIATE")
        answers: list[Answer] = []

        def say() -> None:
            answers.append(service.call("POST", "/api/v1/messages", {"text": "b" * 50}))

        callers = [threading.Thread(target=say) for _ in range(10)]
        for caller in callers:
            caller.start()
        time.sleep(0.5)
        blocker.execute("ROLLBACK")
        blocker.close()
        for caller in callers:
            caller.join()
        assert {answer.status for answer in answers} == {503}
        assert all(answer.headers["retry-after"] == "1" for answer in answers)
        assert all("look at the disk" in answer.json["hint"] for answer in answers)
        told = [entry for entry in service.entries() if entry["level"] == "error"]
        assert service.stop()[0] == 0
    assert 1 <= len(told) <= 2
    for entry in told:
        assert_told(json.dumps(entry), str(tmp_path / "events" / "events.db"))
        assert "traceback" not in entry


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A log that no process has open, of more messages than a limited process can write."""
    log = EventLog.open(tmp_path / "events")
    data = {"text": "a" * 100, "source": "x"}
    log.append([Draft("MessageRecorded", 1, datetime.now(UTC), data) for _ in range(500)])
    log.close()
    return tmp_path / "events"


def assert_told(said: str, path: str) -> None:
    """That the file is named, with a hint."""
    assert "Traceback" not in said
    assert re.search(f"{path}: .*(disk|full)", said)
    assert re.search(r'hint"?: ?"?look at the disk', said)


@pytest.mark.parametrize("room", [0, 20_000], ids=["none", "for a part"])
@pytest.mark.parametrize("verb", ["head", "verify"])
def test_the_command(store: Path, verb: str, room: int) -> None:
    """It names the file and says what to look at."""
    command = [sys.executable, "-m", "services.event_log", verb, "--store", str(store)]
    done = subprocess.run(limited(room, command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert_told(done.stderr, str(store / "events.db"))
    assert [path.name for path in store.iterdir()] == ["events.db"]


@pytest.mark.parametrize(
    ("room", "path"),
    [(0, "events.db"), (20_000, "events.db"), (40_000, r"projections /.*/helionyx-[0-9a-f]+\.db")],
    ids=["none", "for a part", "for the log alone"],
)
def test_a_rehearsal(store: Path, room: int, path: str) -> None:
    """It says the same, of its read models as well, and leaves nothing behind in the store."""
    environment = {**configure(store.parent), "HELIONYX_REHEARSAL": "1"}
    with listener() as sock, starting(environment, limited(room, MODULE), sock=sock) as rehearsal:
        code, logged = rehearsal.end()
    assert code == 1
    assert_told(logged, path)
    assert [path.name for path in store.iterdir()] == ["events.db"]
