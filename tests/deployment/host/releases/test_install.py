"""Laying down: half-made things never look whole, and nothing leads outside."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from deployment.build.archive import Entry, pack
from deployment.host.node import files
from deployment.host.node.run import run
from deployment.host.records.locks import Holder, environment_lock
from deployment.host.releases import bytecode, install, releases
from deployment.host.transaction import leftovers
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout

DEV = Environment("dev")
DIGEST = "a" * 64


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A node's root with the directories that a first deploy makes."""
    layout = Layout(tmp_path / "root")
    layout.layers.mkdir(parents=True)
    layout.locks.mkdir(parents=True)
    return layout


def staged(directory: Path, *entries: Entry) -> Path:
    """A staged layer."""
    (directory / "layer.tar.gz").write_bytes(pack(entries))
    return directory


def test_layer_is_unpacked_and_compiled(layout: Layout, tmp_path: Path) -> None:
    """Byte code that needs no look at its source: the tree is read-only afterwards."""
    install.layer(layout, staged(tmp_path, Entry("package/__init__.py", b"1 / 0\n")), DIGEST)
    assert releases.layers(layout) == (DIGEST,)
    code = next((layout.layers / DIGEST / "package" / "__pycache__").glob("*.pyc")).read_bytes()
    assert code[4:8] == b"\x01\0\0\0", "hash-based and unchecked: PEP 552, flags word"
    assert f'File "{layout.layers / DIGEST / "package"}/__init__.py", line 1' in imported(layout, "package")


def test_byte_code_that_was_sent_is_used(layout: Layout, tmp_path: Path) -> None:
    """As it was made where the layer was built, without a look at the source."""
    name = bytecode.path_of("package/__init__.py")
    sent = bytecode.compiled(b"raise SystemExit('as it was sent')\n", "package/__init__.py")
    entries = (Entry("package/__init__.py", b""), Entry(name, sent))
    install.layer(layout, staged(tmp_path, *entries), DIGEST)
    assert imported(layout, "package") == "as it was sent\n"


def imported(layout: Layout, name: str) -> str:
    """What Python writes to stderr when it imports a package of the layer as a service does."""
    code = f"import sys; sys.path.insert(0, {str(layout.layers / DIGEST)!r}); import {name}"
    argv = [sys.executable, "-IS", "-c", code]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False).stderr


def test_byte_code_holds_no_docstrings_and_is_found_without_optimization(
    layout: Layout, tmp_path: Path
) -> None:
    """Run as the unit runs it, Python takes the byte code and does not look at the source."""
    source = b'"""A docstring."""\nassert __doc__\nprint(__cached__, __doc__)\n'
    install.layer(layout, staged(tmp_path, Entry("module.py", source)), DIGEST)
    tree = layout.layers / DIGEST
    cached = tree / "__pycache__" / f"module.{sys.implementation.cache_tag}.pyc"
    assert list(cached.parent.iterdir()) == [cached]
    code = f"import sys; sys.path.insert(0, {str(tree)!r}); import module"
    done = subprocess.run(
        [sys.executable, "-IS", "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == f"{cached} None\n"


def test_what_a_kill_left_half_made_is_no_layer(layout: Layout, tmp_path: Path) -> None:
    """It bears another name, and the next attempt starts afresh."""
    half = layout.layers / f".{DIGEST}.half"
    half.mkdir()
    (half / "left over").write_text("x")
    assert releases.layers(layout) == ()
    install.layer(layout, staged(tmp_path, Entry("a.py", b"")), DIGEST)
    assert not (layout.layers / DIGEST / "left over").exists()
    assert not half.exists()


def test_missing_archive_is_told(layout: Layout, tmp_path: Path) -> None:
    """With what needed it."""
    with pytest.raises(StepFailed, match=r"layer\.tar\.gz was not sent"):
        install.layer(layout, tmp_path, DIGEST)


@pytest.mark.parametrize("kind", ["absolute", "parent", "link", "device"])
def test_archive_that_leads_outside_is_refused(layout: Layout, tmp_path: Path, kind: str) -> None:
    """Nothing is unpacked from it."""
    member = tarfile.TarInfo({"absolute": "/etc/x", "parent": "a/../../x"}.get(kind, kind))
    if kind == "device":
        member.type = tarfile.CHRTYPE
    if kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "layer.tar.gz", "w:gz") as tar:
        tar.addfile(member, io.BytesIO())
    with pytest.raises(StepFailed, match="leads outside"):
        install.layer(layout, tmp_path, DIGEST)
    assert releases.layers(layout) == ()


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "no archive"])
def test_damaged_archive_is_a_step_that_failed(layout: Layout, tmp_path: Path, damage: str) -> None:
    """And nothing of it is taken for a layer."""
    blob = staged(tmp_path, Entry("a.py", bytes(range(256)) * 100)) / "layer.tar.gz"
    whole = blob.read_bytes()
    half = len(whole) // 2
    changed = whole[:half] + bytes([whole[half] ^ 0xFF]) + whole[half + 1 :]
    blob.write_bytes({"empty": b"", "cut": whole[:half], "changed": changed, "no archive": b"x" * 99}[damage])
    with pytest.raises(StepFailed, match=r"layer\.tar\.gz cannot be unpacked"):
        install.layer(layout, tmp_path, DIGEST)
    assert releases.layers(layout) == ()


