"""A cached file is used only if it is as it was written."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

from deployment.build.cache import KEPT, Cache


def test_kept_content_is_found_by_its_key(tmp_path: Path) -> None:
    """No other key finds it, and its mode is 0600: a configuration may be in it."""
    cache = Cache(tmp_path / "kind")
    assert cache.find("a") is None
    assert cache.keep("a", b"content") == b"content"
    assert Cache(tmp_path / "kind").find("a") == b"content"
    assert cache.find("b") is None
    (path,) = (tmp_path / "kind").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_damaged_content_is_not_found(tmp_path: Path) -> None:
    """Cut, empty or changed: it is made anew, and found again."""
    cache = Cache(tmp_path)
    for damage in (b"", b"conten", b"c0ntent"):
        cache.keep("a", b"content")
        (path,) = tmp_path.iterdir()
        path.write_bytes(damage)
        assert cache.find("a") is None
    cache.keep("a", b"content")
    assert cache.find("a") == b"content"


def test_content_that_cannot_be_read_is_not_found(tmp_path: Path) -> None:
    """As after a deploy by another user: it is made again, and nobody sees a traceback."""
    cache = Cache(tmp_path)
    cache.keep("a", b"content")
    (path,) = tmp_path.iterdir()
    path.unlink()
    path.mkdir()
    assert cache.find("a") is None


def test_what_is_no_file_is_not_found(tmp_path: Path) -> None:
    """A pipe is not waited for; a link that leads nowhere keeps nothing from being dropped."""
    cache = Cache(tmp_path)
    cache.keep("a", b"content")
    (path,) = tmp_path.iterdir()
    path.unlink()
    os.mkfifo(path)
    assert cache.find("a") is None
    (tmp_path / "link").symlink_to("nowhere")
    for number in range(KEPT + 3):
        cache.keep(str(number), b"content")
    assert len(list(tmp_path.iterdir())) == KEPT


def test_oldest_are_dropped(tmp_path: Path) -> None:
    """What was used last stays."""
    cache = Cache(tmp_path)
    for number in range(KEPT):
        cache.keep(str(number), b"content")
        (path,) = tmp_path.glob(f"{number}.*")
        os.utime(path, (number, number))
    assert cache.find("0") == b"content"
    cache.keep("one more", b"content")
    assert cache.find("1") is None
    assert cache.find("0") == b"content"


def test_directory_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    """The content is still returned; only time is lost."""
    (tmp_path / "kind").write_text("a file in its place")
    cache = Cache(tmp_path / "kind")
    assert cache.keep("a", b"content") == b"content"
    assert cache.find("a") is None


def test_file_of_another_key_is_not_found(tmp_path: Path) -> None:
    """Whole as it is, under the name of another: what it was made of is in its digest."""
    cache = Cache(tmp_path)
    cache.keep("a", b"content")
    (path,) = tmp_path.iterdir()
    path.rename(path.with_name(path.name.replace("a.", "b.", 1)))
    assert cache.find("b") is None


def test_disk_that_gets_full_keeps_no_half_file(tmp_path: Path) -> None:
    """The content is returned all the same."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        assert Cache(tmp_path).keep("a", b"x" * 200_000) == b"x" * 200_000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_dropped_and_counts_for_nothing(tmp_path: Path) -> None:
    """A file being written stays; a file that cannot be dropped does not keep the others."""
    cache = Cache(tmp_path)
    for name in ("half-1", "half-2"):
        (tmp_path / name).write_text("x")
    os.utime(tmp_path / "half-1", (0, 0))
    (tmp_path / "a directory").mkdir()
    os.utime(tmp_path / "a directory", (0, 0))
    for number in range(KEPT + 1):
        cache.keep(str(number), b"content")
        (path,) = tmp_path.glob(f"{number}.*")
        os.utime(path, (number + 1, number + 1))
    cache.keep("last", b"content")
    names = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
    assert names == {"half-2", "a directory", "2", "3", "4", "5", "6", "last"}
