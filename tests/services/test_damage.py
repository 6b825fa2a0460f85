"""What a disk, a hand or a clock can do to the log: what was before is read, the rest is named."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.domain.commands import RecordMessage
from services.event_log import DamagedError, Draft, EventLog, EventLogError, Record
from services.event_log.__main__ import main
from services.service import NotReadyError, Service
from tests.services.instance import Answer, Instance, configure, listener, running, starting

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MESSAGES = "/api/v1/messages"
RECORDS = 60


def fill(store: Path, count: int = RECORDS) -> list[Record]:
    """A closed log of messages, each appended for itself."""
    log = EventLog.open(store)
    drafts = [
        Draft("MessageRecorded", 1, NOW, {"text": f"{number} {'x' * 200}", "source": "api"}, f"k{number}")
        for number in range(count)
    ]
    for draft in drafts:
        log.append([draft])
    records = list(log.read())
    log.close()
    return records


def readable(store: Path) -> list[Record]:
    """What can be read of it, up to where it is what was appended."""
    try:
        with contextlib.closing(EventLog.open(store, read_only=True)) as log:
            return list(log.read(limit=log.sound_end().position))
    except EventLogError:
        return []


def verified(store: Path, capsys: pytest.CaptureFixture[str]) -> tuple[bool, int | None]:
    """Whether `verify` is content, and the first position that it names."""
    code = main(["verify", "--store", str(store), "--json"])
    said = capsys.readouterr()
    if not said.out:
        assert "Traceback" not in said.err
        assert str(store / "events.db") in said.err
        assert code == 1
        return False, None
    found = json.loads(said.out)
    assert found["ok"] == (code == 0) == (found["problem"] is None)
    return found["ok"], found["first_bad_position"]


def test_a_file_that_is_cut_off_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The records in front of the cut are read, nothing else is; verify tells, and nobody begins it anew."""
    records = fill(tmp_path / "whole")
    data = (tmp_path / "whole" / "events.db").read_bytes()
    chance = random.Random(1)  # noqa: S311
    cuts = {1, 100, 4095, 4096, 4097, len(data) - 1, len(data) - 4096}
    cuts |= {*chance.sample(range(1, len(data)), 60)}
    lengths = []
    for cut in sorted(cuts):
        store = tmp_path / str(cut)
        store.mkdir()
        (store / "events.db").write_bytes(data[:cut])
        found = readable(store)
        lengths.append(len(found))
        assert found == records[: len(found)]
        ok, position = verified(store, capsys)
        assert not ok
        assert position in (None, len(found) + 1)
        with pytest.raises(EventLogError):
            EventLog.open(store).append([Draft("X", 1, NOW, {})])
        assert (store / "events.db").read_bytes() == data[:cut]
    assert lengths == sorted(lengths)
    assert lengths[-1] > RECORDS - 5


def test_a_wal_that_is_cut_off_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was appended in front of the cut is there, whole, and the log goes on behind it."""
    process = tmp_path / "open"
    log = EventLog.open(process)
    for number in range(30):
        log.append([Draft("MessageRecorded", 1, NOW, {"text": f"{number}", "source": "x"}) for _ in range(2)])
    records = list(log.read())
    files = {path.name: path.read_bytes() for path in process.iterdir()}
    wal = files["events.db-wal"]
    seen, chance = set(), random.Random(2)  # noqa: S311
    for cut in {0, 31, 32, 33, len(wal) - 1, len(wal), *chance.sample(range(len(wal)), 60)}:
        store = tmp_path / str(cut)
        store.mkdir()
        (store / "events.db").write_bytes(files["events.db"])
        (store / "events.db-wal").write_bytes(wal[:cut])
        found = readable(store)
        assert found == records[: len(found)]
        assert len(found) % 2 == 0  # an append is there as a whole, or not at all
        assert verified(store, capsys) == (True, None)
        assert EventLog.open(store).append([Draft("X", 1, NOW, {})])[0].position == len(found) + 1
        seen.add(len(found))
    assert {0, 60} <= seen
    assert len(seen) > 10


def test_a_bit_that_flipped_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Either verify says so, or every record is what was acknowledged; those in front of it always are."""
    records = fill(tmp_path / "whole")
    data = (tmp_path / "whole" / "events.db").read_bytes()
    store = tmp_path / "flipped"
    chance, told = random.Random(3), 0  # noqa: S311
    for byte in chance.sample(range(len(data)), 250):
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir()
        flipped = bytearray(data)
        flipped[byte] ^= 1 << chance.randrange(8)
        (store / "events.db").write_bytes(flipped)
        ok, position = verified(store, capsys)
        found = readable(store)
        if ok:
            assert found == records, byte
        if position is not None:
            assert found[: position - 1] == records[: position - 1], byte
        told += not ok
    assert told > 100


