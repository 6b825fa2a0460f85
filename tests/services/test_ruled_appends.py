"""Appends that depend on how things stand: asked in the transaction, and one at a time about one thing."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.answers import Recorded
from services.domain import commands as c
from services.domain.things import Thing
from services.event_log import Append, Draft, EventLog, Record
from services.event_log.group import GroupCommit
from services.keeper import Keeper
from services.projections import DamagedProjectionsError
from services.refusals import MissingError, RefusedError
from services.service import Service

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(text: str, key: str | None = None) -> Draft:
    return Draft("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def refusal() -> Exception | None:
    return RuntimeError("not now")


def test_a_refusal_is_the_outcome_of_that_append_alone(tmp_path: Path) -> None:
    """The others of its group are appended, and its drafts are not."""
    log = EventLog.open(tmp_path)
    outcomes = log.append_each(
        [Append([draft("a")]), Append([draft("b")], refused=refusal), Append([draft("c")])]
    )
    assert isinstance(outcomes[1], RuntimeError)
    assert [record.envelope().data["text"] for record in log.read()] == ["a", "c"]


def test_a_repeat_is_answered_whatever_is_said_of_it(tmp_path: Path) -> None:
    """It was done the first time, whatever has become of it since."""
    log = EventLog.open(tmp_path)
    first = log.append([draft("a", "k")])
    (again,) = log.append_each([Append([draft("a", "k")], refused=refusal)])
    assert again == first


def test_nobody_appends_between_the_question_and_the_append(tmp_path: Path) -> None:
    """`before` runs when the log is locked for all others, and nothing of the group is in it yet."""
    log = EventLog.open(tmp_path)
    seen: list[object] = []

    def look() -> None:
        with contextlib.closing(apsw.Connection(str(tmp_path / "events.db"))) as other:
            seen.append(other.execute("SELECT count(*) FROM events").get)
            with pytest.raises(apsw.BusyError):
                other.execute("BEGIN IMMEDIATE")

    log.append_each([Append([draft("a")])], look)
    assert seen == [0]


def test_two_about_one_thing_never_share_a_transaction(tmp_path: Path) -> None:
    """The second is asked when the first is in the read models; the others do not wait for it."""
    groups: list[list[object]] = []
    with ThreadPoolExecutor(1) as executor:
        log = executor.submit(EventLog.open, tmp_path).result()

        def commit(appends: object) -> object:
            assert isinstance(appends, list)
            groups.append([append.subject for append in appends])
            return log.append_each(appends)

        async def run() -> list[tuple[Record, ...]]:
            group = GroupCommit(commit, executor)  # type: ignore[arg-type]
            subjects: list[object] = [1, 2, 1, None, None, 2, 1]
            appends = [Append([draft(f"{n}")], subject=subject) for n, subject in enumerate(subjects)]
            return list(await asyncio.gather(*map(group.append, appends)))

        asyncio.run(run())
        executor.submit(log.close).result()
    assert groups == [[1, 2, None, None], [1, 2], [1]]


async def opened(tmp_path: Path) -> Service:
    service = Service(tmp_path / "events", tmp_path / "p" / "helionyx.db", lambda: NOW)
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
        assert (await service.thing(todo)).state == "done"
        with pytest.raises(MissingError, match="there is no todo 99"):
            await service.record(c.CompleteTodo(99, source="api"))
        await service.close()

    asyncio.run(run())


def test_a_rule_that_cannot_be_asked(tmp_path: Path) -> None:
    """Is told to who depends on it alone: a repeat has its answer, and others go on."""

    def unreadable(_: object) -> Exception | None:
        raise DamagedProjectionsError("unreadable", "")

    async def run() -> None:
        keeper = Keeper(tmp_path / "events", tmp_path / "p" / "helionyx.db", rehearsal=False)
        await keeper.open()
        first = await keeper.append([draft("a", "k")])
        again, new, plain = await asyncio.gather(
            keeper.append([draft("a", "k")], "one", unreadable),
            keeper.append([draft("b")], "two", unreadable),
            keeper.append([draft("c")]),
            return_exceptions=True,
        )
        assert again == first
        assert str(new) == "unreadable"
        assert isinstance(plain, tuple)
        await keeper.close()

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
        todo: Thing = await service.thing(told.position)
        assert (todo.text, todo.due, todo.tags) == ("buy milk", "2026-01-03", ("home",))
        later = await service.tell(
            "todo: buy milk due tomorrow #home", "api", "k", at=datetime(2026, 3, 1, tzinfo=UTC)
        )
        assert (later.repeated, later.entries) == (True, told.entries)
        assert (await service.head()).position == 2
        await service.close()

    asyncio.run(run())
