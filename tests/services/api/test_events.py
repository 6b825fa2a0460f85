"""What is read of the log over HTTP: how long it is waited for, in what parts, and what HEAD gets of it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from services.api import events
from services.event_log.reading import Reader, Selection
from services.event_log.records import Record, new_entry
from services.event_log.sqlite import pages as pages_module
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_log.sqlite.pages import Pages
from services.service import Service
from tests.services.instance import Connection, Instance, exchange, running

EVENTS = "/api/v1/events"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def at(hours: int) -> datetime:
    """A moment."""
    return NOW + timedelta(hours=hours)


def append(directory: Path, *moments: datetime, text: str = "") -> None:
    """Append as another process does."""
    log = SqliteLog.open(directory / "events")
    log.append([new_entry("Other", 1, moment, {"text": text}) for moment in moments])
    log.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Instance]:
    append(tmp_path, at(0), at(1), at(2))
    with running(tmp_path) as instance:
        yield instance


@pytest.mark.parametrize("path", [EVENTS, f"{EVENTS}/stream", f"{EVENTS}?after=3&wait=25"])
def test_head(service: Instance, path: str) -> None:
    """It is answered at once with the headers alone, and the connection serves the next request."""
    connection = Connection(service.address)
    answer = exchange(connection, "HEAD", path)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith(("application/x-ndjson", "text/event-stream"))
    assert "content-length" not in answer.headers
    assert exchange(connection, "GET", "/health").status == 200
    assert exchange(connection, "HEAD", f"{EVENTS}?after=x").status == 400
    connection.close()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/plain, application/x-ndjson", "application/x-ndjson"),
        ("*/*", "application/x-ndjson"),
    ],
)
def test_the_content_type_of_the_events(service: Instance, accept: str, expected: str) -> None:
    """Plain text for clients that ask for it, with the same bytes."""
    answer = service.call("GET", f"{EVENTS}?limit=1", Accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, expected)
    assert answer.body == service.call("GET", f"{EVENTS}?limit=1").body != b""


@pytest.mark.parametrize(
    ("query", "comes", "expected"),
    [
        ("since=2026-01-03T00:00:00Z&after=4", [at(3), at(30)], [6]),
        ("since=2026-01-02T00:30:00Z&after=4", [at(0), at(3)], [6]),
        ("until=2026-01-02T01:30:00Z&after=3", [at(3), at(1)], [6]),
        ("since=2026-01-02T01:00:00Z&until=2026-01-02T02:00:00Z&after=3&type=Other", [at(3), at(1)], [6]),
        ("until=2000-01-01T00:00:00Z", [at(3), at(-300_000)], [6]),
    ],
)
def test_a_long_poll_for_a_span_of_time(
    service: Instance, tmp_path: Path, query: str, comes: list[datetime], expected: list[int]
) -> None:
    """It waits for what is wanted, and not for whatever there is or comes."""
    found: list[list[int]] = []

    def wait() -> None:
        answer = service.call("GET", f"{EVENTS}?wait=8&{query}")
        found.append([json.loads(line)["position"] for line in answer.body.splitlines()])

    caller = threading.Thread(target=wait)
    caller.start()
    for moment in comes:
        time.sleep(0.4)
        assert found == []
        append(tmp_path, moment)
    caller.join(15)
    assert found == [expected]


def test_a_span_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts it is read in; all of it is found, and what comes meanwhile is left out."""
    append(tmp_path, *(at(number % 5) for number in range(50)))
    monkeypatch.setattr(events, "BATCH", 3)
    looked: list[Selection] = []
    span = Pages._span

    def noted(pages: Pages, connection: apsw.Connection, selection: Selection) -> None:
        looked.append(selection)
        span(pages, connection, selection)

    monkeypatch.setattr(Pages, "_span", noted)

    async def run() -> bytes:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        found = b""
        async for part in events._lines(service, Selection(None, at(1), at(3)), 0, 100, 50):
            found += part
            append(tmp_path, at(1), at(2))
        await service.close()
        return found

    lines = asyncio.run(run()).splitlines()
    wanted = [number + 1 for number in range(50) if number % 5 in (1, 2)]
    assert [json.loads(line)["position"] for line in lines] == wanted
    assert len(looked) == 1


def test_parts_are_as_large_as_memory_should_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many characters, or one record; together they are everything, in order."""
    monkeypatch.setattr(pages_module, "PART", 2000)
    for size in (10, 500, 5000, 10, 10):
        append(tmp_path, at(0), at(1), at(2), text="x" * size)
    log = SqliteLog.open(tmp_path / "events", read_only=True)
    for selection in (
        Selection(),
        Selection(types=("Other",)),
        Selection(until=at(9)),
        Selection(since=at(0)),
    ):
        reader = Reader(selection)
        parts: list[list[Record]] = []
        while part := log.part(reader, parts[-1][-1].position if parts else 0, 6):
            parts.append(part)
        assert [record.position for part in parts for record in part] == list(range(1, 16))
        assert all(sum(len(record.body) for record in part[:-1]) < 2000 for part in parts)
        assert max(len(part) for part in parts) <= 6
        assert len(parts) == 5
    log.close()
