"""The bridge of a switch: a second process that serves and records beside the service."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.domain.commands import RecordMessage
from services.event_log.sqlite.backend import SqliteBackend
from services.projections import opening
from services.projections.database import ProjectionsError
from services.service import Service
from tests.services.instance import Instance, configure, listener, starting

MESSAGES = "/api/v1/messages"


def service_of(directory: Path, *, shared: bool = False) -> Service:
    """A service with its data below `directory`."""
    stem = directory / "projections" / "helionyx.db"
    return Service(SqliteBackend(directory / "events"), stem, lambda: datetime.now(UTC), shared=shared)


async def texts(service: Service) -> list[str]:
    """The messages in its read models."""
    return [message.text for message in await service.messages(0, 10)]


def types(instance: Instance) -> list[str]:
    """The types of all events."""
    lines = instance.call("GET", "/api/v1/events").body.splitlines()
    return [json.loads(json.loads(line)["body"])["type"] for line in lines]


def test_two_releases_read_what_either_has_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has read models of its own, and answers no read from before an append of the other."""

    async def run() -> None:
        before = service_of(tmp_path)
        await before.open()
        monkeypatch.setattr(opening, "SCHEMA", opening.SCHEMA + "-- of another release")
        bridge = service_of(tmp_path, shared=True)
        await bridge.open()
        for number in range(4):
            await (bridge, before)[number % 2].record(RecordMessage(str(number), source="api"))
            expected = [str(number) for number in range(number + 1)]
            assert await texts(before) == await texts(bridge) == expected
        await before.close()
        await bridge.close()

    asyncio.run(run())
    assert len(list((tmp_path / "projections").glob("*.db"))) == 2


def test_read_models_of_the_service_are_not_built_anew(tmp_path: Path) -> None:
    """Damaged ones are for the service to heal, which may have them open."""

    async def run(*, shared: bool) -> None:
        service = service_of(tmp_path, shared=shared)
        try:
            await service.open()
            await service.record(RecordMessage("a", source="api"))
        finally:
            await service.close()

    asyncio.run(run(shared=False))
    [models] = (tmp_path / "projections").glob("*.db")
    damaged = bytes(1 << 14)
    models.write_bytes(models.read_bytes()[:100] + damaged)
    before = models.read_bytes()
    with pytest.raises(ProjectionsError):
        asyncio.run(run(shared=True))
    assert models.read_bytes() == before
    asyncio.run(run(shared=False))


def test_processes_on_one_socket_record_each_request_once(tmp_path: Path) -> None:
    """A repeat is answered as at first by either, and the bridge does not note its own start and stop."""
    environment = {**configure(tmp_path), "HELIONYX_RELEASE": "r1"}
    with listener() as sock, starting(environment, sock=sock) as service:
        service.wait_ready()
        with starting({**environment, "HELIONYX_BRIDGE": "1"}, sock=sock) as bridge:
            bridge.wait_ready()
            both = [service.call("POST", MESSAGES, {"text": "a"}, Idempotency_Key="k")]
            assert service.stop()[0] == 0  # from here on the bridge alone answers
            both.append(bridge.call("POST", MESSAGES, {"text": "a"}, Idempotency_Key="k"))
            assert [answer.status for answer in both] == [201, 200]
            assert both[0].json["position"] == both[1].json["position"]
            assert bridge.call("GET", "/health").json["rehearsal"] is False
            assert types(bridge) == ["ServiceStarted", "MessageRecorded", "ServiceStopped"]
            assert bridge.stop()[0] == 0
