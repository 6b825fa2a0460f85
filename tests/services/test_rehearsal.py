"""A rehearsal: it does all that the service does, and leaves the truth alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.domain.commands import RecordMessage
from services.event_log.records import new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import GENESIS, Head
from services.projections import opening
from services.refusals import RehearsalError
from services.service import Service
from tests.services.instance import Instance, configure, listener, running, starting

MESSAGES = "/api/v1/messages"


@contextlib.contextmanager
def rehearsing(directory: Path) -> Iterator[Instance]:
    """A rehearsal that is ready, of the data below `directory`."""
    environment = {**configure(directory), "HELIONYX_REHEARSAL": "1"}
    with listener(directory / "rehearsal") as sock, starting(environment, sock=sock) as instance:
        instance.wait_ready()
        yield instance


def files(store: Path) -> dict[str, bytes]:
    """Every file of a store, but the memory that all who have it open share."""
    return {path.name: path.read_bytes() for path in store.iterdir() if not path.name.endswith("-shm")}


def texts(instance: Instance) -> list[str]:
    return [message["text"] for message in instance.call("GET", MESSAGES).json["messages"]]


def test_beside_a_service_that_records(tmp_path: Path) -> None:
    """It reads what the service has recorded and goes on to record, and refuses to record by itself."""
    with running(tmp_path) as service:
        service.call("POST", MESSAGES, {"text": "a"}, Idempotency_Key="k")
        with rehearsing(tmp_path) as rehearsal:
            for path in ("/health", "/health/ready"):
                answers = [instance.call("GET", path) for instance in (service, rehearsal)]
                assert [answer.status for answer in answers] == [200, 200]
                assert [answer.json["rehearsal"] for answer in answers] == [False, True]
            before = files(tmp_path / "events")
            for key in ("k", "new"):
                refused = rehearsal.call("POST", MESSAGES, {"text": "a"}, Idempotency_Key=key)
                assert (refused.status, refused.headers["content-type"]) == (503, "application/problem+json")
                assert refused.json["detail"] == "this is a rehearsal: nothing is recorded"
            assert files(tmp_path / "events") == before
            assert service.call("POST", MESSAGES, {"text": "b"}).status == 201
            assert texts(rehearsal) == ["a", "b"]
            logs = [instance.call("GET", "/api/v1/events").body for instance in (service, rehearsal)]
            assert logs[0] == logs[1] != b""
            assert rehearsal.stop()[0] == 0
            (entry,) = rehearsal.entries("rehearsing")
            assert (entry["env"], entry["log_length"]) == ("dev", 2)
        assert service.call("POST", MESSAGES, {"text": "c"}).status == 201
        assert texts(service) == ["a", "b", "c"]


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_when_no_process_has_the_log_open(tmp_path: Path, killed: bool) -> None:
    """It reads all, and afterwards each file is what it was, also what a killed process left behind."""
    with running(tmp_path) as service:
        service.call("POST", MESSAGES, {"text": "a"})
        if killed:
            service.process.kill()
        else:
            service.stop()
    before = files(tmp_path / "events")
    assert ("events.db-wal" in before) == killed
    with rehearsing(tmp_path) as rehearsal:
        assert texts(rehearsal) == ["a"]
        assert rehearsal.call("POST", MESSAGES, {"text": "b"}).status == 503
        assert rehearsal.stop()[0] == 0
    assert files(tmp_path / "events") == before


def test_when_the_service_is_killed_meanwhile(tmp_path: Path) -> None:
    """What was acknowledged meanwhile stays where the service put it, which alone writes to its files."""
    with running(tmp_path) as service:
        service.call("POST", MESSAGES, {"text": "a"})
        service.stop()
    path = tmp_path / "events" / "events.db"
    before = path.read_bytes()
    with running(tmp_path) as service, rehearsing(tmp_path) as rehearsal:
        assert service.call("POST", MESSAGES, {"text": "b"}).status == 201
        service.process.kill()
        service.process.wait()
        assert texts(rehearsal) == ["a", "b"]
        assert rehearsal.stop()[0] == 0
    assert path.read_bytes() == before
    with running(tmp_path) as service:
        assert texts(service) == ["a", "b"]


def test_before_there_is_a_log(tmp_path: Path) -> None:
    """It reads as an empty one, and is not made."""
    with rehearsing(tmp_path) as rehearsal:
        log = rehearsal.call("GET", "/health/ready").json["log"]
        assert (log["length"], log["head"]) == (0, GENESIS)
        assert texts(rehearsal) == []
        assert rehearsal.call("POST", MESSAGES, {"text": "a"}).status == 503
        assert rehearsal.stop()[0] == 0
    assert not (tmp_path / "events").exists()
    assert (tmp_path / "projections").exists()


def test_beside_a_service_of_another_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its read models are its own, and follow what the other one records."""

    def service(rehearsal: bool) -> Service:
        stem = tmp_path / "projections" / "helionyx.db"
        return Service(
            SqliteBackend(tmp_path / "events"), stem, lambda: datetime.now(UTC), rehearsal=rehearsal
        )

    async def run() -> None:
        current, following = service(rehearsal=False), service(rehearsal=True)
        await current.open()
        await current.record(RecordMessage("a", source="api"))
        monkeypatch.setattr(opening, "SCHEMA", opening.SCHEMA + "-- of another release")
        assert (await following.open()).position == 1
        await current.record(RecordMessage("b", source="api"))
        assert [message.text for message in await following.messages(0, 10)] == ["a", "b"]
        with pytest.raises(RehearsalError):
            await following.record(RecordMessage("c", source="api"))
        heads: list[Head] = [await each.head() for each in (current, following)]
        assert heads[0] == heads[1]
        await following.close()
        await current.close()

    asyncio.run(run())
    assert len(list((tmp_path / "projections").glob("*.db"))) == 2


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "other"])
def test_of_another_log(tmp_path: Path, missing: bool) -> None:
    """It fails and says why, rather than take from the service the read models that it serves from."""
    if not missing:
        SqliteLog.open(tmp_path / "elsewhere").append([new_entry("X", 1, datetime.now(UTC), {})] * 5)
    with running(tmp_path) as service:
        for text in "abc":
            service.call("POST", MESSAGES, {"text": text})
        head = service.call("GET", "/health/ready").json["log"]["head"]
        environment = configure(tmp_path, EVENT_STORE_PATH=str(tmp_path / "elsewhere"))
        environment["HELIONYX_REHEARSAL"] = "1"
        with listener(tmp_path / "rehearsal") as sock, starting(environment, sock=sock) as rehearsal:
            code, logged = rehearsal.end()
        assert code == 1
        assert f"follow another event log: at position 4 they know {head}" in logged
        assert ("the log in EVENT_STORE_PATH has no record there" in logged) == missing
        assert "Traceback" not in logged
        assert texts(service) == ["a", "b", "c"]
        assert service.call("POST", MESSAGES, {"text": "d"}).status == 201
        assert texts(service) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("value", "code"), [("yes", 78), ("true", 78), ("0", 0), ("", 0)], ids=["yes", "true", "0", "empty"]
)
def test_a_rehearsal_is_asked_for_clearly(tmp_path: Path, value: str, code: int) -> None:
    """What might mean yes and is not 1 is refused, rather than taken for a no."""
    environment = {**configure(tmp_path), "HELIONYX_REHEARSAL": value}
    with listener() as sock, starting(environment, sock=sock) as instance:
        if code:
            found, logged = instance.end()
            assert f"HELIONYX_REHEARSAL: expected 0 or 1, found '{value}'" in logged
            assert not (tmp_path / "events").exists()
        else:
            instance.wait_ready()
            assert instance.call("GET", "/health").json["rehearsal"] is False
            found, _ = instance.stop()
    assert found == code
