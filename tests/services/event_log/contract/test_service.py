"""The service on each backend: it knows of a log what the protocol says, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

from services.domain import commands as c
from services.event_log.backend import Backend
from services.event_log.records import new_entry
from services.service import Service
from tests.services.event_log.contract.harness import Harness

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_it_records_and_reads(backend: Backend, tmp_path: Path) -> None:
    """Events are durable, in the read models and in streams, also after a restart; rules and repeats hold."""

    async def run() -> None:
        stem = tmp_path / "p" / "helionyx.db"
        service = Service(backend, stem, lambda: NOW, release="r")
        await service.open()
        told = await service.tell("todo: buy milk #home", "api", "k")
        assert (await service.item(told.position)).text == "buy milk"
        await service.record(c.CompleteTodo(told.position, source="api"))
        async for records in service.stream(0):
            assert [record.position for record in records] == [1, 2, 3, 4]
            break
        await service.close()
        again = Service(backend, stem, lambda: NOW, release="r")
        await again.open()
        assert (await again.item(told.position)).state == "done"
        assert (await again.tell("todo: buy milk #home", "api", "k")).repeated
        assert (await again.contents()).said.position == 4
        assert again.not_ready is None
        await again.close()

    asyncio.run(run())
    with contextlib.closing(backend.open(read_only=True)) as log:
        assert log.verify() is None


def test_it_records_nothing_on_a_broken_chain(harness: Harness, backend: Backend, tmp_path: Path) -> None:
    """What can be read is read."""
    with contextlib.closing(backend.open()) as log:
        log.append([new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "api"}) for text in "abc"])
    harness.spoil(backend.store, 3)

    async def run() -> None:
        service = Service(backend, tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        assert "position 3 is not what was appended" in str(service.not_ready)
        assert [record.position for record in await service.events(0, 2)] == [1, 2]
        await service.close()

    asyncio.run(run())
