"""Files and directories of a service are read with bounds, and without following its links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployment.host.node import reading


def test_text_is_cut_and_any_bytes_are_read(tmp_path: Path) -> None:
    """A process has chosen its name: of bytes that are no UTF-8, it stays one that can be told."""
    (tmp_path / "comm").write_bytes(b"\xff\x1b[2J" + b"x" * 100_000)
    text = reading.text(tmp_path / "comm", 10)
    assert text == "\udcff\x1b[2Jxxxxx"


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody ever writes to it."""
    os.mkfifo(tmp_path / "pipe")
    assert reading.text(tmp_path / "pipe") == ""


def test_entries_are_limited_and_no_link_is_followed(tmp_path: Path) -> None:
    """A link in place of a directory has no entries, and neither has a file, or nothing at all."""
    for number in range(30):
        (tmp_path / f"{number}").touch()
    link, loop = tmp_path / "link", tmp_path / "loop"
    link.symlink_to("/etc")
    loop.symlink_to(loop)
    assert len(list(reading.entries(tmp_path, 20))) == 20
    for path in (link, loop, tmp_path / "1", tmp_path / "none", tmp_path / "1" / "none"):
        assert not list(reading.entries(path))
        assert not reading.holds_any(path)
    assert reading.holds_any(tmp_path)


def test_walk_finds_all_files_and_follows_no_link(tmp_path: Path) -> None:
    """A link counts as itself, whatever it leads to; what it leads to does not."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x" * 5000)
    (tmp_path / "etc").symlink_to("/etc")
    (tmp_path / "loop").symlink_to("loop")
    assert {path.name for path, _ in reading.walk(tmp_path)} == {"file", "etc", "loop"}
    assert reading.measure(tmp_path) == reading.Size(8192, whole=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of root's")
def test_walk_follows_a_link_of_roots_in_place_of_the_directory(tmp_path: Path) -> None:
    """As to a bigger disk; a link of the service's is not followed."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "file").touch()
    link = tmp_path / "link"
    link.symlink_to("disk")
    assert [path for path, _ in reading.walk(link)] == [link / "file"]
    os.lchown(link, 12345, 12345)
    assert not list(reading.walk(link))


def test_walk_ends_in_directories_without_end(tmp_path: Path) -> None:
    """Deeper than any path is long: the first one that lies too deep stands for all below it."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 255, dir_fd=here)
        inner = os.open("d" * 255, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    [(found, _)] = reading.walk(tmp_path)
    assert len(found.relative_to(tmp_path).parts) == reading.DEEP + 1


def test_walk_ends_after_so_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that it is not all."""
    for number in range(30):
        (tmp_path / f"{number}").touch()
    monkeypatch.setattr(reading, "MANY", 20)
    assert len(list(reading.walk(tmp_path))) == 20
    assert not reading.measure(tmp_path).whole


def test_walk_ends_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the entries are."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(reading, "SECONDS", 0.0)
    assert not reading.measure(tmp_path).whole
