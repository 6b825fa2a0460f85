"""What the service does with a log that is damaged, a disk that is full, a clock that goes backwards."""

from __future__ import annotations

import asyncio
import http.client
import json
import resource
import time
from datetime import timedelta
from pathlib import Path

import pytest

from services.domain.commands import RecordMessage
from services.event_log import scrubber
from services.event_log.chain import Flaw
from services.event_log.reading import Selection
from services.event_log.records import new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import Head
from services.refusals import NotReadyError
from services.service import Service
from services.storage import Storage
from tests.services.event_log.test_damage import CHANGED, NOW, RECORDS, fill, spoil
from tests.services.instance import Answer, Instance, configure, listener, running, starting

MESSAGES = "/api/v1/messages"
DELETED = "DELETE FROM events WHERE position = {}"


def refused(answer: Answer) -> str:
    assert answer.status == 503
    return str(answer.json.get("detail") or answer.json["reason"])


def as_far_as_it_goes(service: Instance) -> list[bytes]:
    """The whole lines of an answer that may be cut off, which says that there should be more."""
    try:
        return service.call("GET", "/api/v1/events").body.splitlines()
    except http.client.IncompleteRead as error:
        return error.partial.splitlines()


def ready_until_told(instance: Instance) -> str:
    """What /health/ready says once it has found out."""
    end = time.monotonic() + 20
    while (answer := instance.call("GET", "/health/ready")).status == 200:
        assert time.monotonic() < end
        time.sleep(0.02)
    return refused(answer)


@pytest.mark.parametrize(
    ("sql", "position"),
    [(CHANGED, 1), (CHANGED, 7), (CHANGED, RECORDS), (DELETED, 7), (DELETED, 1), (DELETED, RECORDS - 1)],
    ids=["first changed", "changed", "last changed", "deleted", "first deleted", "last but one deleted"],
)
def test_the_service_on_a_broken_chain(tmp_path: Path, sql: str, position: int) -> None:
    """It says so where it is asked whether it is ready, records nothing more, and reads what there is."""
    records = fill(tmp_path / "events")
    spoil(tmp_path / "events", sql.format(position))
    with running(tmp_path) as service:
        reason = ready_until_told(service)
        assert reason.startswith("the event log is damaged, and nothing is recorded: the record at position")
        assert f"position {position} is not what was appended" in reason
        assert refused(service.call("POST", MESSAGES, {"text": "a"})) == reason
        assert service.call("GET", "/health").status == 200
        lines = service.call("GET", "/api/v1/events").body.splitlines()
        before = [json.loads(line)["body"] for line in lines[: position - 1]]
        assert before == [record.body for record in records[: position - 1]]
        code, logged = service.stop()
    assert code == 0
    assert reason in logged
    assert SqliteLog.open(tmp_path / "events", read_only=True).head().position == RECORDS


def test_far_from_the_end_it_is_found_while_the_service_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ready at once, whatever the log's length, and finds the record a little later."""
    looked = asyncio.Event()
    check = Storage._check

    async def later(storage: Storage, start: Head, size: int) -> tuple[Head, Flaw | None]:
        await looked.wait()  # the record can be found before a test has looked
        return await check(storage, start, size)

    monkeypatch.setattr(Storage, "_check", later)

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        states = [service.not_ready]
        looked.set()
        async with asyncio.timeout(20):
            while service.not_ready is None:
                await asyncio.sleep(0.01)
        assert states == [None]
        assert "position 17 is not what was appended" in str(service.not_ready)
        with pytest.raises(NotReadyError, match="position 17"):
            await service.record(RecordMessage("b", source="api"))
        assert len(await service.events(0, 20)) == 20
        await service.close()

    log = SqliteLog.open(tmp_path / "events")
    log.append([new_entry("MessageRecorded", 1, NOW, {"text": "xxx", "source": "x"}) for _ in range(3000)])
    log.close()
    spoil(tmp_path / "events", CHANGED.format(17))
    asyncio.run(run())


