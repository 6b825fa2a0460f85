"""Streams of the log: what is there, and then what comes, from whatever process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services import service as service_module
from services.config import ROOT
from services.domain.commands import RecordMessage
from services.event_log.reading import Selection
from services.event_log.records import Record, new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import Head
from services.event_log.watch import POLL_SECONDS
from services.service import Service

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def use(directory: Path, scenario: Callable[[Service], Awaitable[None]]) -> None:
    """Run a scenario on a service whose data lies in `directory`; it is to be over in 30 s."""

    async def run() -> None:
        service = Service(SqliteBackend(directory / "events"), directory / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        try:
            await asyncio.wait_for(scenario(service), 30)
        finally:
            await service.close()

    asyncio.run(run())


async def collect(
    stream: AsyncIterator[tuple[Record, ...]], found: list[int], count: int = sys.maxsize
) -> None:
    """Positions of what comes, until `count` have come or the stream ends."""
    async with aclosing(stream) as records:  # type: ignore[type-var]
        async for some in records:
            found += [record.position for record in some]
            if len(found) >= count:
                return


def append(directory: Path, *texts: str, type_: str = "Other") -> None:
    """Append as another connection does."""
    log = SqliteLog.open(directory / "events")
    log.append([new_entry(type_, 1, NOW, {"text": text, "source": "x"}) for text in texts])
    log.close()


def test_the_past_and_then_the_future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a position on, in order, once each; own appends are seen at once, long before the next look."""
    monkeypatch.setattr(service_module, "STREAMED_AT_ONCE", 3)
    monkeypatch.setattr("services.event_log.watch.POLL_SECONDS", 60.0)
    append(tmp_path, *"abcdefg")

    async def scenario(service: Service) -> None:
        whole: list[int] = []
        part: list[int] = []
        ahead: list[int] = []
        following = [
            asyncio.create_task(collect(service.stream(), whole, 12)),
            asyncio.create_task(collect(service.stream(5), part, 7)),
            asyncio.create_task(collect(service.stream(10), ahead, 2)),
        ]
        await asyncio.sleep(0.05)
        for _ in range(5):
            await service.record(RecordMessage("more", source="api"))
        await asyncio.wait_for(asyncio.gather(*following), 5)
        assert (whole, part, ahead) == (list(range(1, 13)), list(range(6, 13)), [11, 12])

    use(tmp_path, scenario)


def test_of_some_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are passed over, also those to come, and are no reason to read again and again."""
    append(tmp_path, "a")
    looks = 0
    head = SqliteLog.head

    def counted(log: SqliteLog) -> Head:
        nonlocal looks
        looks += 1
        return head(log)

    monkeypatch.setattr(SqliteLog, "head", counted)

    async def scenario(service: Service) -> None:
        found: list[int] = []
        following = asyncio.create_task(collect(service.stream(0, Selection(("MessageRecorded",))), found, 2))
        await service.record(RecordMessage("b", source="api"))
        await asyncio.to_thread(append, tmp_path, "c", "d")
        await asyncio.sleep(3 * POLL_SECONDS)
        await service.record(RecordMessage("e", source="api"))
        await following
        assert found == [2, 5]
        assert looks < 20

    use(tmp_path, scenario)


APPENDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog

log = SqliteLog.open(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    log.append([new_entry("Other", 1, datetime.now(UTC), {"n": number})])
"""


def test_what_other_processes_append(tmp_path: Path) -> None:
    """Two of them append beside the service itself: every position comes once, in order, to every stream."""
    append(tmp_path, "first")
    total = 1 + 2 * 300 + 300

    async def scenario(service: Service) -> None:
        found: list[list[int]] = [[], [], []]
        following = [asyncio.create_task(collect(service.stream(), each, total)) for each in found]
        command = [sys.executable, "-c", APPENDER, str(tmp_path / "events"), "300"]
        others = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
        for _ in range(300):
            await service.record(RecordMessage("own", source="api"))
            await asyncio.sleep(0.001)
        await asyncio.gather(*following)
        assert [other.wait(timeout=10) for other in others] == [0, 0]
        assert found == [list(range(1, total + 1))] * 3

    use(tmp_path, scenario)


def test_another_process_is_seen_soon(tmp_path: Path) -> None:
    """Also where this one appends nothing."""
    append(tmp_path, "a")

    async def scenario(service: Service) -> None:
        found: list[int] = []
        following = asyncio.create_task(collect(service.stream(1), found, 1))
        await asyncio.sleep(3 * POLL_SECONDS)
        await asyncio.to_thread(append, tmp_path, "b")
        await asyncio.wait_for(following, 10 * POLL_SECONDS)
        assert found == [2]

    use(tmp_path, scenario)


def test_nobody_looks_where_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without streams asks the log for nothing, and so does one whose streams have gone."""
    monkeypatch.setattr("services.event_log.watch.POLL_SECONDS", 0.005)
    looks = 0
    head = SqliteLog.head

    def counted(log: SqliteLog) -> object:
        nonlocal looks
        looks += 1
        return head(log)

    async def scenario(service: Service) -> None:
        nonlocal looks
        monkeypatch.setattr(SqliteLog, "head", counted)
        await asyncio.sleep(0.1)
        assert looks == 0
        following = [asyncio.create_task(collect(service.stream(), [])) for _ in range(20)]
        await asyncio.sleep(0.2)
        assert 20 < looks <= 20 + 0.2 / 0.005  # together, and not each for itself
        for task in following:
            task.cancel()
        await asyncio.wait(following)
        await asyncio.sleep(0.05)
        looks = 0
        await asyncio.sleep(0.1)
        assert looks == 0

    use(tmp_path, scenario)


def test_silence_is_told(tmp_path: Path) -> None:
    """So that a caller can see whether its line still holds; what is of another type is silence, too."""

    async def scenario(service: Service) -> None:
        began = asyncio.get_running_loop().time()
        stream = service.stream(0, Selection(("Nothing",)), idle_seconds=0.3)

        async def talk() -> None:
            while True:
                await service.record(RecordMessage("a", source="api"))
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        for turn in (1, 2):
            assert await anext(stream) == ()
            assert turn * 0.3 <= asyncio.get_running_loop().time() - began < turn * 0.3 + 1
        talking.cancel()

    use(tmp_path, scenario)


@pytest.mark.parametrize("how", ["end_streams", "close"])
def test_streams_end_politely(tmp_path: Path, how: str) -> None:
    """At the stop they come to their end, those that wait and those that are in the middle, without error."""
    append(tmp_path, *"abc")

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        waiting: list[int] = []
        following = asyncio.create_task(collect(service.stream(), waiting))
        middle = service.stream()
        assert len(await anext(middle)) == 3
        await asyncio.sleep(0.05)
        if how == "end_streams":
            service.end_streams()
            await asyncio.wait_for(following, 1)
            assert (await service.record(RecordMessage("still", source="api"))).message.position == 4
        await service.close()
        await asyncio.wait_for(following, 1)
        assert waiting == [1, 2, 3]
        for stream in (middle, service.stream()):
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())