def spoil(store: Path, sql: str) -> None:
    """Do to the log what its triggers are there to stop."""
    connection = apsw.Connection(str(store / "events.db"))
    connection.execute("DROP TRIGGER events_update; DROP TRIGGER events_delete;" + sql)
    connection.close()


CHANGED = "UPDATE events SET body = replace(body, 'xxx', 'xyx') WHERE position = {}"
DELETED = "DELETE FROM events WHERE position = {}"


@pytest.mark.parametrize("sql", [CHANGED, "UPDATE events SET hash = previous WHERE position = {}"])
def test_nothing_is_appended_behind_a_last_record_that_was_changed(tmp_path: Path, sql: str) -> None:
    """Each append looks at it, also where it was whole at the opening."""
    fill(tmp_path)
    log = EventLog.open(tmp_path)
    log.append([Draft("X", 1, NOW, {})])
    spoil(tmp_path, sql.format(RECORDS + 1).replace("'xxx', 'xyx'", "'X', 'Y'"))
    with pytest.raises(DamagedError, match=f"position {RECORDS + 1} is not what was appended"):
        log.append([Draft("X", 1, NOW, {})])
    assert log.head().position == RECORDS + 1


def refused(answer: Answer) -> str:
    assert answer.status == 503
    return str(answer.json.get("detail") or answer.json["reason"])


def ready_until_told(instance: Instance) -> str:
    """What /health/ready says once it has found out."""
    end = time.monotonic() + 20
    while (answer := instance.call("GET", "/health/ready")).status == 200:
        assert time.monotonic() < end
        time.sleep(0.02)
    return refused(answer)


@pytest.mark.parametrize(
    ("sql", "position"),
    [(CHANGED, 1), (CHANGED, 7), (CHANGED, RECORDS), (DELETED, 7), (DELETED, 1), (DELETED, RECORDS - 1)],
    ids=["first changed", "changed", "last changed", "deleted", "first deleted", "last but one deleted"],
)
def test_the_service_on_a_broken_chain(tmp_path: Path, sql: str, position: int) -> None:
    """It says so where it is asked whether it is ready, records nothing more, and reads what there is."""
    with running(tmp_path) as service:
        service.stop()
    records = fill(tmp_path / "events")
    spoil(tmp_path / "events", sql.format(position))
    with running(tmp_path) as service:
        reason = ready_until_told(service)
        assert reason.startswith("the event log is damaged, and nothing is recorded: the record at position")
        assert f"position {position} is not what was appended" in reason
        assert refused(service.call("POST", MESSAGES, {"text": "a"})) == reason
        assert service.call("GET", "/health").status == 200
        lines = service.call("GET", "/api/v1/events").body.splitlines()
        before = [json.loads(line)["body"] for line in lines[: position - 1]]
        assert before == [record.body for record in records[: position - 1]]
        code, logged = service.stop()
    assert code == 0
    assert reason in logged
    assert EventLog.open(tmp_path / "events", read_only=True).head().position == RECORDS


