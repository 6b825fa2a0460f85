"""Changing the disk so that a kill at any instant leaves either the old or the new, never half."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from . import reserve
from .run import run

LONG = 280.0  # seconds for what depends on how much there is; the operator's half waits longer for a word


def publish(
    path: Path, content: bytes, mode: int, reserves: Iterable[Path], group: int | None = None
) -> None:
    """Write a file beside, make it durable, and put it in place by a rename; of a `group`, if one is given.

    On a full disk it takes a file of one of the `reserves`; none is for files that can be done without.
    """
    beside = unfinished(path)
    try:
        try:
            _write(beside, content, mode, group)
        except OSError as error:
            beside.unlink(missing_ok=True)
            if error.errno not in reserve.FULL or not reserve.take(reserves, beside):
                raise
            _write(beside, content, mode, group)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    settle(path.parent)


def _write(path: Path, content: bytes, mode: int, group: int | None) -> None:
    # Not truncated: that would give away the blocks behind the end of a file of the reserve.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.truncate()
        file.flush()
        if group is not None:
            os.fchown(file.fileno(), -1, group)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def point(link: Path, target: Path) -> None:
    """Turn a symbolic link in one step."""
    beside = unfinished(link)
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
    settle(link.parent)


def unfinished(path: Path) -> Path:
    """The name of a file or link until it is whole."""
    return path.with_name(f".{path.name}.new")


def discard(path: Path) -> None:
    """Take a directory away: first its name, so that a kill leaves nothing that looks whole.

    Of anything else in its place only the name is taken away.
    """
    going = gone(path)
    if going.exists():
        shutil.rmtree(going)
    if path.is_symlink() or not path.is_dir():  # opening a pipe, for one, would wait for ever
        path.unlink(missing_ok=True)
        return
    path.rename(going)
    shutil.rmtree(going)


def gone(path: Path) -> Path:
    """The name of a directory while it is being discarded."""
    return path.with_name(f".{path.name}.gone")


def written_at(paths: Iterable[Path]) -> float | None:
    """When any of these files that holds something was written last, in seconds since the epoch."""
    moments = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = path.lstat()  # a link of the service's may lead anywhere, or to itself
            if status.st_size:  # a reader of a log makes an empty -wal, for as long as it reads
                moments.append(status.st_mtime)
    return max(moments, default=None)


def directory(path: Path, owner: int, mode: int) -> None:
    """Make a directory, or give it its owner and mode. Raises `OSError` for a link in its place.

    The services own some of the parents: no link that one of them puts there is ever followed.
    """
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.name, mode, dir_fd=parent)
        descriptor = os.open(path.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        os.fchown(descriptor, owner, owner)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def make_private(path: Path) -> None:
    """Make a directory that root alone can use, and give all that lies in it to root alone.

    It may be a link of root's. Earlier versions made it readable by all.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    root = os.geteuid()
    directory(Path(os.path.realpath(path)), root, 0o700)
    for parent, directories, names in os.walk(path):
        modes = [(Path(parent, name), 0o700) for name in directories]
        modes += [(Path(parent, name), 0o600) for name in names]
        for item, mode in modes:
            with contextlib.suppress(FileNotFoundError):  # the change that it belongs to has just ended
                status = item.lstat()
                if status.st_uid != root:
                    os.chown(item, root, root, follow_symlinks=False)
                if not stat.S_ISLNK(status.st_mode) and stat.S_IMODE(status.st_mode) != mode:
                    item.chmod(mode)


def give(path: Path, owner: int) -> None:
    """Make a user (by number) the owner of a directory with all that lies in it, itself at last.

    Whoever owned it may have put anything there: no link is followed, and no depth is too much.
    """
    run(["chown", "--recursive", "--no-dereference", f"{owner}:{owner}", "--", str(path)], timeout=LONG)


def empty(path: Path) -> None:
    """Remove all that lies in a directory, on its own file system, in the same manner."""
    run(["find", str(path), "-xdev", "-mindepth", "1", "-delete"], timeout=LONG)


def sweep(parent: Path) -> None:
    """Remove what earlier attempts left half-made, half-written or half-removed."""
    for half_made in (*parent.glob(".*.half"), *parent.glob(".*.gone")):
        shutil.rmtree(half_made)
    for half_made in parent.glob(".*.new"):
        half_made.unlink(missing_ok=True)


def settle(directory: Path) -> None:
    """A rename is durable once its directory is."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
