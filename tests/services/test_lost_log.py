"""An event log that goes away: no new one in its place, and nothing recorded that no start would find."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.event_log.errors import DamagedError
from services.refusals import NotReadyError
from services.service import Service
from tests.services.losses import (
    SAID,
    WAYS,
    begin_at,
    cut_to_half,
    cut_to_nothing,
    delete_files,
    is_refused,
    note,
    say,
    service_at,
    texts_of,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The data of a service that has recorded two of five messages, with an older copy and another log."""
    return begin_at(tmp_path)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.storage.FOLLOW_SECONDS", 0.01)


async def until_not_ready(service: Service) -> None:
    async with asyncio.timeout(5):
        while service.not_ready is None:
            await asyncio.sleep(0.005)


async def is_lost_or_whole(service: Service) -> None:
    """The service does not open, or refuses, or has all that was said: a -wal may hold what was cut off.

    What was refused may be behind that, as with any append that got no answer.
    """
    try:
        await service.open()
    except DamagedError:
        return
    if service.not_ready is None:
        assert (await texts_of(service))[: len(SAID)] == SAID
    else:
        await is_refused(service)
    await service.close()


async def stopped(home: Path, way: Callable[[Path], None]) -> Path:
    """A service that was stopped cleanly before its log went away."""
    service = service_at(home)
    await service.open()
    await say(service, SAID[2:])
    await service.close()
    note(home)
    way(home)
    return home


async def crashed(home: Path, way: Callable[[Path], None]) -> Path:
    """A copy of the files of a service that was killed: as they are while the log is open."""
    service = service_at(home)
    await service.open()
    await say(service, SAID[2:])
    copy = home.parent / "crashed"
    shutil.copytree(home, copy)
    await service.close()
    note(copy)
    way(copy)
    return copy


async def running(home: Path, way: Callable[[Path], None]) -> Path:
    """A service whose log goes away while it runs: it refuses at once, and notices without a request."""
    service = service_at(home)
    await service.open()
    await say(service, SAID[2:])
    note(home)
    way(home)
    with pytest.raises(NotReadyError, match="and nothing is recorded"):
        await say(service, ["lost"])
    await is_refused(service)
    await service.close()
    return home


async def idle(home: Path, way: Callable[[Path], None]) -> Path:
    """The same, and nobody says anything."""
    service = service_at(home)
    await service.open()
    await say(service, SAID[2:])
    note(home)
    way(home)
    await until_not_ready(service)
    await is_refused(service)
    await service.close()
    return home


CASES = [
    pytest.param(
        way,
        moment,
        id=f"{way.__name__}-{moment.__name__}",
        marks=[pytest.mark.faults] if moment is idle and way not in (delete_files, cut_to_nothing) else [],
    )
    for way in WAYS
    for moment in (stopped, crashed, running, idle)
]


@pytest.mark.parametrize(("way", "moment"), CASES)
def test_a_log_that_goes_away_is_never_begun_anew(
    home: Path, way: Callable[[Path], None], moment: Callable[[Path, Callable[[Path], None]], Awaitable[Path]]
) -> None:
    """Neither by the service that runs nor by the next one, nor by the one after that."""

    async def run() -> None:
        place = await moment(home, way)
        before = files(place / "events")
        for _ in range(2):
            await is_lost_or_whole(service_at(place, home.parent / "node.head"))
        if way is not cut_to_half:  # what a -wal brought back stays
            assert files(place / "events") == before

    asyncio.run(run())


def files(directory: Path) -> dict[str, bytes]:
    """The log's files and their bytes, without those that SQLite makes for readers."""
    paths = directory.iterdir() if directory.is_dir() else ()
    return {path.name: path.read_bytes() for path in paths if path.name == "events.db"}