def test_far_from_the_end_it_is_found_while_the_service_works(tmp_path: Path) -> None:
    """It is ready at once, whatever the log's length, and finds the record a little later."""

    async def run() -> None:
        service = Service(tmp_path / "events", tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        states = [service.not_ready]
        async with asyncio.timeout(20):
            while service.not_ready is None:
                await asyncio.sleep(0.01)
        assert states == [None]
        assert "position 17 is not what was appended" in str(service.not_ready)
        with pytest.raises(NotReadyError, match="position 17"):
            await service.record(RecordMessage("b", "api"))
        assert len(await service.events(0, 20)) == 20
        await service.close()

    log = EventLog.open(tmp_path / "events")
    log.append([Draft("MessageRecorded", 1, NOW, {"text": "xxx", "source": "x"}) for _ in range(3000)])
    log.close()
    spoil(tmp_path / "events", CHANGED.format(17))
    asyncio.run(run())


def test_the_service_on_a_file_that_was_cut_off(tmp_path: Path) -> None:
    """It reads what is there, and says that it is damaged."""
    records = fill(tmp_path / "events")
    path = tmp_path / "events" / "events.db"
    cut = path.read_bytes()[: path.stat().st_size * 3 // 4]
    path.write_bytes(cut)
    with running(tmp_path) as service:
        assert "the event log is damaged" in ready_until_told(service)
        refused(service.call("POST", MESSAGES, {"text": "a"}))
        lines = service.call("GET", "/api/v1/events").body.splitlines()
        assert len(lines) > 5
        assert [json.loads(line)["body"] for line in lines] == [r.body for r in records[: len(lines)]]
        assert service.stop()[0] == 0
    assert path.read_bytes() == cut


def test_a_full_disk_under_a_service(tmp_path: Path) -> None:
    """What cannot be kept is not acknowledged; what was is read; with room again it goes on as before."""
    texts = []
    with running(tmp_path) as service:
        for text in "abc":
            assert service.call("POST", MESSAGES, {"text": text}).status == 201
            texts.append(text)
        size = (tmp_path / "events" / "events.db-wal").stat().st_size
        before = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        for _ in range(3):
            assert service.call("POST", MESSAGES, {"text": "lost" * 50}, Idempotency_Key="k").status >= 500
        assert service.call("GET", "/api/v1/events").body.count(b"\n") == 3
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, before)
        assert service.call("POST", MESSAGES, {"text": "d"}, Idempotency_Key="k").status == 201
        messages = service.call("GET", MESSAGES).json["messages"]
        assert [message["text"] for message in messages] == [*texts, "d"]
        assert service.call("GET", "/health/ready").status == 200
    assert EventLog.open(tmp_path / "events", read_only=True).verify() is None


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
"""For root, whom no mode keeps from writing."""


def test_a_read_only_disk(tmp_path: Path) -> None:
    """The log is read and proven; to open it for appending is refused, with the file's name."""
    store = tmp_path / "events"
    fill(store)
    (store / "events.db").chmod(0o444)
    store.chmod(0o555)
    code = f"""
from pathlib import Path
from services.event_log import Draft, EventLog, EventLogError
from services.event_log.__main__ import main
main(["head", "--store", {str(store)!r}])
main(["verify", "--store", {str(store)!r}])
try:
    EventLog.open(Path({str(store)!r}))
except EventLogError as error:
    print(error)
"""
    command = [sys.executable, "-c", code]
    if os.getuid() == 0:
        command = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(store), *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    lines = done.stdout.splitlines()
    assert (done.stderr, lines[0].split()[0], lines[1]) == ("", str(RECORDS), f"ok: {RECORDS} records")
    assert str(store / "events.db") in lines[2]
    assert "hint: look at the disk's space and the owner of the file" in lines[3]
    assert [path.name for path in store.iterdir()] == ["events.db"]
    store.chmod(0o700)


def test_a_clock_that_goes_backwards(tmp_path: Path) -> None:
    """Positions are the order; each event keeps the time it was given; all is found by its own time."""
    times = iter([NOW, NOW - timedelta(days=400), NOW + timedelta(days=1), NOW - timedelta(days=400), NOW])

    async def run() -> None:
        service = Service(tmp_path / "events", tmp_path / "p" / "helionyx.db", lambda: next(times))
        await service.open()
        recorded = [await service.record(RecordMessage(text, "api")) for text in "abcde"]
        assert [item.message.position for item in recorded] == [1, 2, 3, 4, 5]
        assert [message.text for message in await service.messages(0, 10)] == list("abcde")
        assert [record.position for record in await service.events(0, 10, until=NOW)] == [2, 4]
        assert [record.position for record in await service.events(0, 10, since=NOW)] == [1, 3, 5]
        assert [entry.position for entry in await service.timeline(6, 10)] == [5, 4, 3, 2, 1]
        await service.close()

    asyncio.run(run())
    assert EventLog.open(tmp_path / "events", read_only=True).verify() is None


def test_a_rehearsal_on_a_broken_chain_never_is_ready(tmp_path: Path) -> None:
    """So that no deploy goes on behind it."""
    fill(tmp_path / "events")
    spoil(tmp_path / "events", CHANGED.format(RECORDS))
    environment = {**configure(tmp_path), "HELIONYX_REHEARSAL": "1"}
    with listener() as sock, starting(environment, sock=sock) as instance:
        instance.wait_ready()
        assert f"position {RECORDS} is not" in refused(instance.call("GET", "/health/ready"))
