"""Building the read models anew: the same rows as ever, faster, and in the place of those that are in use."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.event_log.records import Entry, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.projections import build, database, files, messages, timeline
from services.projections.__main__ import main as projections_main
from services.projections.database import Projections
from services.projections.pages import END
from tests.services.instance import configure, running

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(text: str, type_: str = "MessageRecorded") -> Entry:
    return new_entry(type_, 1, NOW, {"text": text, "source": "test"})


@pytest.fixture
def log(tmp_path: Path) -> SqliteLog:
    """A log of messages, and of something else in between."""
    log = SqliteLog.open(tmp_path / "events")
    log.append(
        [draft(f"{number}", "Other" if number % 3 == 1 else "MessageRecorded") for number in range(10)]
    )
    return log


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    return tmp_path / "projections" / "helionyx.db"


def texts(projections: Projections) -> list[str]:
    return [message.text for message in projections.ask(lambda models: messages.after(models, 0, 10_000))]


def test_the_timeline(log: SqliteLog, stem: Path) -> None:
    """Every event, the newest first, in pages, of some types alone where they are named."""
    projections = Projections.open(stem)
    projections.catch_up(log)

    def positions(position: int = END, limit: int = 100, types: Collection[str] | None = None) -> list[int]:
        found = projections.ask(lambda models: timeline.before(models, position, limit, types))
        return [entry.position for entry in found]

    assert positions() == list(range(10, 0, -1))
    assert [*positions(11, 4), *positions(7, 4), *positions(3, 4)] == list(range(10, 0, -1))
    assert positions(9, 2, ["Other"]) == [8, 5]
    assert positions(9, 3, ["Other", "MessageRecorded"]) == [8, 7, 6]
    assert positions(9, 3, ["missing"]) == positions(9, 3, []) == []
    entry, event = projections.ask(lambda models: timeline.before(models, 3, 1))[0], list(log.replay())[1]
    assert (entry.position, entry.id, entry.type, entry.version, entry.time, entry.data) == (
        *(2, event.id, "Other", 1, "2026-01-02T00:00:00.000000Z"),
        {"text": "1", "source": "test"},
    )


def test_the_timeline_has_the_index_that_it_asks(stem: Path) -> None:
    """A page of one type reads nothing of the others."""
    plan = Projections.open(stem)._connection.execute(
        "EXPLAIN QUERY PLAN SELECT position FROM timeline WHERE type = ? AND position < ?"
        " ORDER BY position DESC LIMIT ?",
        ("a", 1, 1),
    )
    assert "COVERING INDEX timeline_type (type=? AND rowid<?)" in str(plan.fetchall())


def test_two_builds_are_the_same(
    log: SqliteLog, stem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step, in one go, or rebuilt: the digest says so; and says where one row or position differs."""
    monkeypatch.setattr(build, "BATCH", 3)
    stepwise = Projections.open(stem)
    stepwise.catch_up(log)
    monkeypatch.setattr(database, "BUILD_FROM", 10)
    at_once = Projections.open(tmp_path / "other" / "helionyx.db")
    assert at_once.catch_up(log) == 10
    assert stepwise.digest() == at_once.digest()
    at_once.rebuild(log)
    assert stepwise.digest() == at_once.digest()
    schemas = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
    one, two = (each._connection.execute(schemas).fetchall() for each in (stepwise, at_once))
    assert one == two
    at_once._connection.execute("UPDATE timeline SET id = 'x' WHERE position = 3")
    assert stepwise.digest() != at_once.digest()
    at_once.rebuild(log)
    assert stepwise.digest() == at_once.digest()
    at_once._connection.execute("UPDATE progress SET position = 9")
    assert stepwise.digest() != at_once.digest()


