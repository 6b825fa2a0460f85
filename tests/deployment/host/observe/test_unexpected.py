"""Files in an environment's data that are not what their names say are named, and never opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.event_log import archived_logs, log_commands
from deployment.host.observe import unexpected
from deployment.host.values.layout import Layout
from deployment.host.values.log import Log
from deployment.host.values.manifest import Manifest
from tests.deployment.shelves import release, write

NAME = "9-ffffffffffff"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Data as a service leaves it: a log, an archived one, and read models."""
    layout = Layout(tmp_path)
    data = layout.of("dev").data
    write(data / "events", Log(9, "f" * 64))
    for name in (NAME, archived_logs.NEXT, archived_logs.HALF, "unreadable-t1.2"):
        write(data / "kept" / name, Log(9, "f" * 64))
    for name in ("events/events.db-wal", "events.head", "events.last_backup", "letter.txt"):
        (data / name).touch()
    (data / "projections").mkdir()
    (data / "projections" / "p-0123456789ab.db").touch()
    return data


def of(data: Path) -> tuple[str, ...]:
    layout = Layout(data.parents[3])
    return unexpected.of(layout.of("dev"), made(layout), os.getuid())


def made(layout: Layout) -> Manifest:
    """A release that has read models too."""
    found = release(layout)
    models = str(layout.of("dev").data / "projections" / "p.db")
    return replace(found, config={**found.config, "projections_db_path": models})


def test_data_as_a_service_leaves_it_is_expected(data: Path) -> None:
    """Whatever else it has put beside its log."""
    assert of(data) == ()


@pytest.mark.parametrize(
    ("place", "lay", "told"),
    [
        ("kept", lambda path: path.symlink_to(path), "a link in place of a directory"),
        ("kept/.next", lambda path: path.symlink_to(path), "a link in place of a directory"),
        ("projections", os.mkfifo, "a pipe in place of a directory"),
        (f"kept/{NAME}", os.mkfifo, "a pipe in place of a directory"),
        (f"kept/{NAME}/events.db", Path.mkdir, "a directory in place of a plain file"),
        (".backup", Path.touch, "a plain file in place of a directory"),
        ("events/events.db", os.mkfifo, "a pipe in place of a plain file"),
        (
            "events/events.db-wal",
            lambda path: path.symlink_to("/etc/shadow"),
            "a link in place of a plain file",
        ),
        ("events/events.db-shm", Path.mkdir, "a directory in place of a plain file"),
        ("events.head", lambda path: path.symlink_to("nowhere"), "a link in place of a plain file"),
        ("events.last_backup", os.mkfifo, "a pipe in place of a plain file"),
        ("projections/p-0123456789ab.db", Path.mkdir, "a directory in place of a plain file"),
        ("kept/notes.txt", Path.touch, "no archived log has such a name"),
    ],
)
def test_what_is_not_what_its_name_says_is_named(
    data: Path, place: str, lay: Callable[[Path], object], told: str
) -> None:
    """In one sentence each."""
    path = data / place
    if path.is_dir():
        path.rename(data / "aside")
    path.unlink(missing_ok=True)
    lay(path)
    assert of(data) == (f"unexpected file {path}: {told}",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_of_somebody_else_is_named(data: Path) -> None:
    """Root would change another's file."""
    os.chown(data / "events" / "events.db", 4711, 4711)
    assert of(data) == (f"unexpected file {data}/events/events.db: it belongs to uid 4711",)


def test_names_are_safe_for_a_terminal(data: Path) -> None:
    """A line end begins no line, and bytes that are no UTF-8 end nothing."""
    (data / "kept" / os.fsdecode(b"\xff\n\x1b[2J")).touch()
    [told] = of(data)
    assert told.endswith(r"kept/\xff\u000a\u001b[2J: no archived log has such a name")


def test_of_very_many_a_few_are_named(data: Path) -> None:
    """The rest is only told of."""
    for number in range(50):
        (data / "kept" / f"odd {number}").touch()
    told = of(data)
    assert len(told) == unexpected.SHOWN + 1
    assert told[-1] == "there are more unexpected files"


def test_kept_logs_are_listed_among_very_many_entries(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are looked at, and no link or file that bears such a name."""
    layout = Layout(data.parents[3])
    (data / "kept" / "7-aaaaaaaaaaaa").touch()
    (data / "kept" / "8-aaaaaaaaaaaa").symlink_to(NAME)
    assert log_commands.archived(layout.of("dev")) == (NAME, "unreadable-t1.2")
    monkeypatch.setattr(log_commands, "MANY", 1)
    assert len(log_commands.archived(layout.of("dev"))) == 1
