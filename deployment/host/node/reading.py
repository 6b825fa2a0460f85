"""Reading files and directories that others can write, with bounds and without following their links.

A service may have put anything into its directory, and may change it meanwhile: a million entries, a chain of
directories longer than any path, a link to itself, bytes that are no UTF-8. None of that is an error here,
and none of it takes more than so many entries, levels, bytes and seconds.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DEEP = 12  # levels below a directory: ours have 8; a path of so many names is never too long
MANY = 20_000  # entries of all directories together: a layer has 2,000
SECONDS = 3.0
TEXT = 1 << 16  # bytes of a small text, such as those below /proc
NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)  # of a path that leads to no file


@dataclass(frozen=True)
class Size:
    """Bytes of disk, and whether they are all that there is: of too much, only a part was looked at."""

    bytes: int
    whole: bool


@dataclass
class _Budget:
    entries: int = field(default_factory=lambda: MANY)
    end: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    whole: bool = True

    def is_left(self) -> bool:
        self.entries -= 1
        self.whole = self.whole and self.entries >= 0 and time.monotonic() < self.end
        return self.whole


def text(path: Path, limit: int = TEXT) -> str:
    """Return the first `limit` bytes of a file; bytes that are no UTF-8 become surrogates. Raises `OSError`.

    A pipe is not waited for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit).decode(errors="surrogateescape")


def lines(path: Path) -> list[str]:
    """Return the lines of a small file of the kernel's, without their ends. Raises `OSError`.

    The kernel escapes a newline in a name of a process's own choice, and nothing else that `str.splitlines`
    takes for the end of a line.
    """
    return text(path).removesuffix("\n").split("\n")


def entries(path: Path, limit: int = MANY) -> Iterator[os.DirEntry[str]]:
    """The first `limit` entries of a directory, each with its type; none where there is no directory.

    A link in its place is not followed.
    """
    try:
        descriptor = _opened(path)
    except OSError as error:
        if error.errno not in NOTHING:
            raise
        return
    try:
        with os.scandir(descriptor) as scan:
            yield from itertools.islice(scan, limit)
    finally:
        os.close(descriptor)


def holds_any(path: Path) -> bool:
    """Whether a directory holds anything; False where there is no directory."""
    return next(entries(path, 1), None) is not None


def walk(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All that is no directory, and directories that lie too deep; what vanishes meanwhile is passed over.

    No link is followed, but for one of root's in place of the directory itself. The walk ends where there are
    more than `MANY` entries, or after `SECONDS`.
    """
    return _walk(path, _Budget())


def measure(path: Path) -> Size:
    """Bytes of disk that a directory takes with all that lies in it; links count as themselves."""
    budget = _Budget()
    total = sum(status.st_blocks * 512 for _, status in _walk(path, budget))
    return Size(total, budget.whole)


def kind(path: Path) -> os.stat_result | None:
    """The facts about a file itself, not about the end of a link; None where there is none."""
    try:
        return path.lstat()
    except OSError as error:
        if error.errno not in NOTHING:
            raise
        return None


def _opened(path: Path | str, parent: int | None = None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, dir_fd=parent)


def _walk(path: Path, budget: _Budget) -> Iterator[tuple[Path, os.stat_result]]:
    status = kind(path)
    if status is None:
        return
    start = os.path.realpath(path) if stat.S_ISLNK(status.st_mode) and status.st_uid == 0 else path
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        yield from _below(_opened(start), path, budget, DEEP)


def _below(
    descriptor: int, path: Path, budget: _Budget, levels: int
) -> Iterator[tuple[Path, os.stat_result]]:
    """The files below an open directory, which is closed at the end."""
    try:
        with os.scandir(descriptor) as scan:
            for entry in scan:
                if not budget.is_left():
                    return
                try:
                    status = entry.stat(follow_symlinks=False)
                    deeper = stat.S_ISDIR(status.st_mode) and levels > 0
                    inner = _opened(entry.name, descriptor) if deeper else None
                except OSError:  # it has just vanished, or become a file of another kind
                    continue
                if inner is None:
                    yield path / entry.name, status
                else:
                    yield from _below(inner, path / entry.name, budget, levels - 1)
    finally:
        os.close(descriptor)
