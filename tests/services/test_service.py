"""The use cases, in one process."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.domain.commands import RecordMessage
from services.event_log.log import Outcome
from services.event_log.records import Append
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.projections import database, messages
from services.projections.database import Projections
from services.refusals import NotReadyError, RefusedError
from services.service import Service

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def use(directory: Path, scenario: Callable[[Service], Awaitable[None]]) -> None:
    """Run a scenario on a service whose data lies in `directory`."""

    async def run() -> None:
        service = Service(SqliteBackend(directory / "events"), directory / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        try:
            await scenario(service)
        finally:
            await service.close()

    asyncio.run(run())


def test_what_is_recorded_can_be_read(tmp_path: Path) -> None:
    """On return the message is in the log and in the read model, with the clock's time."""

    async def scenario(service: Service) -> None:
        recorded = await service.record(RecordMessage("a", source="api"))
        assert (recorded.message.position, recorded.repeated) == (1, False)
        assert recorded.message.time == "2026-01-02T00:00:00.000000Z"
        assert await service.messages(0, 10) == (recorded.message,)
        assert (await service.head()).position == 1
        assert [record.position for record in await service.events(0, 10)] == [1]

    use(tmp_path, scenario)


def test_keys_belong_to_their_source(tmp_path: Path) -> None:
    """A key of one source says nothing about the same key of another one."""

    async def scenario(service: Service) -> None:
        for source, repeated in (("api", False), ("telegram", False), ("api", True)):
            recorded = await service.record(RecordMessage("a", source=source), "7")
            assert (recorded.repeated, recorded.message.source) == (repeated, source)
        keys = [record.entry().idempotency_key for record in await service.events(0, 10)]
        assert keys == ["api:7", "telegram:7"]

    use(tmp_path, scenario)


def test_many_at_once(tmp_path: Path) -> None:
    """Concurrent commands are recorded once each; concurrent repeats of one key once together."""

    async def scenario(service: Service) -> None:
        command = RecordMessage("a", source="api")
        await asyncio.gather(*(service.record(command) for _ in range(50)))
        repeats = await asyncio.gather(*(service.record(command, "k") for _ in range(50)))
        assert sum(not repeat.repeated for repeat in repeats) == 1
        assert (await service.head()).position == 51

    use(tmp_path, scenario)


def test_a_refusal_writes_nothing(tmp_path: Path) -> None:
    """What the domain refuses never reaches the log."""

    async def scenario(service: Service) -> None:
        with pytest.raises(RefusedError, match="nothing but white space"):
            await service.record(RecordMessage(" ", source="api"))
        assert (await service.head()).position == 0

    use(tmp_path, scenario)


def test_a_durable_event_is_acknowledged_whatever_the_projections_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its caller hears that it is kept; the service says that it is not ready, logs why, and recovers."""

    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    async def scenario(service: Service) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Projections, "catch_up", fail)
            assert (await service.record(RecordMessage("a", source="api"))).message.position == 1
            states = [service.not_ready]
            assert "broken on purpose" in caplog.text
            with pytest.raises(NotReadyError, match="cannot follow"):  # what is there would be told as all
                await service.messages(0, 10)
        await service.record(RecordMessage("b", source="api"))
        assert [*states, service.not_ready] == ["the projections cannot follow the log", None]
        assert [message.text for message in await service.messages(0, 10)] == ["a", "b"]

    use(tmp_path, scenario)


def test_lost_projections_come_back_at_the_start(tmp_path: Path) -> None:
    """A service that is ready has all messages, although the file was deleted."""

    async def fill(service: Service) -> None:
        await service.record(RecordMessage("a", source="api"))

    async def look(service: Service) -> None:
        assert [message.text for message in await service.messages(0, 10)] == ["a"]

    use(tmp_path, fill)
    shutil.rmtree(tmp_path / "p")
    use(tmp_path, look)


def test_a_stop_while_the_projections_catch_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing does not wait for a long rebuild, and the opening ends as not ready."""

    async def fill(service: Service) -> None:
        for _ in range(20):
            await service.record(RecordMessage("a", source="api"))

    use(tmp_path, fill)
    shutil.rmtree(tmp_path / "p")
    monkeypatch.setattr(database, "BATCH", 1)

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        opening = asyncio.create_task(service.open())
        await asyncio.sleep(0)
        assert service.not_ready is not None
        await service.close()
        with pytest.raises(NotReadyError):
            await opening

    asyncio.run(run())
    projections = Projections.open(tmp_path / "p" / "helionyx.db")
    assert len(projections.ask(lambda models: messages.after(models, 0, 100))) < 20


def test_those_who_wait_together_share_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction of the log and one step of the projections for all of them; each has its answer."""
    groups: list[int] = []
    steps: list[int] = []
    append_each, catch_up = SqliteLog.append_each, Projections.catch_up

    def counted(log: SqliteLog, appends: Sequence[Append], *rest: object) -> list[Outcome]:
        groups.append(len(appends))
        return append_each(log, appends, *rest)  # type: ignore[arg-type]

    def followed(projections: Projections, *arguments: object) -> int:
        steps.append(catch_up(projections, *arguments))  # type: ignore[arg-type]
        return steps[-1]

    async def scenario(service: Service) -> None:
        monkeypatch.setattr(SqliteLog, "append_each", counted)
        monkeypatch.setattr(Projections, "catch_up", followed)
        commands = [RecordMessage(str(number), source="api") for number in range(20)]
        recorded = await asyncio.gather(*map(service.record, commands))
        assert [item.message.position for item in recorded] == list(range(1, 21))

    use(tmp_path, scenario)
    assert (groups, steps) == ([20], [20])


def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    """All that was asked for before the end is durable and answered; who comes later is refused."""

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        begun = [asyncio.create_task(service.record(RecordMessage("a", source="api"))) for _ in range(2500)]
        await asyncio.sleep(0)
        await service.close()
        recorded = await asyncio.gather(*begun)
        assert [item.message.position for item in recorded] == list(range(1, 2501))
        with pytest.raises(NotReadyError, match="has stopped"):
            await service.record(RecordMessage("a", source="api"))

    asyncio.run(run())
    assert SqliteLog.open(tmp_path / "events", read_only=True).head().position == 2500
