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
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from services.projections import database
from services.sqlite.full_disk import reserve
from tests.services.instance import MODULE, Answer, Instance, configure, listener, running, starting

# A limit is refused as a full disk is, and can be lifted. To share a file, SQLite writes 32 KiB beside it.
LIMITED = """
import os, resource, sys
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # half a file of it would be found by the next one
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
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
        assert service.stop()[0] == 0
        told = [entry for entry in service.entries() if entry["level"] == "error"]
    assert 1 <= len(told) <= 2
    for entry in told:
        assert_told(json.dumps(entry), str(tmp_path / "events" / "events.db"))
        assert "traceback" not in entry


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A log that no process has open, of more messages than a limited process can write."""
    log = SqliteLog.open(tmp_path / "events")
    data = {"text": "a" * 100, "source": "x"}
    log.append([new_entry("MessageRecorded", 1, datetime.now(UTC), data) for _ in range(500)])
    log.close()
    return tmp_path / "events"


def assert_told(said: str, path: str) -> None:
    """That the file is named, with a hint."""
    assert "Traceback" not in said
    assert re.search(f"{path}: .*(disk|full)", said)
    assert re.search(r'hint"?: ?"?look at the disk', said)


def await_room(service: Instance) -> None:
    """Record a todo, as soon as that can be recorded."""
    end = time.monotonic() + 10
    while service.call("POST", "/api/v1/messages", {"text": "todo: bread"}).status != 201:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("room", [0, 20_000], ids=["none", "for a part"])
@pytest.mark.parametrize("verb", ["head", "verify"])
def test_the_command(store: Path, verb: str, room: int) -> None:
    """It reads the log, and leaves nothing beside it."""
    command = [sys.executable, "-m", "services.event_log", verb, "--store", str(store)]
    done = subprocess.run(limited(room, command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "500" in done.stdout
    assert [path.name for path in store.iterdir()] == ["events.db"]


@pytest.mark.parametrize("room", [0, 40_000], ids=["none", "for the log alone"])
def test_without_read_models(store: Path, room: int) -> None:
    """They are made in memory, and in their file once there is room."""
    with listener() as sock, starting(configure(store.parent), limited(room, MODULE), sock=sock) as service:
        service.wait_ready()
        assert len(service.call("GET", "/api/v1/messages?limit=1000").json["messages"]) == 500
        assert service.call("GET", "/health/ready").json["disk"]
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await_room(service)
        assert len(service.call("GET", "/api/v1/messages?limit=1000").json["messages"]) == 501
        assert service.stop()[0] == 0
    (file,) = (store.parent / "projections").glob("*.db")
    assert file.stat().st_size > 100_000


def test_a_rehearsal(store: Path) -> None:
    """It comes up too, and leaves nothing behind in the store."""
    environment = {**configure(store.parent), "HELIONYX_REHEARSAL": "1"}
    with listener() as sock, starting(environment, limited(0, MODULE), sock=sock) as rehearsal:
        rehearsal.wait_ready()
        assert rehearsal.stop()[0] == 0
    assert [path.name for path in store.iterdir()] == ["events.db"]


def test_too_much_for_memory(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what could not be written."""
    monkeypatch.setattr(database, "MOST_IN_MEMORY", 499)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = SqliteLog.open(store, read_only=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(database.FullDiskProjectionsError) as refused:
            database.Projections.open(store.parent / "p" / "helionyx.db").catch_up(log)
        with pytest.raises(database.FullDiskProjectionsError):
            database.Projections.open(store.parent / "p" / "helionyx.db").rebuild(log)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        log.close()
    assert_told(str(refused.value), r"projections /.*/helionyx-[0-9a-f]+\.db")


@pytest.mark.parametrize("ended_by", ["a stop", "kill -9"])
def test_a_start(tmp_path: Path, ended_by: str) -> None:
    """It serves for reading, says why it records nothing, and records again once there is room."""
    with running(tmp_path) as service:
        assert service.call("POST", "/api/v1/messages", {"text": "todo: milk"}).status == 201
        if ended_by == "kill -9":
            service.process.kill()
            service.process.wait()
    with listener() as sock, starting(configure(tmp_path), limited(0, MODULE), sock=sock) as service:
        service.wait_ready()
        answers = [service.call("POST", "/api/v1/messages", {"text": "no"}) for _ in range(3)]
        assert [answer.status for answer in answers] == [503] * 3
        assert "disk is full, and nothing is recorded" in service.call("GET", "/health/ready").json["disk"]
        assert service.call("GET", "/api/v1/todos").json["todos"][0]["text"] == "milk"
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await_room(service)
        assert service.call("GET", "/health/ready").json["disk"] is None
        texts = [todo["text"] for todo in service.call("GET", "/api/v1/todos").json["todos"]]
        assert sorted(texts) == ["bread", "milk"]
        assert service.stop()[0] == 0
        errors = [entry for entry in service.entries() if entry["level"] == "error"]
        assert len(errors) == 2  # one of the start, and one for all who were refused


def test_read_models_that_are_behind(tmp_path: Path) -> None:
    """They are served as they are, and follow once there is room."""
    with running(tmp_path) as service:
        assert service.call("POST", "/api/v1/messages", {"text": "todo: milk"}).status == 201
    log = SqliteLog.open(tmp_path / "events")
    log.append([new_entry("MessageRecorded", 1, datetime.now(UTC), {"text": "a", "source": "x"})])
    log.close()
    with listener() as sock, starting(configure(tmp_path), limited(0, MODULE), sock=sock) as service:
        service.wait_ready()
        assert service.call("GET", "/api/v1/todos").json["todos"][0]["text"] == "milk"
        assert service.call("GET", "/health/ready").json["disk"]


def test_a_reserve_belongs_to_the_file(tmp_path: Path) -> None:
    """Its blocks lie behind the end of the file, where nobody reads them and nobody else can take them."""
    wal = tmp_path / "a.db-wal"
    wal.write_bytes(b"a" * 5000)
    reserve(tmp_path / "a.db", 1 << 20)
    assert wal.read_bytes() == b"a" * 5000
    assert wal.stat().st_blocks * 512 >= 1 << 20