def test_a_long_log_is_built_in_one_go(log: SqliteLog, stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is there that could be kept, and not where a little is missing."""
    builds: list[Path] = []
    built = build.built

    def counted(beside: Path, *arguments: object) -> object:
        builds.append(beside)
        return built(beside, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(build, "built", counted)
    monkeypatch.setattr(database, "BUILD_FROM", 11)
    projections = Projections.open(stem)
    assert projections.catch_up(log) == 10
    assert not builds
    log.append([draft("more")])
    assert projections.catch_up(log) == 11
    assert not builds
    projections._connection.execute("UPDATE progress SET hash = 'of another log'")
    assert projections.catch_up(log) == 11
    assert builds == [files.file_of(stem)]
    assert len(texts(projections)) == 8


def test_what_is_in_use_is_replaced_at_once(log: SqliteLog, stem: Path) -> None:
    """Another connection sees the old rows until the new ones are there, and goes on with those."""
    mine, other = Projections.open(stem), Projections.open(stem)
    mine.catch_up(log)
    other._connection.execute("UPDATE timeline SET data = json_set(data, '$.text', 'wrong')")
    inode = files.file_of(stem).stat().st_ino
    seen: list[set[str]] = []

    def look(_: int) -> None:
        seen.append(set(texts(other)))

    assert mine.rebuild(log, look) == 10
    assert seen == [{"wrong"}]
    for projections in (mine, other):
        assert texts(projections) == ["0", "2", "3", "5", "6", "8", "9"]
        assert len(projections.ask(timeline.before)) == 10
    assert files.file_of(stem).stat().st_ino == inode
    log.append([draft("more")])
    assert other.catch_up(log) == mine.catch_up(log) == 11
    assert texts(mine)[-1] == texts(other)[-1] == "more"
    for projections in (mine, other, Projections.open(stem)):
        assert projections._connection.pragma("journal_mode") == "wal"
        assert projections._connection.pragma("integrity_check") == "ok"


def test_what_comes_meanwhile_is_in_it(log: SqliteLog, stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what another one had entered into what was there before, when the new file was full already."""
    mine, other = Projections.open(stem), Projections.open(stem)
    replace = Projections._replace

    def come(projections: Projections, new: apsw.Connection) -> None:
        log.append([draft("meanwhile")])
        assert other.catch_up(log) == 11
        replace(projections, new)

    monkeypatch.setattr(Projections, "_replace", come)
    assert mine.rebuild(log) == 11
    assert texts(other)[-1] == "meanwhile"
    assert len(texts(other)) == 8


def test_a_stop_gives_a_build_up(log: SqliteLog, stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is left; the next one begins anew."""
    monkeypatch.setattr(database, "BUILD_FROM", 5)
    monkeypatch.setattr(build, "BATCH", 4)
    projections = Projections.open(stem)
    assert projections.catch_up(log, lambda: True) == 0
    assert texts(projections) == []
    assert {path.suffix for path in stem.parent.iterdir()} <= {".db", ".db-wal", ".db-shm"}
    assert projections.catch_up(log) == 10


def test_nothing_is_left_of_a_build_that_is_killed(log: SqliteLog, stem: Path) -> None:
    """Its file has no name any more by the time that it grows."""
    projections = Projections.open(stem)
    names: list[set[str]] = []
    projections.rebuild(log, lambda _: names.append({path.name for path in stem.parent.iterdir()}))
    name = files.file_of(stem).name
    assert names == [{name, f"{name}-wal", f"{name}-shm"}]


def command(verb: str, directory: Path) -> dict[str, object]:
    argv = [sys.executable, "-m", "services.projections", verb, "--json"]
    environment = {**configure(directory), "ENV": "dev"}
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_the_command_beside_a_service(tmp_path: Path) -> None:
    """The service answers and records all the while, and has all of it afterwards, in order, once."""
    with running(tmp_path) as service:
        recorded: list[int] = []
        stop = threading.Event()

        def record() -> None:
            while not stop.is_set():
                answer = service.call("POST", "/api/v1/messages", {"text": f"{len(recorded)}"})
                recorded.append(answer.status)

        recording = threading.Thread(target=record)
        recording.start()
        try:
            for _ in range(4):
                command("rebuild", tmp_path)
        finally:
            stop.set()
            recording.join()
        service.call("POST", "/api/v1/messages", {"text": "last"})
        assert set(recorded) == {201}
        messages = service.call("GET", "/api/v1/messages?limit=1000").json["messages"]
        assert service.call("GET", "/health/ready").status == 200
    expected = [*map(str, range(len(recorded))), "last"]
    assert [message["text"] for message in messages] == expected[:1000]
    before = command("digest", tmp_path)
    after = command("rebuild", tmp_path)
    assert (before["position"], before["digest"]) == (after["position"], after["digest"])
    assert before["position"] == len(expected) + 1  # the start


def test_the_command_refuses_a_log_that_is_gone(
    log: SqliteLog, stem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would look empty, and take the place of good read models."""
    Projections.open(stem).rebuild(log)
    words = ["--store", str(tmp_path / "gone"), "--file", str(stem)]
    assert projections_main(["rebuild", *words]) != 0
    assert "there is no event log in" in capsys.readouterr().err
    assert Projections.open(stem).position() == log.head().position
