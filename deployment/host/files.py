"""Changing the disk so that a kill at any instant leaves either the old or the new, never half."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def publish(path: Path, content: bytes, mode: int) -> None:
    """Write a file beside, make it durable, and put it in place by a rename."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    beside.replace(path)
    settle(path.parent)


def point(link: Path, target: Path) -> None:
    """Turn a symbolic link in one step."""
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
    settle(link.parent)


def discard(path: Path) -> None:
    """Take a directory away: first its name, so that a kill leaves nothing that looks whole."""
    if path.is_symlink() or not path.exists():
        path.unlink(missing_ok=True)
        return
    going = path.with_name(f".{path.name}.gone")
    if going.exists():
        shutil.rmtree(going)
    path.rename(going)
    shutil.rmtree(going)


def directory(path: Path, owner: int, mode: int) -> None:
    """Make a directory, or give it its owner and mode. Raises `OSError` for a link in its place.

    The services own some of the parents: no link that one of them puts there is ever followed.
    """
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.name, mode, dir_fd=parent)
        found = os.open(path.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        os.fchown(found, owner, owner)
        os.fchmod(found, mode)
    finally:
        os.close(found)


def give(path: Path, owner: int) -> int:
    """Make a user (by number) the owner of a directory with all that lies in it; how many files those are.

    Another user may have put links there: none is followed.
    """
    count = 0
    for _, directories, names, opened in os.fwalk(path, follow_symlinks=False):
        for name in (*directories, *names):
            os.chown(name, owner, owner, dir_fd=opened, follow_symlinks=False)
        count += len(names)
    os.chown(path, owner, owner, follow_symlinks=False)
    return count


def size(path: Path) -> int:
    """Bytes of disk that a directory takes with all that lies in it; links count as themselves."""
    found = [os.path.join(top, name) for top, _, names in os.walk(path) for name in names]  # noqa: PTH118
    return sum(os.lstat(name).st_blocks * 512 for name in found)


def sweep(parent: Path) -> None:
    """Remove what earlier attempts left half-made, or half-removed."""
    for left in (*parent.glob(".*.half"), *parent.glob(".*.gone")):
        shutil.rmtree(left)


def settle(directory: Path) -> None:
    """A rename is durable once its directory is."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
