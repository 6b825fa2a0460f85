"""A service whose event log goes away, and the ways in which it does.

Its `home` holds `events`, an older copy of that in `older`, and another log in `other`.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.domain.commands import RecordMessage
from services.event_log.last_head import LastHead
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.refusals import NotReadyError
from services.service import Service

SAID = ["one", "two", "three", "four", "five"]


def service_at(home: Path, node_head: Path | None = None, store: str = "events") -> Service:
    """A service with its data below `home`."""
    return Service(
        SqliteBackend(home / store),
        home / "p" / "helionyx.db",
        lambda: datetime.now(UTC),
        release="r",
        node_head=node_head,
    )


async def say(service: Service, texts: Iterable[str]) -> None:
    for text in texts:
        await service.record(RecordMessage(text, source="api"))


async def texts_of(service: Service) -> list[str]:
    return [message.text for message in await service.messages(0, 100)]


def begin_at(tmp_path: Path) -> Path:
    """The data of a service that has recorded two of five messages, with an older copy and another log."""
    place = tmp_path / "home"

    async def begin() -> None:
        other = service_at(tmp_path / "foreign")
        await other.open()
        await say(other, ["strange"] * 9)
        await other.close()
        service = service_at(place)
        await service.open()
        await say(service, SAID[:2])
        await service.close()

    asyncio.run(begin())
    shutil.copytree(place / "events", place / "older")
    shutil.copytree(tmp_path / "foreign" / "events", place / "other")
    return place


def note(home: Path) -> None:
    """Note the last head as the node does after each change."""
    log = SqliteLog.open(home / "events", read_only=True)
    LastHead(home.parent / "node.head").write(log.head())
    log.close()


async def is_refused(service: Service) -> None:
    """Nothing is recorded, and the reason says that the log is gone or damaged."""
    assert "and nothing is recorded" in str(service.not_ready)
    with pytest.raises(NotReadyError, match="and nothing is recorded"):
        await say(service, ["lost"])


def database(home: Path) -> Path:
    return home / "events" / "events.db"


def delete_files(home: Path) -> None:
    for path in (home / "events").iterdir():
        path.unlink()


def delete_database(home: Path) -> None:
    database(home).unlink()


def delete_directory(home: Path) -> None:
    shutil.rmtree(home / "events")


def rename_directory(home: Path) -> None:
    (home / "events").rename(home / "elsewhere")


def replace_by_empty_directory(home: Path) -> None:
    (home / "events").rename(home / "elsewhere")
    (home / "events").mkdir()


def put_an_older_copy_back(home: Path) -> None:
    shutil.rmtree(home / "events")
    shutil.copytree(home / "older", home / "events")


def put_another_log_there(home: Path) -> None:
    shutil.rmtree(home / "events")
    shutil.copytree(home / "other", home / "events")


def cut_to_nothing(home: Path) -> None:
    with database(home).open("r+b") as file:
        file.truncate()


def cut_to_half(home: Path) -> None:
    with database(home).open("r+b") as file:
        file.truncate(database(home).stat().st_size // 8192 * 4096)


def put_an_empty_database_there(home: Path) -> None:
    delete_files(home)
    database(home).touch()


def unmount_all_data(home: Path) -> None:
    """As a volume that holds everything: marks and read models go as well."""
    for path in list(home.iterdir()):
        if path.name not in ("older", "other"):
            shutil.move(path, home.parent / f"unmounted-{path.name}")


WAYS: list[Callable[[Path], None]] = [
    delete_files,
    delete_database,
    delete_directory,
    rename_directory,
    replace_by_empty_directory,
    put_an_older_copy_back,
    put_another_log_there,
    cut_to_nothing,
    cut_to_half,
    put_an_empty_database_there,
    unmount_all_data,
]