@pytest.mark.parametrize("kind", ["no name for a file", "cut inside", "twice"])
def test_archive_of_nonsense_is_a_step_that_failed(layout: Layout, tmp_path: Path, kind: str) -> None:
    """Its checksum is right, as where it was packed wrong; nothing of it stays, and nothing dies of it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("a" * 120)  # its name has a record of its own
        member.size = 100
        for _ in range(2 if kind == "twice" else 1):
            tar.addfile(member, io.BytesIO(bytes(100)))
    content = packed.getvalue()
    if kind == "no name for a file":
        content = content.replace(b"a" * 120, b"a" * 60 + b"\0" + b"a" * 59)
    if kind == "cut inside":
        content = content[:1600]
    (tmp_path / "layer.tar.gz").write_bytes(gzip.compress(content))
    with pytest.raises((StepFailed, FileExistsError)):  # every OSError of a step is a failed step
        install.layer(layout, tmp_path, DIGEST)
    assert list(layout.layers.iterdir()) == []


def test_link_is_turned_in_one_step(layout: Layout) -> None:
    """At no moment is there no `current`; turning it twice is turning it once."""
    link = layout.of("dev").current
    link.parent.mkdir(parents=True)
    for target in ("releases/a", "releases/b", "releases/b"):
        files.point(link, Path(target))
    assert releases.current(layout.of("dev")) == "b"
    assert [path.name for path in link.parent.iterdir()] == ["current"]


def test_when_it_was_written_last(tmp_path: Path) -> None:
    """What holds nothing was not written, and what is gone in between is no error."""
    log, wal = tmp_path / "events.db", tmp_path / "events.db-wal"
    assert files.written_at((log, wal)) is None
    log.write_text("x")
    wal.touch()
    os.utime(log, (0, 1000))
    assert files.written_at((log, wal)) == 1000
    wal.write_text("x")
    os.utime(wal, (0, 2000))
    assert files.written_at((log, wal)) == 2000
    wal.unlink()
    wal.symlink_to(wal.name)
    assert files.written_at((log, wal, tmp_path / "events.db" / "x")) is not None, "a link is not followed"


def test_no_depth_is_too_much_to_empty(tmp_path: Path) -> None:
    """A service may make directories as deep as it likes: deeper than Python recurses, too."""
    data = tmp_path / "data"
    data.mkdir()
    descriptor = os.open(data, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    try:
        files.empty(data)
        assert list(data.iterdir()) == []
    finally:
        run(["rm", "-rf", "--", str(data)])  # pytest itself cannot remove what is so deep


def test_discarded_directory_is_gone_at_once(layout: Layout) -> None:
    """Also where an earlier attempt was killed half-way."""
    going = layout.layers / f".{DIGEST}.gone"
    (going / "old").mkdir(parents=True)
    (layout.layers / DIGEST).mkdir()
    files.discard(layout.layers / DIGEST)
    files.discard(layout.layers / DIGEST)
    assert list(layout.layers.iterdir()) == []


def test_what_was_half_written_is_swept(layout: Layout) -> None:
    """What a kill left between the writing of a file and its name, wherever a change of dev publishes one."""
    own, unit = layout.of("dev").releases, layout.unit_file(DEV.service)
    places = [
        layout.of("dev").verified / "c0ffee000000-111111111111",
        layout.of("dev").current,
        layout.of("dev").last_head,
        *(unit, layout.unit_file(DEV.journal), *layout.of("dev").rehearsal_files),
    ]
    others = [layout.of("live").last_head, unit.with_name("other.service")]
    own.mkdir(parents=True)
    for path in (*places, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.unfinished(path).touch()
    leftovers.sweep_all(layout.of("dev"))
    assert [path for path in places if files.unfinished(path).exists()] == []
    assert [path for path in others if not files.unfinished(path).exists()] == []


def test_what_is_no_directory_is_discarded_without_a_look_into_it(tmp_path: Path) -> None:
    """Opening a pipe would wait for whoever writes into it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    files.discard(pipe)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("busy", [True, False])
def test_copies_of_the_log_that_a_power_cut_left_are_swept(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, *, busy: bool
) -> None:
    """A backup and a log that was sent; the copy of a backup that is being made stays."""
    monkeypatch.setattr(leftovers, "run", lambda argv, **_: run(argv))
    copies = (
        layout.of("dev").archived_logs / ".half" / "events.db",
        layout.of("dev").data / ".backup" / "events.db",
    )
    for path in copies:
        path.parent.mkdir(parents=True)
        path.touch()
    with environment_lock(layout, "dev-backup", Holder()) if busy else contextlib.nullcontext():
        leftovers.sweep_all(layout.of("dev"))
    assert [path.parent.exists() for path in copies] == [False, busy]
