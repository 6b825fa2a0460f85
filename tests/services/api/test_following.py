"""Following the log over HTTP: server-sent events and long polls, and how they end."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.api import streams
from services.domain.commands import RecordMessage
from services.event_log.reading import Selection
from services.event_log.records import new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.service import Service
from tests.services.instance import TOKEN, Connection, Instance, running

EVENTS = "/api/v1/events"
MESSAGES = "/api/v1/messages"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Instance]:
    with running(tmp_path) as instance:
        yield instance


class Follower:
    """One who reads the stream, event by event."""

    def __init__(self, service: Instance, query: str = "", **headers: str) -> None:
        self.connection = Connection(service.address)
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        self.connection.request(
            "GET", f"{EVENTS}/stream{query}", headers={"Authorization": f"Bearer {TOKEN}", **given}
        )
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.getheader("content-type", "").startswith("text/event-stream")

    def next(self) -> dict[str, str]:
        """The next event or comment; nothing at the end of the stream."""
        found: dict[str, str] = {}
        for line in iter(self.response.readline, b""):
            if line == b"\n" or line.startswith(b":"):
                return found
            name, _, value = line.decode().rstrip("\n").partition(": ")
            found[name] = value
        return found


def say(service: Instance, text: str) -> int:
    """Record a message; its position."""
    answer = service.call("POST", MESSAGES, {"text": text})
    assert answer.status == 201
    return int(answer.json["position"])


def append(directory: Path, type_: str, *moments: datetime) -> None:
    """Append as another process does."""
    log = SqliteLog.open(directory / "events")
    log.append([new_entry(type_, 1, moment, {}) for moment in moments])
    log.close()


def lines(service: Instance, query: str) -> list[int]:
    """The positions of what `GET /api/v1/events` answers."""
    answer = service.call("GET", f"{EVENTS}{query}")
    assert answer.status == 200, answer.body
    return [json.loads(line)["position"] for line in answer.body.splitlines()]


def test_the_stream_gives_what_there_is_and_what_comes(service: Instance, tmp_path: Path) -> None:
    """Each record once, as the log has it, whoever appends; its id leads on from there."""
    say(service, "a")
    follower = Follower(service)
    say(service, "b")
    append(tmp_path, "Other", NOW)
    seen = [follower.next() for _ in range(4)]
    assert [event.pop("retry", None) for event in seen] == ["500", None, None, None]
    assert [event["id"] for event in seen] == ["1", "2", "3", "4"]
    whole = service.call("GET", EVENTS).body.decode().splitlines()
    assert [event["data"] for event in seen] == whole
    assert Follower(service, "?after=1", Last_Event_ID="2").next()["id"] == "3"
    assert Follower(service, "?after=1").next()["id"] == "2"
    assert Follower(service, "?type=Other&type=X").next()["id"] == "4"


def test_a_stop_ends_streams_with_a_word(service: Instance) -> None:
    """At once, with where to go on; the answer is whole."""
    followers = [Follower(service) for _ in range(5)]
    say(service, "a")
    for number in "12":
        assert [follower.next()["id"] for follower in followers] == [number] * 5
    begun = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    for follower in followers:
        end = follower.next()
        assert (end["event"], json.loads(end["data"])["after"]) == ("end", 2)
        assert follower.next() == {}
        assert follower.response.read() == b""  # http.client raises for an answer that is cut off
        follower.connection.close()
    assert time.monotonic() - begun < 2  # and not when the grace is over
    assert service.end()[0] == 0


def test_a_stop_answers_those_who_wait(service: Instance) -> None:
    """With nothing, which is what has come."""
    answers: list[int] = []
    caller = threading.Thread(
        target=lambda: answers.append(service.call("GET", f"{EVENTS}?wait=8").status), daemon=True
    )
    caller.start()
    time.sleep(0.3)
    begun = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    caller.join(10)
    assert answers == [200]
    assert time.monotonic() - begun < 4
    assert service.end()[0] == 0


def test_who_follows_on_an_old_connection_during_a_stop_is_told(service: Instance) -> None:
    """The stream says what there is and ends: the next service goes on."""
    say(service, "a")
    connection = Connection(service.address)
    connection.connect()
    service.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    connection.request("GET", f"{EVENTS}/stream", headers={"Authorization": f"Bearer {TOKEN}"})
    response = connection.getresponse()
    assert (response.status, response.getheader("connection")) == (200, "close")
    assert b"event: end\n" in response.read()
    connection.close()
    assert service.end()[0] == 0


def test_a_follower_who_goes_is_forgotten(service: Instance) -> None:
    """Nothing is read for it any more, and the line about it is written."""
    follower = Follower(service)
    follower.connection.close()
    follower.response.close()
    end = time.monotonic() + 5
    while not [entry for entry in service.entries("answered") if entry["path"] == f"{EVENTS}/stream"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert say(service, "a") == 2
    assert service.stop()[0] == 0
    assert "bug" not in service.logged()


def test_a_long_poll(service: Instance, tmp_path: Path) -> None:
    """It is answered when something comes that is wanted, and with nothing when the time is over."""
    say(service, "a")
    assert lines(service, "?after=1&wait=20") == [2]
    begun = time.monotonic()
    assert lines(service, "?after=2&wait=1") == []
    assert 0.9 < time.monotonic() - begun < 10
    found: list[list[int]] = []
    caller = threading.Thread(target=lambda: found.append(lines(service, "?after=2&type=Other&wait=20")))
    caller.start()
    time.sleep(0.2)
    say(service, "not this")
    append(tmp_path, "Other", NOW)
    caller.join(10)
    assert found == [[4]]


def test_what_is_read_by_type_and_time(service: Instance, tmp_path: Path) -> None:
    """All of it, over several batches, and the first of it."""
    append(tmp_path, "A", *(NOW + timedelta(seconds=number) for number in range(700)))
    append(tmp_path, "B", NOW, NOW + timedelta(hours=2))
    assert lines(service, "?type=B") == [702, 703]
    assert lines(service, "?type=A") == [*range(2, 702)]
    assert lines(service, "?type=A&after=600&limit=3") == [601, 602, 603]
    assert lines(service, "?type=A&type=B&since=2026-01-02T01:00:00Z") == [703]
    assert lines(service, "?until=2026-01-02T01:00:01%2B01:00") == [2, 702]
    assert lines(service, "?limit=0") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?wait=26", "expected wait to be a whole number from 0 to 25, found '26'"),
        ("?since=today", "expected since to be a time with its zone"),
        ("?since=2026-01-02T00:00:00", "found '2026-01-02T00:00:00'"),
        ("?until=0001-01-01T00:00:00%2B14:00", "expected until to be a time with its zone"),
        ("?type=", "expected type to be the type of an event, found ''"),
        ("?type=a%20b", "found 'a b'"),
        ("?" + "&".join(["type=A"] * 21), "expected type to be at most 20 times, found '21'"),
        ("/stream?after=x", "expected after to be a whole number"),
    ],
)
def test_bad_queries(service: Instance, query: str, expected: str) -> None:
    """They are refused with what is wrong."""
    answer = service.call("GET", f"{EVENTS}{query}")
    assert answer.status == 400
    assert expected in answer.json["detail"]


def test_the_timeline(service: Instance) -> None:
    """Every event, the newest first, page by page."""
    for text in "abc":
        say(service, text)
    page = service.call("GET", "/api/v1/timeline?limit=2").json
    assert [(entry["position"], entry["data"]["text"]) for entry in page["entries"]] == [(4, "c"), (3, "b")]
    rest = service.call("GET", f"/api/v1/timeline?limit=2&before={page['next']}").json
    assert [entry["type"] for entry in rest["entries"]] == ["MessageRecorded", "ServiceStarted"]
    assert rest["next"] is None
    assert service.call("GET", "/api/v1/timeline?type=Other").json == {"entries": [], "next": None}


def test_a_wrong_position_to_go_on_from(service: Instance) -> None:
    """It is refused: from the beginning would be the wrong place."""
    answer = service.call("GET", f"{EVENTS}/stream", Last_Event_ID="x")
    assert answer.status == 400
    assert "expected Last-Event-ID to be a whole number" in answer.json["detail"]


def test_a_stream_is_events_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block has data: of one that has none, such as `retry:`, some clients make an empty event."""
    monkeypatch.setattr(streams, "PING_SECONDS", 0.01)
    parts: list[bytes] = []

    async def follow() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        async with aclosing(streams._events(service, 0, Selection())) as events:
            async for part in events:
                parts.append(part)
                if len(parts) == 3:
                    await service.record(RecordMessage("a", source="api"))
                elif len(parts) == 6:
                    service.end_streams()
        await service.close()

    asyncio.run(asyncio.wait_for(follow(), 10))
    stream = b"".join(parts)
    assert stream.startswith(b"retry: 500\n: still here\n: still here\n")
    blocks = stream.split(b"\n\n")
    assert blocks.pop() == b""
    assert len(blocks) == 2
    assert all(b"\ndata: " in block for block in blocks)
