"""A backup has its name once all of it is there, and never the name of another file."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import pytest

from deployment import arguments
from deployment.errors import FAILED, REFUSED, DeployError
from deployment.remote.connection import Connection
from deployment.remote.lost import Lost
from deployment.remote.messages import Sent
from deployment.settings import ROOT
from deployment.ui.display import Plain
from deployment.verbs import backup

CONTENT = b"the whole log" * 1000


class Node:
    """A connection whose other end sends `content`, and fails as told."""

    def __init__(self, *, fails: Exception | None = None, digest: str = "") -> None:
        self.fails, self.digest = fails, digest or hashlib.sha256(CONTENT).hexdigest()

    def take(self, size: int, sink: IO[bytes], came: Callable[[int], None]) -> str:
        sink.write(CONTENT[: size // 2])
        if self.fails:
            raise self.fails
        sink.write(CONTENT[size // 2 :])
        came(size)
        return hashlib.sha256(CONTENT).hexdigest()

    def answer(self, *_: object, **__: object) -> Sent:
        return Sent(self.digest)


def fetch(node: Node, path: Path) -> str:
    return backup._fetch(cast(Connection, node), Plain(), path, len(CONTENT))


def test_whole_backup_gets_its_name(tmp_path: Path) -> None:
    """Readable by its owner alone."""
    fetch(Node(), tmp_path / "dev.db")
    assert [path.name for path in tmp_path.iterdir()] == ["dev.db"]
    assert (tmp_path / "dev.db").read_bytes() == CONTENT
    assert (tmp_path / "dev.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (Node(fails=Lost("the connection broke.")), "the connection broke"),
        (Node(fails=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), "No space left on device"),
        (Node(digest="0" * 64), "arrived damaged"),
    ],
    ids=["lost", "full disk", "damaged"],
)
def test_what_is_not_whole_leaves_nothing(tmp_path: Path, node: Node, message: str) -> None:
    """Neither under its name nor beside it."""
    with pytest.raises(DeployError, match=message):
        fetch(node, tmp_path / "dev.db")
    assert not list(tmp_path.iterdir())


def test_interrupted_it_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle."""
    node = Node()
    node.take = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        fetch(node, tmp_path / "dev.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("links", [True, False])
def test_file_that_came_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """Also where the file system has no hard links."""
    path = tmp_path / "dev.db"
    path.write_text("somebody else's")
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    with pytest.raises(DeployError, match="is there already"):
        fetch(Node(), path)
    assert [item.name for item in tmp_path.iterdir()] == ["dev.db"]
    assert path.read_text() == "somebody else's"


def test_file_system_without_links_takes_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory stick, for example."""
    monkeypatch.setattr(os, "link", _no_links)
    fetch(Node(), tmp_path / "dev.db")
    assert [path.name for path in tmp_path.iterdir()] == ["dev.db"]


def _no_links(*_: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_disk_without_room_is_told_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how much it takes, and how much is left."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 7})())
    with pytest.raises(DeployError, match=r"takes 13,000 bytes, and .* has 7 left") as refusal:
        fetch(Node(), tmp_path / "dev.db")
    assert refusal.value.code == FAILED


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("", "backups/dev-*.db"),
        ("there/", "there/dev-*.db"),
        ("there", "there/dev-*.db"),
        ("new.db", "new.db"),
        ("there/new.db", "there/new.db"),
    ],
)
def test_where_a_backup_goes(tmp_path: Path, to: str, expected: str) -> None:
    """Into backups/, into a directory, or into the file that is named."""
    (tmp_path / "there").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    request = arguments.read(["backup", "dev"], {"TO": to}, tmp_path)
    path = backup._path(request)
    assert path.relative_to(tmp_path).match(expected)
    assert path.parent.is_dir()


@pytest.mark.parametrize("to", ["nowhere/new.db", "nowhere/", "there/nowhere/", "nowhere/further/down.db"])
def test_a_directory_that_is_missing_is_refused(tmp_path: Path, to: str) -> None:
    """The disk of such a directory may not be mounted: a new directory would be on another disk."""
    (tmp_path / "there").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    request = arguments.read(["backup", "dev"], {"TO": to}, tmp_path)
    with pytest.raises(DeployError, match=rf"there is no directory {tmp_path}/.*nowhere") as refused:
        backup._path(request)
    assert "mount its disk, or mkdir -p" in refused.value.hint
    assert not list(tmp_path.glob("**/nowhere"))


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_relative_path_counts_from_where_the_script_is_called(tmp_path: Path, verb: str) -> None:
    """Whoever stands elsewhere means a file there; make stands in the checkout, also with `-C`."""
    (tmp_path / "pyproject.toml").write_text("no event log")
    word = f"{'TO' if verb == 'backup' else 'BACKUP'}=pyproject.toml"
    script = [str(ROOT / "scripts" / "deploy" / f"{verb}.sh"), "dev", word]
    assert f"{tmp_path}/pyproject.toml is" in _refused(script, tmp_path)
    make = ["make", "-C", str(ROOT), verb, "ENV=dev", word]
    assert f"{ROOT}/pyproject.toml is" in _refused(make, tmp_path)


def _refused(argv: list[str], cwd: Path) -> str:
    """What a command says that is refused before the node is asked."""
    clean = {key: value for key, value in os.environ.items() if key not in ("ENV", "MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(argv, cwd=cwd, env=clean, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == REFUSED, done.stdout + done.stderr
    return done.stderr


def test_backup_onto_a_file_is_refused(tmp_path: Path) -> None:
    """Also onto a link that leads nowhere."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "dev.db").symlink_to("nowhere")
    with pytest.raises(DeployError, match="is there already") as refusal:
        backup._path(arguments.read(["backup", "dev"], {"TO": "dev.db"}, tmp_path))
    assert refusal.value.code == REFUSED


def test_two_that_fetch_into_one_place_do_not_share_a_file(tmp_path: Path) -> None:
    """The first to be done has the name, with all of its own bytes; a link in the way leads nowhere."""
    (tmp_path / ".dev.db.part").symlink_to(tmp_path / "victim")
    slow, refused = Node(), []
    whole = slow.take

    def take(size: int, sink: IO[bytes], came: Callable[[int], None]) -> str:
        fetch(Node(), tmp_path / "dev.db")  # another one, in the middle of this one
        return whole(size, sink, came)

    slow.take = take  # type: ignore[method-assign]
    try:
        fetch(slow, tmp_path / "dev.db")
    except DeployError as error:
        refused.append(error.message)
    assert refused == [f"{tmp_path / 'dev.db'} is there already, and no backup replaces a file."]
    assert (tmp_path / "dev.db").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == [".dev.db.part", "dev.db"]
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("word", ["~nobody-of-that-name/x", "~nobody-of-that-name/"])
def test_home_that_there_is_not(tmp_path: Path, word: str) -> None:
    """It is refused as any other place that cannot be."""
    wanted = replace(arguments.read(["backup", "dev"], {"TO": word}), root=tmp_path)
    with pytest.raises(DeployError, match="there is no home directory for"):
        backup._path(wanted)
