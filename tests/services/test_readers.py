"""Reads do not wait for each other, and a crowd does not keep everybody else waiting."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services import readers, turns
from services.domain.commands import RecordMessage
from services.event_log.backend import Backend
from services.event_log.sqlite.backend import SqliteBackend
from services.open_storage import OpenStorage
from services.projections.database import ProjectionsError
from services.service import Service
from services.shared import Shared
from services.storage import Storage
from services.turns import Turns

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def use(directory: Path, scenario: Callable[[Storage], Awaitable[None]]) -> None:
    """Run a scenario on a log of its own; it is to be over in 20 s."""

    async def run() -> None:
        storage = Storage(
            SqliteBackend(directory / "events"), directory / "p" / "helionyx.db", rehearsal=False
        )
        await storage.open()
        try:
            await asyncio.wait_for(scenario(storage), 20)
        finally:
            await storage.close()

    asyncio.run(run())


def test_a_read_waits_for_no_other_one(tmp_path: Path) -> None:
    """As many go on at once as there are threads for; each has a connection of its own meanwhile."""

    async def scenario(storage: Storage) -> None:
        together = threading.Barrier(readers.MOST)
        used: list[int] = []

        def meet(opened: OpenStorage) -> None:
            used.append(id(opened.log))
            together.wait(10)

        await asyncio.gather(*(storage.read(meet) for _ in range(readers.MOST)))
        assert len(set(used)) == readers.MOST

    use(tmp_path, scenario)


def test_files_are_opened_anew_only_between_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that goes on and on keeps nobody waiting for long: it is tried again later."""
    monkeypatch.setattr(readers, "RENEWING_SECONDS", 0.05)
    opened: list[str] = []

    async def scenario(storage: Storage) -> None:
        begun, over = threading.Event(), threading.Event()

        def read(_: OpenStorage) -> None:
            begun.set()
            over.wait(15)

        reading = asyncio.ensure_future(storage.read(read))
        await asyncio.to_thread(begun.wait, 10)
        renew = storage._readers.renew
        await asyncio.wait_for(asyncio.to_thread(renew, lambda: opened.append("too early")), 10)
        await asyncio.wait_for(storage.read(lambda _: None), 10)
        over.set()
        await reading
        await asyncio.to_thread(renew, lambda: opened.append("in time"))
        await storage.read(lambda _: None)

    use(tmp_path, scenario)
    assert opened == ["in time"]


def test_a_quick_read_waits_for_no_long_one(tmp_path: Path) -> None:
    """However many of those there are."""

    async def scenario(storage: Storage) -> None:
        go_on = threading.Event()
        long = [asyncio.create_task(storage.read(lambda _: go_on.wait(10))) for _ in range(3 * readers.MOST)]
        for _ in range(3):
            assert (await asyncio.wait_for(storage.read(OpenStorage.end, quick=True), 5)).position == 0
        assert not any(task.done() for task in long)
        go_on.set()
        assert await asyncio.gather(*long) == [True] * len(long)

    use(tmp_path, scenario)


def test_a_connection_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequential reads use a single connection: idle connections would cost memory."""
    opened: list[Backend] = []
    connect = OpenStorage.open

    def counted(backend: Backend, projections: Path, **how: bool) -> OpenStorage:
        opened.append(backend)
        return connect(backend, projections, **how)

    monkeypatch.setattr(OpenStorage, "open", counted)

    async def scenario(storage: Storage) -> None:
        for number in range(20):
            await storage.read(OpenStorage.end, quick=number % 2 == 0)
        assert len(opened) <= 3  # the writer's, this one, and one more where the patrol was reading

    use(tmp_path, scenario)


def test_a_reader_that_comes_late_replaces_no_read_models(tmp_path: Path) -> None:
    """Others have the file open: they would go on with one that nobody else sees."""

    async def scenario(storage: Storage) -> None:
        (file,) = (tmp_path / "p").glob("*.db")
        held = threading.Barrier(readers.MOST + 1)
        go_on = threading.Event()

        def hold(_opened: OpenStorage) -> bool:
            held.wait(10)
            return go_on.wait(10)

        holding = [asyncio.create_task(storage.read(hold)) for _ in range(readers.MOST)]
        await asyncio.to_thread(held.wait, 10)  # all connections are in use
        before = file.stat().st_ino
        with file.open("r+b") as damaged:
            damaged.write(b"x" * 4096)
        os.truncate(f"{file}-wal", 0)
        with pytest.raises(ProjectionsError, match="cannot open the projections"):
            await storage.read(OpenStorage.is_behind, quick=True)
        go_on.set()
        await asyncio.gather(*holding)
        assert file.stat().st_ino == before

    use(tmp_path, scenario)


def test_followers_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that several followers wait for are read once."""
    reads = 0
    read = Storage.read

    async def counted(
        storage: Storage, job: Callable[[OpenStorage], object], *, quick: bool = False
    ) -> object:
        nonlocal reads
        reads += not quick
        return await read(storage, job, quick=quick)

    monkeypatch.setattr(Storage, "read", counted)

    async def run() -> None:
        nonlocal reads
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        streams = [service.stream() for _ in range(100)]
        following = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await asyncio.sleep(0)
        await service.record(RecordMessage("a", source="api"))
        assert {len(await records) for records in following} == {1}
        reads, following = 0, [asyncio.ensure_future(anext(stream)) for stream in streams]
        await service.record(RecordMessage("b", source="api"))
        assert {(await records)[0].position for records in following} == {2}
        assert reads < 10
        await service.close()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_work_is_shared_while_it_goes_on() -> None:
    """By its key; who gives up takes nothing from the others, and an error is everybody's."""

    async def run() -> None:
        shared: Shared[int] = Shared()
        begun: list[str] = []
        go_on = asyncio.Event()

        async def job(name: str) -> int:
            begun.append(name)
            await go_on.wait()
            if name == "bad":
                raise ValueError(name)
            return len(begun)

        async def ask(name: str) -> int:
            return await shared.do(name, lambda: job(name))

        asked = [asyncio.create_task(ask(name)) for name in ("a", "b", "a", "a", "bad", "bad")]
        await asyncio.sleep(0.01)
        asked[0].cancel()
        go_on.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert answers[1:4] == [3, 3, 3]
        assert [str(answer) for answer in answers[4:]] == ["bad", "bad"]
        assert begun == ["a", "b", "bad"]
        assert await ask("a") == 4

    asyncio.run(asyncio.wait_for(run(), 5))


def test_a_crowd_goes_on_a_few_at_a_time() -> None:
    """In order, and whatever else is to be done is done between them."""

    async def run() -> None:
        done: list[int] = []
        between: list[int] = []
        taken = Turns()
        taken.take([lambda number=number: done.append(number) for number in range(100)])  # type: ignore[misc]
        while len(done) < 100:
            await asyncio.sleep(0)
            between.append(len(done))
        assert done == list(range(100))
        assert between[:3] == [turns.AT_ONCE, 2 * turns.AT_ONCE, 3 * turns.AT_ONCE]

    asyncio.run(run())
