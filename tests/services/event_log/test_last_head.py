"""The last known head of a log: where it is kept, what it is worth, and what its absence means."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path

import pytest

from services.event_log.last_head import LastHead
from services.event_log.redact import Order, redact
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.summary import BEGINNING, Head
from services.projections.files import remove_all
from tests.services.instance import running
from tests.services.losses import (
    SAID,
    begin_at,
    delete_files,
    is_refused,
    note,
    put_an_older_copy_back,
    rename_directory,
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


async def record_all(home: Path) -> None:
    """Say the other three as well, and stop."""
    service = service_at(home)
    await service.open()
    await say(service, SAID[2:])
    await service.close()
    note(home)


async def why_not_ready(home: Path) -> str | None:
    """Open the service, and close it again."""
    service = service_at(home, home.parent / "node.head")
    await service.open()
    reason = service.not_ready
    await service.close()
    return reason


def test_a_log_that_comes_back_is_gone_on_with(home: Path) -> None:
    """As after a mount: the next start has all of it, and records."""

    async def run() -> None:
        await record_all(home)
        rename_directory(home)
        for back in (False, True):
            if back:
                (home / "elsewhere").rename(home / "events")
            service = service_at(home, home.parent / "node.head")
            await service.open()
            assert (service.not_ready is None) == back
            if back:
                await say(service, ["six"])
                assert await texts_of(service) == [*SAID, "six"]
            await service.close()

    asyncio.run(run())


def test_head_is_noted_last_by_one_thread_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop waits for the note that is being written: both write one temporary file."""
    begun, go_on = threading.Event(), threading.Event()
    steps: list[str] = []
    write = LastHead.write

    def slow(file: LastHead, head: Head) -> None:
        steps.append("begin")
        if threading.current_thread().name.startswith("reader") and not begun.is_set():
            begun.set()
            go_on.wait(5)
        write(file, head)
        steps.append("end")

    async def run() -> None:
        service = service_at(home)
        await service.open()
        monkeypatch.setattr(LastHead, "write", slow)
        await asyncio.to_thread(begun.wait, 5)
        closing = asyncio.create_task(service.close())
        await asyncio.wait([closing], timeout=0.1)  # long enough for a note that waits for nothing
        go_on.set()
        await closing

    asyncio.run(run())
    assert steps == ["begin", "end"] * (len(steps) // 2)
    assert len(steps) >= 4


def test_what_it_says(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The place, how far the log went, and what to do."""

    store = home / "events"
    asyncio.run(record_all(home))
    put_an_older_copy_back(home)
    reason = asyncio.run(why_not_ready(home))
    assert f"gone, and nothing is recorded: the log in {store} ends at position 4, and had 9" in str(reason)
    fields = next(record for record in caplog.records if record.levelname == "ERROR").__dict__["fields"]
    assert fields["hint"].startswith("mount it or bring it back, then restart; or restore a backup; or start")


@pytest.mark.parametrize("witness", ["its own", "the read models'", "the node's"])
def test_each_witness_is_enough(home: Path, witness: str) -> None:
    """Also where the others are gone; without any, what is there is taken as the log."""

    note(home)
    own, read_models, nodes = home / "events.head", home / "p", home.parent / "node.head"
    away = {"its own": own, "the read models'": read_models, "the node's": nodes}
    shutil.rmtree(home / "events")
    for name, path in away.items():
        if name != witness:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert "nothing is recorded" in str(asyncio.run(why_not_ready(home)))
    path = away[witness]
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert asyncio.run(why_not_ready(home)) is None


@pytest.mark.parametrize("content", ["", "{", '{"position": 9}'])
def test_an_unreadable_witness_still_says_that_there_was_a_log(home: Path, content: str) -> None:
    """A power cut may leave such a file; the log that is there is taken."""
    (home / "events.head").write_text(content)
    shutil.rmtree(home / "p")

    assert asyncio.run(why_not_ready(home)) is None
    assert (LastHead.beside(home / "events").read() or BEGINNING).position == 6
    (home / "events.head").write_text(content)
    shutil.rmtree(home / "events")
    shutil.rmtree(home / "p")
    assert "nothing is recorded" in str(asyncio.run(why_not_ready(home)))


def test_the_last_head_follows_the_log_while_the_service_runs(home: Path) -> None:
    """A service that is killed has written it a moment before."""

    async def run() -> None:
        service = service_at(home)
        await service.open()
        await say(service, SAID[2:])
        end = await service.head()
        async with asyncio.timeout(5):
            while LastHead.beside(home / "events").read() != end:
                await asyncio.sleep(0.005)
        await service.close()

    asyncio.run(run())


def test_a_changed_path_is_no_new_beginning(home: Path) -> None:
    """The node's record belongs to the environment, whatever its configuration names."""
    note(home)

    async def run() -> None:
        service = service_at(home, home.parent / "node.head", store="moved")
        await service.open()
        await is_refused(service)
        await service.close()

    asyncio.run(run())
    assert not (home / "moved").exists()


def test_its_callers_are_told(tmp_path: Path) -> None:
    """A process whose log is deleted, and the one that follows it, answer 503 with the reason."""
    url = "/api/v1/messages"
    for first in (True, False):
        with running(tmp_path) as process:
            if first:
                assert process.call("POST", url, {"text": "a"}).status == 201
                delete_files(tmp_path)
            refused = process.call("POST", url, {"text": "b"})
            ready = process.call("GET", "/health/ready")
            assert (refused.status, ready.status) == (503, 503)
            assert "the event log is gone, and nothing is recorded" in refused.json["detail"]
            assert refused.json["detail"].startswith(ready.json["reason"])
            assert process.call("GET", "/health").status == 200
            if first:
                process.process.kill()
    assert list((tmp_path / "events").iterdir()) == []


def test_a_redaction_is_no_other_log(home: Path) -> None:
    """The head that the node noted before the redaction is in the note that the log holds."""
    asyncio.run(record_all(home))
    redact(
        SqliteBackend(home / "events"),
        Order(2, "said by mistake", "Ada"),
        lambda: remove_all(home / "p" / "helionyx.db"),
    )
    assert asyncio.run(why_not_ready(home)) is None
    note(home)
    assert asyncio.run(why_not_ready(home)) is None
    LastHead(home.parent / "node.head").write(Head(5, "a" * 64))
    assert "has another log: at position 5 expected aaaaaaaaaaaaaaaa" in str(asyncio.run(why_not_ready(home)))


def test_a_redaction_that_is_cut_short_leaves_no_other_log(home: Path) -> None:
    """The service's own note holds for the log before it and for the one after it."""
    asyncio.run(record_all(home))

    def cut() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redact(SqliteBackend(home / "events"), Order(2, "said by mistake", "Ada"), cut)
    assert (LastHead.beside(home / "events").read() or BEGINNING).position == 1
    assert asyncio.run(why_not_ready(home)) is None
