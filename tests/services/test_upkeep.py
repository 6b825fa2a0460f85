"""What the service sees to by itself: read models that are behind or damaged, and damage of the log."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import apsw
import pytest

from services.domain.commands import RecordMessage
from services.event_log import scrubber
from services.event_log.__main__ import main
from services.event_log.chain import Flaw
from services.event_log.errors import EventLogError
from services.event_log.records import Entry, new_entry
from services.event_log.scrubber import Scrubber
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import BEGINNING, Head
from services.projections.__main__ import main as projections_main
from services.projections.database import Projections, ProjectionsError
from services.projections.files import file_of
from services.service import Service
from tests.services.event_log.test_damage import NOW, fill
from tests.services.instance import Instance, running
from tests.services.test_damaged_service import MESSAGES, as_far_as_it_goes, ready_until_told, refused


def message(text: str) -> Entry:
    """As another process records it."""
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "x"})


def pages_of(path: Path, name: str) -> list[int]:
    """The pages that a table or an index lies in, but the first of all."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        rows = connection.execute("SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno", (name,))
        return [int(str(row[0])) for row in rows if row[0] != 1]


def extent(path: Path, page: int) -> slice:
    """The bytes of a page, whose size is in SQLite's header."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(18)[16:], "big")
    return slice((page - 1) * size, page * size)


def overwrite(path: Path, page: int) -> None:
    """What a bad block leaves."""
    where = extent(path, page)
    with path.open("r+b") as file:
        file.seek(where.start)
        file.write(b"\xff" * (where.stop - where.start))


def until(service: Instance, length: int) -> None:
    """Wait until that many messages are read."""
    end = time.monotonic() + 20
    while len(service.call("GET", f"{MESSAGES}?limit=1000").json["messages"]) != length:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """Where a service has been, with a log of messages behind its read models' position."""
    with running(tmp_path) as service:
        assert service.call("POST", MESSAGES, {"text": "first"}).status == 201
        assert service.stop()[0] == 0
    return tmp_path


@pytest.mark.parametrize("table", ["progress", "timeline", "counts"])
def test_damaged_read_models_are_built_anew(closed: Path, table: str) -> None:
    """Where nobody else can have them open: when the service starts."""
    (path,) = (closed / "projections").glob("*.db")
    overwrite(path, pages_of(path, table)[0])
    log = SqliteLog.open(closed / "events")
    log.append([message("second")])
    log.close()
    with running(closed) as service:
        assert service.call("GET", "/health/ready").status == 200
        messages = service.call("GET", MESSAGES).json["messages"]
        assert [message["text"] for message in messages] == ["first", "second"]
        code, logged = service.stop()
    assert code == 0
    assert "they are built anew" in logged


def test_what_another_process_appends_is_read_soon(tmp_path: Path) -> None:
    """Also where nobody tells this one anything."""
    with running(tmp_path) as service:
        log = SqliteLog.open(tmp_path / "events")
        log.append([message("from elsewhere")])
        log.close()
        until(service, 1)


