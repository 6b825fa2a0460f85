"""Appends that depend on how things stand: asked in the transaction, and one at a time about one thing."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.answers import Recorded
from services.domain import commands as c
from services.domain.items import Item
from services.event_log.records import Append, Entry, new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.projections.database import DamagedProjectionsError
from services.refusals import MissingError, RefusedError
from services.service import Service
from services.storage import Storage

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(text: str, key: str | None = None) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def test_nobody_appends_between_the_question_and_the_append(tmp_path: Path) -> None:
    """`before` runs when the log is locked for all others, and nothing of the group is in it yet."""
    log = SqliteLog.open(tmp_path)
    seen: list[object] = []

    def look() -> None:
        with contextlib.closing(apsw.Connection(str(tmp_path / "events.db"))) as other:
            seen.append(other.execute("SELECT count(*) FROM events").get)
            with pytest.raises(apsw.BusyError):
                other.execute("BEGIN IMMEDIATE")

    log.append_each([Append([draft("a")])], look)
    assert seen == [0]


async def opened(tmp_path: Path) -> Service:
    service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
    await service.open()
    return service


def test_what_is_done_is_not_done_twice(tmp_path: Path) -> None:
    """Of many who complete one todo at once, one does; the others hear how it stands."""

    async def run() -> None:
        service = await opened(tmp_path)
        todo = (await service.record(c.AddTodo("milk", source="api"))).position
        found = await asyncio.gather(
            *(service.record(c.CompleteTodo(todo, source="api")) for _ in range(20)), return_exceptions=True
        )
        assert sum(isinstance(one, Recorded) for one in found) == 1
        assert sum(isinstance(one, RefusedError) for one in found) == 19
        assert (await service.item(todo)).state == "done"
        with pytest.raises(MissingError, match="there is no todo 99"):
            await service.record(c.CompleteTodo(99, source="api"))
        await service.close()

    asyncio.run(run())


def test_a_rule_that_cannot_be_asked(tmp_path: Path) -> None:
    """Is told to who depends on it alone: a repeat has its answer, and others go on."""

    def unreadable(_: object) -> Exception | None:
        raise DamagedProjectionsError("unreadable", "")

    async def run() -> None:
        storage = Storage(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", rehearsal=False)
        await storage.open()
        first = await storage.append([draft("a", "k")])
        again, new, plain = await asyncio.gather(
            storage.append([draft("a", "k")], "one", unreadable),
            storage.append([draft("b")], "two", unreadable),
            storage.append([draft("c")]),
            return_exceptions=True,
        )
        assert again == first
        assert str(new) == "unreadable"
        assert isinstance(plain, tuple)
        await storage.close()

    asyncio.run(run())


def test_two_services_agree_on_what_is_done(tmp_path: Path) -> None:
    """Another process's events are looked at before anything is refused or done."""

    async def run() -> None:
        one, two = await opened(tmp_path), await opened(tmp_path)
        for turn in range(20):
            todo = (await one.record(c.AddTodo(f"{turn}", source="api"))).position
            found = await asyncio.gather(
                *(service.record(c.CompleteTodo(todo, source="api")) for service in (one, two)),
                return_exceptions=True,
            )
            assert sorted(type(item).__name__ for item in found) == ["Recorded", "StateError"]
        await one.close()
        await two.close()

    asyncio.run(run())


def test_a_message_is_taken_as_what_it_means(tmp_path: Path) -> None:
    """Both events are one append; told again with its key it is what it was, even where it now means else."""

    async def run() -> None:
        service = await opened(tmp_path)
        told = await service.tell("todo: buy milk due tomorrow #home", "api", "k")
        assert [entry.type for entry in told.entries] == ["MessageRecorded", "TodoAdded"]
        todo: Item = await service.item(told.position)
        assert (todo.text, todo.due, todo.tags) == ("buy milk", "2026-01-03", ("home",))
        later = await service.tell(
            "todo: buy milk due tomorrow #home", "api", "k", at=datetime(2026, 3, 1, tzinfo=UTC)
        )
        assert (later.repeated, later.entries) == (True, told.entries)
        assert (await service.head()).position == 2
        await service.close()

    asyncio.run(run())
