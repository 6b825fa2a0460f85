"""The time at which something was said, and where it comes from: kept beside the text, and used by lists."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tarfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.config import ROOT
from services.domain.origin import Attachment, Forward, Link, Origin, Person, Reply
from services.event_log.errors import ConflictError
from services.event_log.records import new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.projections import entries
from services.service import Service

NOW = datetime(2026, 2, 10, 14, tzinfo=UTC)
EARLIER = NOW - timedelta(days=2)
EARLIER_TEXT = "2026-02-08T14:00:00.000000Z"

ORIGIN = Origin(
    chat=-1001,
    message=7,
    thread=3,
    sender=Person(1, "Ada Lovelace", "ada"),
    reply=Reply(6, "buy milk?"),
    forward=Forward(Person(name="Charles"), EARLIER, 12),
    links=(Link("here", "https://example.org/"),),
    attachment=Attachment("photo", "file-1"),
)

# Version 0.3.0 reads a log of today: all of it as events, and as things.
READ_BY_0_3_0 = """
import json, sys
from pathlib import Path
from services.event_log.log import EventLog
from services.projections.database import Projections
log = EventLog.open(Path(sys.argv[1]), read_only=True)
models = Projections.open(Path(sys.argv[2]))
models.catch_up(log)
print(json.dumps([message.text for message in models.messages(0, 10)]))
print(json.dumps([thing.text for thing in models.things("todo", 1 << 40, 10)]))
"""


def run(directory: Path, what: Callable[[Service], Awaitable[Any]]) -> Any:
    """Run `what` with a service whose log is in `directory`."""

    async def inside() -> Any:
        service = Service(SqliteBackend(directory / "events"), directory / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        try:
            return await what(service)
        finally:
            await service.close()

    return asyncio.run(inside())


async def tell(service: Service, text: str, key: str | None = None, **more: Any) -> Any:
    given: dict[str, Any] = {"at": EARLIER, "origin": ORIGIN} | more
    return await service.tell(text, "telegram", key, **given)


def test_what_was_said_earlier_bears_its_own_time(tmp_path: Path) -> None:
    """In the log beside the time of recording, and in the lists in its place."""

    async def what(service: Service) -> Any:
        recorded = await tell(service, "todo: buy milk due tomorrow")
        await tell(service, "track: weight: 82 kg")
        (message, _) = await service.messages(0, 9)
        (entry,) = await service.look(lambda models: entries.entries(models, "weight", 99, 9))
        return recorded, message, await service.item(recorded.position), await service.item("weight"), entry

    recorded, message, todo, track, entry = run(tmp_path, what)
    assert [event.time for event in recorded.entries] == ["2026-02-10T14:00:00.000000Z"] * 2
    assert [event.data["said_at"] for event in recorded.entries] == [EARLIER_TEXT] * 2
    assert (todo.created, todo.due, track.created) == (EARLIER, "2026-02-09", EARLIER)
    assert (message.said_at, entry.time) == (EARLIER_TEXT, EARLIER_TEXT)
    assert message.time == "2026-02-10T14:00:00.000000Z"


def test_where_it_comes_from_stands_beside_the_text(tmp_path: Path) -> None:
    """As JSON in which what is not known is left out; another process reads the same."""
    recorded = run(tmp_path, lambda service: tell(service, "a"))
    expected = {
        "chat": -1001,
        "message": 7,
        "thread": 3,
        "sender": {"id": 1, "name": "Ada Lovelace", "username": "ada"},
        "reply": {"message": 6, "text": "buy milk?"},
        "forward": {"sender": {"name": "Charles"}, "at": "2026-02-08T14:00:00Z", "message": 12},
        "links": [{"text": "here", "url": "https://example.org/"}],
        "attachment": {"kind": "photo", "file": "file-1"},
    }
    assert recorded.entries[0].data["origin"] == expected
    (message,) = run(tmp_path, lambda service: service.messages(0, 9))
    assert message.origin == expected
    assert message == recorded.message


def test_what_is_said_now_is_an_event_as_ever(tmp_path: Path) -> None:
    """Without a member that is not known."""
    recorded = run(tmp_path, lambda service: service.tell("note: a", "api"))
    assert [event.data for event in recorded.entries] == [
        {"source": "api", "text": "note: a"},
        {"source": "api", "text": "a", "tags": []},
    ]
    assert recorded.message.said_at == recorded.message.time


def test_a_message_that_means_nothing_but_itself(tmp_path: Path) -> None:
    """Another wording is kept, and makes no second todo."""
    recorded = run(tmp_path, lambda service: tell(service, "todo: a", understand=False))
    assert [event.type for event in recorded.entries] == ["MessageRecorded"]


def test_a_repeat_of_a_message_of_an_earlier_release(tmp_path: Path) -> None:
    """A message with the same key counts as the same message, also without time and origin."""
    data = {"text": "buy milk", "source": "telegram"}
    SqliteLog.open(tmp_path / "events").append([new_entry("MessageRecorded", 1, NOW, data, "telegram:k")])
    recorded = run(tmp_path, lambda service: tell(service, "buy milk", "k"))
    assert (recorded.repeated, recorded.position) == (True, 1)
    recorded = run(tmp_path, lambda service: tell(service, "buy milk", "k", understand=False))
    assert recorded.repeated


def test_the_same_words_at_another_time_are_no_repeat(tmp_path: Path) -> None:
    """Telegram may restart its update numbers, and keys with them: the new message is not dropped."""
    run(tmp_path, lambda service: tell(service, "ok", "k"))
    with pytest.raises(ConflictError):
        run(tmp_path, lambda service: tell(service, "ok", "k", at=NOW))
    again = run(tmp_path, lambda service: tell(service, "ok", "k", origin=None))
    assert again.repeated


def test_version_0_3_0_reads_a_log_of_today(tmp_path: Path) -> None:
    """So that a node can go back to it: what it does not know of, it leaves out of account."""
    run(tmp_path, lambda service: tell(service, "todo: buy milk due tomorrow"))
    with tarfile.open(ROOT / "tests" / "e2e" / "release_0_3_0.tar.xz") as archive:
        archive.extractall(tmp_path / "earlier", filter="data")
    argv = [sys.executable, "-c", READ_BY_0_3_0, str(tmp_path / "events"), str(tmp_path / "old" / "x.db")]
    done = subprocess.run(
        argv, cwd=tmp_path / "earlier", capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["todo: buy milk due tomorrow"],
        ["buy milk"],
    ]