def test_the_read_models_follow_again_when_they_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to record anything for it."""
    fails = [False]
    real = Projections.catch_up

    def moody(self: Projections, *arguments: object) -> int:
        if fails[0]:
            raise ProjectionsError("no room")
        return real(self, *arguments)  # type: ignore[arg-type]

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        fails[0] = True
        await service.record(RecordMessage("a", source="api"))
        reasons = [service.not_ready]
        assert reasons == ["the projections cannot follow the log: no room"]
        fails[0] = False
        async with asyncio.timeout(20):
            while service.not_ready is not None:
                await asyncio.sleep(0.02)
        assert len(await service.messages(0, 10)) == 1
        await service.close()

    monkeypatch.setattr(Projections, "catch_up", moody)
    monkeypatch.setattr("services.storage.FOLLOW_SECONDS", 0.05)
    asyncio.run(run())


def test_a_log_that_cannot_be_read_to_its_end_when_read_models_are_built(tmp_path: Path) -> None:
    """The service comes up, reads what there is, and says what is the matter."""
    with running(tmp_path) as service:
        service.stop()
    fill(tmp_path / "events", 400)
    path = tmp_path / "events" / "events.db"
    table = pages_of(path, "events")
    overwrite(path, table[len(table) // 2])
    with running(tmp_path) as service:
        assert "the event log is damaged" in ready_until_told(service)
        refused(service.call("POST", MESSAGES, {"text": "a"}))
        assert len(as_far_as_it_goes(service)) > 50
        assert service.stop()[0] == 0


@pytest.mark.parametrize("index", ["events_type_version", "events_idempotency_key"])
def test_an_index_that_cannot_be_read(tmp_path: Path, index: str) -> None:
    """Nobody has to record anything until it is found, and whoever asks is told, without a traceback."""
    with running(tmp_path) as service:
        service.stop()
    fill(tmp_path / "events", 400)
    path = tmp_path / "events" / "events.db"
    for page in pages_of(path, index):
        overwrite(path, page)
    with running(tmp_path) as service:
        assert "the event log is damaged" in ready_until_told(service)
        assert service.call("GET", "/health/ready").json["ready"] is False
        code, logged = service.stop()
    assert code == 0
    assert "Traceback" not in logged
    assert "a bug in the service" not in logged


def test_a_key_that_its_index_does_not_lead_to(tmp_path: Path) -> None:
    """A repeat would be taken for something new."""
    fill(tmp_path, 40)
    data = (tmp_path / "events.db").read_bytes()
    page = pages_of(tmp_path / "events.db", "events_idempotency_key")[0]
    where = extent(tmp_path / "events.db", page)
    place = data.index(b"k17", where.start, where.stop)
    (tmp_path / "events.db").write_bytes(data[:place] + b"k1\x7f" + data[place + 3 :])
    log = SqliteLog.open(tmp_path, read_only=True)
    assert log.check(BEGINNING, 1000)[1] is None
    assert log.check(BEGINNING, 1000, keys=True)[1] == Flaw(18, "its idempotency key is not found")
    assert main(["verify", "--store", str(tmp_path)]) == 1
    assert main(["backup", "--store", str(tmp_path), "--to", str(tmp_path / "copy")]) == 0
    assert main(["verify", "--store", str(tmp_path / "copy")]) == 0


def test_the_patrol_outlives_a_disk_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on where it was, and begins anew the next time."""
    monkeypatch.setattr(scrubber, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(scrubber, "AGAIN_SECONDS", 0.01)
    asked: list[int] = []

    async def check(start: Head, _size: int) -> tuple[Head, Flaw | None]:
        asked.append(start.position)
        if len(asked) == 2:
            raise EventLogError("disk I/O error")
        if len(asked) == 6:
            return start, Flaw(1, "it was changed")
        return Head(min(start.position + 1, 3), "x"), None

    watching = Scrubber()
    asyncio.run(asyncio.wait_for(watching.run(check), 10))
    assert asked == [0, 1, 1, 2, 3, 0]
    assert "it was changed" in str(watching.broken)


def test_a_digest_leaves_damaged_read_models_where_they_are(
    closed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service may have them open."""
    stem = closed / "projections" / "helionyx.db"
    path = file_of(stem)
    overwrite(path, 1)
    before = path.read_bytes()
    for verb in ("digest", "rebuild"):
        store = str(closed / "events")
        assert projections_main([verb, "--store", store, "--file", str(stem), "--json"]) == 1
        assert "while the service is stopped it can be deleted" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_nothing_is_imported_into_a_damaged_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever the damage is."""
    fill(tmp_path / "whole", 40)
    fill(tmp_path / "damaged", 30)
    with contextlib.closing(apsw.Connection(str(tmp_path / "damaged" / "events.db"))) as connection:
        connection.execute("DROP TRIGGER events_update; UPDATE events SET hash = previous WHERE position = 9")
    lines = tmp_path / "lines"
    assert main(["export", "--store", str(tmp_path / "whole"), "--to", str(lines)]) == 0
    assert main(["import", "--store", str(tmp_path / "damaged"), "--from", str(lines), "--json"]) == 1
    assert "nothing was imported: the record at position 9" in capsys.readouterr().err
    assert SqliteLog.open(tmp_path / "damaged", read_only=True).head().position == 30
