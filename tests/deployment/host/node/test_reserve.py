"""Room that is root's before the disk is full."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest

from deployment.host.node import files, reserve
from deployment.host.records import audit, locks, record
from deployment.host.releases import halves
from deployment.host.transaction import carry_out
from deployment.host.transaction.transaction import Change
from deployment.host.values.layout import Layout

REQUEST = {"verb": "stop", "environment": "dev", "actor": {"name": "Ada"}}


class FullDisk:
    """A disk that takes no new file, and nothing behind what a file has been given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layout_open = os.open
        monkeypatch.setattr(os, "open", self.open)
        monkeypatch.setattr(reserve, "allocate", self.allocate)

    def open(self, path: Path, flags: int, mode: int = 0o777, **how: int) -> int:
        """Refuse what would be new, as a file system without a free inode does."""
        if flags & os.O_CREAT and not Path(path).exists() and ".lock" not in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return self.layout_open(path, flags, mode, **how)

    def allocate(self, *_: int) -> None:
        """Refuse any."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def filled(tmp_path: Path) -> Layout:
    """A node with a whole reserve."""
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    layout.opt.mkdir(parents=True)
    reserve.fill(layout)
    return layout


def test_blocks_lie_behind_the_end(filled: Layout) -> None:
    """Each file of the reserve is empty, and has its blocks."""
    for place in reserve.places(filled):
        found = [path.stat() for path in place.iterdir()]
        assert [(one.st_size, one.st_mode & 0o777) for one in found] == [(0, 0o600)] * reserve.PIECES
        assert all(one.st_blocks * 512 >= reserve.PIECE for one in found)
        assert place.stat().st_mode & 0o777 == 0o700


def test_no_directory_is_made_for_it(tmp_path: Path) -> None:
    """A node where nothing was deployed stays as it is."""
    reserve.fill(Layout(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_gets_no_reserve_and_no_error(filled: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be made now is made by the next change, and nothing that has no blocks stays."""
    (reserve.places(filled)[0] / "3").unlink()
    real = reserve.allocate
    with monkeypatch.context() as full:
        FullDisk(full)
        reserve.fill(filled)
    assert reserve.allocate is real
    reserve.fill(filled)
    assert len(list(reserve.places(filled)[0].iterdir())) == reserve.PIECES


def test_no_change_fails_for_want_of_a_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the code lies on a disk that is mounted read-only, or another change has just taken a file."""
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    layout.opt.mkdir(parents=True)
    strange = layout.state / "reserve"
    strange.touch()
    reserve.fill(layout)
    assert len(list((layout.opt / "reserve").iterdir())) == reserve.PIECES

    def take_and_refuse(*_: int) -> None:
        assert reserve.take(reserve.places(layout), tmp_path / "taken")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(reserve, "allocate", take_and_refuse)
    reserve.fill(layout)
    assert (tmp_path / "taken").exists()


def test_a_file_takes_one_of_the_reserve(filled: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its blocks become those of the new file, which has its content and mode."""
    place = reserve.places(filled)[1]
    before = {path.stat().st_ino for path in place.iterdir()}
    path = filled.opt / "mark"
    FullDisk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        files.publish(path, b"content", 0o644, ())
    files.publish(path, b"content", 0o644, [place])
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"content", 0o644)
    assert path.stat().st_ino in before
    assert len(list(place.iterdir())) == reserve.PIECES - 1
    assert [found.name for found in filled.opt.iterdir() if found.is_file()] == ["mark"]


def test_a_transaction_on_a_full_disk(filled: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Request and record come out of the reserve, and what is written is read again."""
    FullDisk(monkeypatch)
    transaction = record.create(filled, REQUEST)
    transaction.write("attempt", number=1)
    assert transaction.request == REQUEST
    assert [entry["number"] for entry in transaction.entries()] == [1]
    assert len(list(reserve.places(filled)[0].iterdir())) <= reserve.PIECES - 1


def test_a_record_has_room_of_its_own(tmp_path: Path) -> None:
    """As the audit has for its next line; neither shows in their sizes."""
    layout = Layout(tmp_path)
    transaction = record.create(layout, REQUEST)
    audit.append(layout, event="start", environment="dev")
    for path in (transaction.log, layout.audit):
        assert path.stat().st_blocks * 512 - path.stat().st_size >= reserve.PIECE // 2
    assert transaction.log.read_bytes() == b""
    assert len(json.loads(layout.audit.read_bytes())["hash"]) == 64


def test_a_program_that_finds_no_room_lies_in_memory(filled: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that carries a change out is kept beside the locks, which go with a reboot."""
    import zipfile

    program = filled.root / "sent.pyz"
    with zipfile.ZipFile(program, "w") as sent:
        sent.writestr("deployment/host/a.py", "A = 1\n")

    def refusing(path: Path, content: bytes, mode: int, reserves: tuple[Path, ...]) -> None:
        if filled.opt in path.parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        files.publish(path, content, mode, reserves)

    monkeypatch.setattr(halves, "publish", refusing)
    assert halves.keep(filled, program).parent == filled.locks


def test_a_transaction_waits_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own process, longer each time, and without the lock: systemd counts the starts of its unit."""
    layout = Layout(tmp_path)
    transaction = record.create(layout, REQUEST)
    pauses: list[float] = []
    held: list[object] = []

    def run(change: Change) -> None:
        if len(pauses) < 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        change.transaction.write("result", outcome="done")

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        held.append(locks.holder(layout, "dev"))

    monkeypatch.setattr(Change, "run", run)
    monkeypatch.setattr(time, "sleep", sleep)
    carry_out.carry_out(layout, transaction.id)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert held == [None] * 8
    assert transaction.result is not None
