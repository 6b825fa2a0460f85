"""The time of the last backup, noted beside the log by the program that makes the copy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.event_log import __main__ as program
from services.event_log.last_backup import beside, read
from services.event_log.last_head import LastHead
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import Head

DAY = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A log of one record that a service has had open."""
    log = SqliteLog.open(tmp_path / "events")
    (record,) = log.append([new_entry("X", 1, DAY, {})])
    log.close()
    LastHead.beside(tmp_path / "events").write(Head(record.position, record.hash))
    return tmp_path / "events"


def back_up(store: Path, name: str) -> int:
    return program.main(["backup", "--store", str(store), "--to", str(store.parent / name), "--json"])


def test_a_backup_notes_its_time(store: Path) -> None:
    """The time at which it began, in UTC; a backup that is refused changes nothing."""
    assert read(store) is None
    begun = datetime.now(UTC)
    assert back_up(store, "one") == 0
    noted = read(store)
    assert noted is not None
    assert begun <= noted <= datetime.now(UTC)
    assert back_up(store, "one") == 1
    assert read(store) == noted
    assert back_up(store, "two") == 0
    assert (read(store) or noted) > noted
    names = {"events", "events.head", "events.last_backup", "one", "two"}
    assert {path.name for path in store.parent.iterdir()} == names


def test_a_time_that_cannot_be_noted_fails_no_backup(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning says so, and nothing half is left."""
    beside(store).mkdir()
    assert back_up(store, "one") == 0
    assert "warning: could not record the time of this backup: " in capsys.readouterr().err
    assert (store.parent / "one" / "events.db").exists()
    assert read(store) is None
    names = {"events", "events.head", "events.last_backup", "one"}
    assert {path.name for path in store.parent.iterdir()} == names


def test_a_log_that_no_service_has_open_gets_no_note(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archived one, or a backup that is copied again; `--store .` is one of those too."""
    assert back_up(store, "one") == 0
    assert back_up(store.parent / "one", "two") == 0
    monkeypatch.chdir(store.parent / "two")
    assert back_up(Path(), "three") == 0
    assert sorted(path.name for path in store.parent.glob("*.last_backup")) == ["events.last_backup"]


@pytest.mark.parametrize("content", ["", "{", "{}", '{"time": 5}', '{"time": "2026-01-02T03:04:05"}'])
def test_a_note_that_cannot_be_read_is_none(store: Path, content: str) -> None:
    """Half a file after a power cut, or a time without its zone."""
    beside(store).write_text(content)
    assert read(store) is None
    beside(store).write_text('{"time": "2026-01-02T03:04:05+01:00"}')
    assert read(store) == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
