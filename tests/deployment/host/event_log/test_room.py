"""Room on the node's disks: what does not fit is refused, and what failed all the same leaves nothing."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployment.build.archive import Entry, pack
from deployment.host.event_log import room
from deployment.host.event_log.room import Need, Room
from deployment.host.node import files
from deployment.host.records import record
from deployment.host.records.record import Transaction
from deployment.host.releases import install
from deployment.host.transaction import leftovers
from deployment.host.values.errors import Refused
from deployment.host.values.layout import Environment, Layout

DEV = Environment("dev")
MUCH = Room(Path("/"), 10**12, 10**9)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (MUCH, ""),
        (replace(MUCH, inodes=None), ""),
        (replace(MUCH, size=9_999_999), "/ on the node has 10 MB free, and 10 MB are needed."),
        (replace(MUCH, inodes=99), "/ on the node has 99 inodes free, and 100 are needed."),
    ],
)
def test_too_little_of_either_is_refused(found: Room, said: str) -> None:
    """A file system without a count of inodes has enough of them."""
    if not said:
        room.refuse_little(found, Need(10_000_000, 100))
        return
    with pytest.raises(Refused) as refusal:
        room.refuse_little(found, Need(10_000_000, 100))
    assert refusal.value.message == said
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("full", "kind", "size", "inodes", "refused"),
    [
        ("opt", "", 1, 10**9, True),
        ("opt/helionyx/layers", "", 1, 10**9, True),
        ("var/lib/helionyx-deploy", "", 1, 10**9, True),
        ("var/lib/helionyx", "", 1, 10**9, True),
        ("etc/systemd/system", "", 1, 10**9, True),
        ("opt", "", 10**9, 1, True),
        ("srv", "", 0, 0, False),
        ("opt", "layer", 70_000, 10**9, False),
        ("opt", "layer", 30_000, 10**9, True),
        ("opt/helionyx/layers", "layer", 30_000, 10**9, True),
        ("opt/helionyx/dev", "layer", 30_000, 10**9, False),
        ("opt/helionyx/dev", "release", 30_000, 10**9, True),
        ("opt", "layer", 10**9, 2_000, True),
        ("var/lib/helionyx-deploy", "layer", 30_000, 10**9, True),
        ("var/lib/helionyx-deploy", "layer", 10**9, 500, False),  # it is one file there
    ],
)
def test_each_file_system_that_a_deploy_writes_to_is_looked_at(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full: str,
    kind: str,
    size: int,
    inodes: int,
    *,
    refused: bool,
) -> None:
    """A missing directory counts for the file system of its nearest parent, not for the root's."""
    (tmp_path / full).mkdir(parents=True)
    layout = Layout(tmp_path)

    def statvfs(path: Path) -> Any:
        small = path.is_relative_to(tmp_path / full)
        blocks, files = (size, inodes) if small else (10**9, 10**9)  # blocks of 1 kB
        return os.statvfs_result((1024, 1024, blocks, blocks, blocks, 10**9, 10**9, files, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)

    def look() -> None:
        if kind:
            room.refuse_too_large(layout.of("dev"), kind, 4_000_000)
        else:
            room.refuse_full(layout.of("dev"), "deploy")

    if not refused:
        look()
        return
    with pytest.raises(Refused, match=str(tmp_path / full)):
        look()
    for verb in ("stop", "start", "restart", "rollback", "remove"):  # these bring nothing
        room.refuse_full(layout.of("dev"), verb)
        room.refuse_touching(layout.of("dev"), verb, "turn-current")


@pytest.mark.parametrize(
    ("verb", "step", "free", "refused"),
    [
        ("deploy", "rehearse", 2_000_000, False),
        ("deploy", "turn-current", 2_000_000, True),
        ("deploy", "turn-current", 5_000_000, False),
        ("restore", "close-socket", 2_000_000, True),
        ("rollback", "turn-current", 0, False),
        ("deploy", "prune-releases", 0, False),
    ],
)
def test_what_serves_is_touched_where_its_successor_can_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, step: str, free: int, *, refused: bool
) -> None:
    """Right before the first step that does, once more: a rehearsal may take a while."""
    values = os.statvfs_result((1, 1, free, free, free, 10**9, 10**9, 10**9, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: values)
    if not refused:
        room.refuse_touching(Layout(tmp_path).of("dev"), verb, step)
        return
    with pytest.raises(Refused, match="free, and 4 MB are needed"):
        room.refuse_touching(Layout(tmp_path).of("dev"), verb, step)


def test_file_system_that_loads_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the nearest directory that is there."""
    layers = Layout(tmp_path).layers
    for flags, found in ((0, ""), (os.ST_NOEXEC | os.ST_NOSUID, str(tmp_path))):
        values = os.statvfs_result((1, 1, 1, 1, 1, 1, 1, 1, flags, 255))
        monkeypatch.setattr(os, "statvfs", lambda _, values=values: values)
        assert room.noexec(layers) == found


@pytest.mark.parametrize("kind", ["layer", "release"])
def test_full_disk_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The step fails, and its directory is as it was."""
    layout = Layout(tmp_path / "root")
    for path in (layout.layers, layout.locks, layout.of("dev").releases):
        path.mkdir(parents=True)
    (tmp_path / f"{kind}.tar.gz").write_bytes(pack([Entry("a.py", b"1"), Entry("b.py", b"2")]))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    acts = {
        "layer": lambda: install.layer(layout, tmp_path, "a" * 64),
        "release": lambda: install.release(layout.of("dev"), tmp_path, "c0ffee000000-111111111111"),
    }
    with pytest.raises(OSError, match="No space left"):
        acts[kind]()
    with pytest.raises(OSError, match="No space left"):
        files.publish(layout.layers / "file", b"content", 0o644, ())
    assert list(layout.layers.iterdir()) == list(layout.of("dev").releases.iterdir()) == []


def test_what_a_kill_left_half_made_goes_at_the_end(tmp_path: Path) -> None:
    """The end of a transaction sweeps, also one that was taken back."""
    layout = Layout(tmp_path)
    for path in (
        layout.layers / ".x.half",
        layout.of("dev").releases / ".y.half",
        layout.layers / ("a" * 64),
    ):
        path.mkdir(parents=True)
    leftovers.sweep_all(layout.of("dev"))
    assert [path.name for path in layout.layers.iterdir()] == ["a" * 64]
    assert list(layout.of("dev").releases.iterdir()) == []


def test_refused_change_leaves_no_directory(tmp_path: Path) -> None:
    """Of a first transaction that was never started nothing stays; beside the audit everything else does."""
    layout = Layout(tmp_path)
    request = {"verb": "deploy", "environment": "dev", "actor": {"name": "tester"}}
    record.forget(record.create(layout, request))
    assert not layout.state.exists()
    transaction = record.create(layout, request)
    layout.audit.touch()
    record.forget(transaction)
    assert list(layout.state.iterdir()) == [layout.audit]


def test_record_is_written_at_the_cost_of_what_was_staged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction whose disk is full can still say so: the archives give their room."""
    transaction = Transaction("t1", Layout(tmp_path))
    transaction.path.mkdir(parents=True)
    blob = transaction.path / "layer.tar.gz"
    blob.write_bytes(b"x")
    sync = os.fsync

    def full(descriptor: int) -> None:
        if blob.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    transaction.write("result", outcome="failed")
    assert transaction.result is not None
    assert not blob.exists()