def test_what_is_damaged_later_is_found_by_the_next_patrol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that runs for months looks at its log again and again, and not only when it starts."""
    monkeypatch.setattr(scrubber, "AGAIN_SECONDS", 0.1)

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        await asyncio.sleep(0.5)
        states = [service.not_ready]
        spoil(tmp_path / "events", CHANGED.format(17))
        async with asyncio.timeout(20):
            while service.not_ready is None:
                await asyncio.sleep(0.01)
        assert states == [None]
        assert "position 17 is not what was appended" in str(service.not_ready)
        await service.close()

    fill(tmp_path / "events")
    asyncio.run(run())


def test_the_service_on_a_file_that_was_cut_off(tmp_path: Path) -> None:
    """It reads what is there, and says that it is damaged."""
    records = fill(tmp_path / "events")
    path = tmp_path / "events" / "events.db"
    cut = path.read_bytes()[: path.stat().st_size * 3 // 4]
    path.write_bytes(cut)
    with running(tmp_path) as service:
        assert "the event log is damaged" in ready_until_told(service)
        refused(service.call("POST", MESSAGES, {"text": "a"}))
        lines = as_far_as_it_goes(service)
        assert len(lines) > 5
        assert [json.loads(line)["body"] for line in lines] == [r.body for r in records[: len(lines)]]
        assert service.stop()[0] == 0
    assert path.read_bytes() == cut


def test_a_full_disk_under_a_service(tmp_path: Path) -> None:
    """What cannot be kept is not acknowledged; what was is read; with room again it goes on as before."""
    texts = []
    with running(tmp_path) as service:
        for text in "abc":
            assert service.call("POST", MESSAGES, {"text": text}).status == 201
            texts.append(text)
        size = (tmp_path / "events" / "events.db-wal").stat().st_size
        before = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        for _ in range(3):
            assert service.call("POST", MESSAGES, {"text": "lost" * 50}, Idempotency_Key="k").status >= 500
        assert service.call("GET", "/api/v1/events").body.count(b"\n") == 4
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, before)
        assert service.call("POST", MESSAGES, {"text": "d"}, Idempotency_Key="k").status == 201
        messages = service.call("GET", MESSAGES).json["messages"]
        assert [message["text"] for message in messages] == [*texts, "d"]
        assert service.call("GET", "/health/ready").status == 200
    assert SqliteLog.open(tmp_path / "events", read_only=True).verify() is None


def test_a_clock_that_goes_backwards(tmp_path: Path) -> None:
    """Positions are the order; each event keeps the time it was given; all is found by its own time."""
    times = iter([NOW, NOW - timedelta(days=400), NOW + timedelta(days=1), NOW - timedelta(days=400), NOW])

    async def run() -> None:
        service = Service(
            SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: next(times)
        )
        await service.open()
        recorded = [await service.record(RecordMessage(text, source="api")) for text in "abcde"]
        assert [item.message.position for item in recorded] == [1, 2, 3, 4, 5]
        assert [message.text for message in await service.messages(0, 10)] == list("abcde")
        assert [record.position for record in await service.events(0, 10, Selection(until=NOW))] == [2, 4]
        assert [record.position for record in await service.events(0, 10, Selection(since=NOW))] == [1, 3, 5]
        assert [entry.position for entry in await service.timeline(6, 10)] == [5, 4, 3, 2, 1]
        await service.close()

    asyncio.run(run())
    assert SqliteLog.open(tmp_path / "events", read_only=True).verify() is None


def test_a_rehearsal_on_a_broken_chain_never_is_ready(tmp_path: Path) -> None:
    """So that no deploy goes on behind it."""
    fill(tmp_path / "events")
    spoil(tmp_path / "events", CHANGED.format(RECORDS))
    environment = {**configure(tmp_path), "HELIONYX_REHEARSAL": "1"}
    with listener() as sock, starting(environment, sock=sock) as instance:
        instance.wait_ready()
        assert f"position {RECORDS} is not" in refused(instance.call("GET", "/health/ready"))
