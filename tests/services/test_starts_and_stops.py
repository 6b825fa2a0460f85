"""The log itself says which release wrote what."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.domain.commands import RecordMessage
from services.event_log.errors import DamagedError
from services.event_log.records import new_entry
from services.event_log.sqlite import schema
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import GENESIS, Head
from services.recorder import NOTES_IN_A_ROW
from services.refusals import NotReadyError
from services.service import Service
from services.storage import Storage
from tests.services.instance import configure, listener, running, starting
from tests.services.steps import steps

NOW = datetime(2026, 1, 2, tzinfo=UTC)

MESSAGES = "/api/v1/messages"


def service_of(directory: Path, release: str, *, rehearsal: bool = False) -> Service:
    stem = directory / "p" / "helionyx.db"
    return Service(
        SqliteBackend(directory / "events"), stem, lambda: NOW, release=release, rehearsal=rehearsal
    )


async def once(service: Service, *said: str) -> None:
    """A start, something that is said, and a stop."""
    await service.open()
    for text in said:
        await service.record(RecordMessage(text, source="api"))
    await service.close()


def told(directory: Path) -> list[tuple[str, str]]:
    """Of each event its type, and the release or the text."""
    log = SqliteLog.open(directory / "events", read_only=True)
    events = list(log.replay())
    log.close()
    return [(event.type, str(event.data.get("release") or event.data.get("text"))) for event in events]


def test_each_run_is_between_its_start_and_its_stop(tmp_path: Path) -> None:
    """Also one in which nothing was said."""
    asyncio.run(once(service_of(tmp_path, "r1"), "a", "b"))
    asyncio.run(once(service_of(tmp_path, "r2")))
    assert told(tmp_path) == [
        ("ServiceStarted", "r1"),
        ("MessageRecorded", "a"),
        ("MessageRecorded", "b"),
        ("ServiceStopped", "r1"),
        ("ServiceStarted", "r2"),
        ("ServiceStopped", "r2"),
    ]


def test_a_rehearsal_notes_nothing(tmp_path: Path) -> None:
    """It does not write."""
    asyncio.run(once(service_of(tmp_path, "r1"), "a"))
    asyncio.run(once(service_of(tmp_path, "r2", rehearsal=True)))
    assert [release for type_, release in told(tmp_path) if type_ != "MessageRecorded"] == ["r1", "r1"]


def test_the_read_models_have_them(tmp_path: Path) -> None:
    """The timeline shows them like everything else."""

    async def run() -> None:
        service = service_of(tmp_path, "r1")
        await once(service)
        service = service_of(tmp_path, "r1")
        await service.open()
        entries = await service.timeline(100, 10)
        assert [entry.type for entry in entries] == ["ServiceStarted", "ServiceStopped", "ServiceStarted"]
        await service.close()

    asyncio.run(run())


def test_a_process_says_its_release(tmp_path: Path) -> None:
    """The one that its health answer names; and a process that was killed notes no stop."""
    for kill in (True, False):
        environment = {**configure(tmp_path), "HELIONYX_RELEASE": "r1" if kill else "r2"}
        with listener() as sock, starting(environment, sock=sock) as service:
            service.wait_ready()
            assert service.call("POST", MESSAGES, {"text": "a"}).status == 201
            if kill:
                service.process.kill()
                service.process.wait()
            else:
                assert service.stop()[0] == 0
    starts = [event for event in told(tmp_path) if event[0] != "MessageRecorded"]
    assert starts == [("ServiceStarted", "r1"), ("ServiceStarted", "r2"), ("ServiceStopped", "r2")]


@pytest.mark.parametrize("stops", [False, True], ids=["it is killed", "it stops"])
def test_a_service_that_keeps_ending_does_not_fill_the_log(tmp_path: Path, stops: bool) -> None:
    """A start behind many waits for what is said next; the next release has its own."""

    async def ends(release: str) -> None:
        storage = Storage(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", rehearsal=False)
        first, last = (
            new_entry(kind, 1, NOW, {"source": "service", "release": release})
            for kind in ("ServiceStarted", "ServiceStopped")
        )
        await storage.open(first)
        await storage.close(last if stops else None)

    life = [("ServiceStarted", "r1"), ("ServiceStopped", "r1")][: 1 + stops]
    for _ in range(NOTES_IN_A_ROW + 2):
        asyncio.run(ends("r1"))
    assert told(tmp_path) == life * (NOTES_IN_A_ROW // len(life))
    asyncio.run(once(service_of(tmp_path, "r1"), "a"))
    said = [("ServiceStarted", "r1"), ("MessageRecorded", "a"), ("ServiceStopped", "r1")]
    assert told(tmp_path)[NOTES_IN_A_ROW:] == said
    asyncio.run(ends("r2"))
    assert told(tmp_path)[NOTES_IN_A_ROW + 3] == ("ServiceStarted", "r2")


async def begun_beside(directory: Path) -> Service:
    """A service of release r2 that could not note its start: another process had the log for too long."""
    other = apsw.Connection(str(directory / "events" / "events.db"))
    other.execute("BEGIN IMMEDIATE")
    service = service_of(directory, "r2")
    await service.open()
    assert service.not_ready is None
    assert [message.text for message in await service.messages(0, 10)] == ["a"]
    other.execute("ROLLBACK")
    other.close()
    return service


@pytest.mark.parametrize("said", [("b",), ()], ids=["something is said", "nothing is said"])
def test_a_start_that_the_log_does_not_take_comes_before_what_it_takes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: tuple[str, ...]
) -> None:
    """The service reads meanwhile; and what was never noted as begun does not end."""
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)

    async def run() -> None:
        service = await begun_beside(tmp_path)
        for text in said:
            assert (await service.record(RecordMessage(text, source="api"))).message.text == text
        await service.close()

    asyncio.run(once(service_of(tmp_path, "r1"), "a"))
    before = told(tmp_path)
    asyncio.run(run())
    noted = [("ServiceStarted", "r2"), ("MessageRecorded", "b"), ("ServiceStopped", "r2")]
    assert told(tmp_path) == [*before, *(noted if said else [])]


def test_a_stop_in_the_middle_of_a_start_is_noted(tmp_path: Path) -> None:
    """A start without a stop would say that it was killed."""

    async def run() -> None:
        other = apsw.Connection(str(tmp_path / "events" / "events.db"))
        other.execute("BEGIN IMMEDIATE")
        service = service_of(tmp_path, "r2")
        opening = asyncio.create_task(service.open())
        await asyncio.sleep(0.5)
        closing = asyncio.create_task(service.close())
        await asyncio.sleep(0.2)
        other.execute("ROLLBACK")
        other.close()
        await closing
        with contextlib.suppress(NotReadyError):
            await opening

    asyncio.run(once(service_of(tmp_path, "r1"), "a"))
    before = told(tmp_path)
    asyncio.run(run())
    assert told(tmp_path) == [*before, ("ServiceStarted", "r2"), ("ServiceStopped", "r2")]


def test_a_full_disk_does_not_keep_a_service_from_stopping(tmp_path: Path) -> None:
    """It says that its stop is not in the log."""
    with running(tmp_path) as service:
        assert service.call("POST", MESSAGES, {"text": "a"}).status == 201
        size = (tmp_path / "events" / "events.db-wal").stat().st_size
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        code, logged = service.stop()
    assert code == 0
    assert "this start or stop could not be recorded" in logged
    assert "Traceback" not in logged
    assert [type_ for type_, _ in told(tmp_path)] == ["ServiceStarted", "MessageRecorded"]


def test_two_logs_that_differ_in_starts_alone_tell_the_same(tmp_path: Path) -> None:
    """What was said last tells a log from another one; the commands and the health answer say it."""
    log = SqliteLog.open(tmp_path / "events")
    assert log.contents().said == Head(0, GENESIS)
    note = new_entry("ServiceStarted", 1, NOW, {"source": "service", "release": "r"})
    message = new_entry("MessageRecorded", 1, NOW, {"text": "a", "source": "x"})
    (first,) = log.append([note])
    assert (log.contents().said, log.head()) == (Head(0, GENESIS), Head(1, first.hash))
    said = log.append([message, message])[-1]
    log.append([note, note])
    assert (log.contents().said, log.head().position) == (Head(3, said.hash), 5)
    assert [log.said_behind(position) for position in range(6)] == [2, 2, 1, 0, 0, 0]
    log.close()
    command = [
        sys.executable,
        "-m",
        "services.event_log",
        "head",
        "--json",
        "--store",
        str(tmp_path / "events"),
    ]
    found = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    assert found["said"] == {"position": 3, "hash": said.hash}
    with running(tmp_path) as service:
        answer = service.call("GET", "/health/ready").json["log"]
    assert answer["length"] == 6
    assert answer["said"] == {"position": 3, "hash": said.hash}


def test_an_index_that_lost_its_entries_does_not_make_a_log_one_of_nothing(tmp_path: Path) -> None:
    """What was said is looked up in it: to find nothing there is damage, and not an empty log."""
    log = SqliteLog.open(tmp_path)
    log.append([new_entry("MessageRecorded", 1, NOW, {"text": "a", "source": "x"})] * 3)
    root = log._connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'events_type_version'"
    ).get
    log.close()
    with (tmp_path / "events.db").open("r+b") as file:
        file.seek((int(str(root)) - 1) * 4096 + 3)
        file.write(bytes(2))  # how many entries the page has
    log = SqliteLog.open(tmp_path, read_only=True)
    assert log.head().position == 3
    with pytest.raises(DamagedError, match="its index of types"):
        log.contents()


def test_finding_it_takes_no_longer_behind_many_starts(tmp_path: Path) -> None:
    """It is looked up in the index, and not by walking back."""
    log = SqliteLog.open(tmp_path / "events")
    log.append([new_entry("MessageRecorded", 1, NOW, {"text": "a", "source": "x"})])
    taken = []
    for count in (1, 2000):
        log.append([new_entry("ServiceStarted", 1, NOW, {"source": "service", "release": "r"})] * count)
        assert log.contents().said.position == 1
        taken.append(steps(log, log.contents))
    log.close()
    assert taken[1] < taken[0] * 1.5
