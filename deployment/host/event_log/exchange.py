"""Two directories change places in one step, so that there is no moment in which one of them is missing.

Done by descriptors: the services own the directories around theirs, and no link that one of them puts there
is ever followed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2), which Python does not have


def exchange(top: Path, one: Path, other: Path) -> None:
    """Let them change places; both lie below `top`. Raises `OSError`."""
    import ctypes  # seldom needed

    with _parents(top, one, other) as (parent, its):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.renameat2(parent, os.fsencode(one.name), its, os.fsencode(other.name), EXCHANGE):
            number = ctypes.get_errno()
            reason = os.strerror(number)
            if number in (errno.EINVAL, errno.ENOSYS):
                reason = "its file system cannot let two directories change places"
            raise OSError(number, reason, str(one))
        _sync(parent, its)


def move(top: Path, source: Path, target: Path) -> None:
    """Give a directory another name; both lie below `top`. Raises `OSError` where the target is there."""
    with _parents(top, source, target) as (parent, its):
        if _is_there(target.name, its):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        os.rename(source.name, target.name, src_dir_fd=parent, dst_dir_fd=its)
        _sync(parent, its)


@contextmanager
def _parents(top: Path, *paths: Path) -> Iterator[tuple[int, ...]]:
    with ExitStack() as opened:
        yield tuple(_parent(opened, top, path) for path in paths)


def _parent(opened: ExitStack, top: Path, path: Path) -> int:
    """The directory that a path lies in, opened part by part from `top` on."""
    descriptor = os.open(
        top.resolve(), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    )  # `top` may be root's link
    opened.callback(os.close, descriptor)
    for part in path.relative_to(top).parts[:-1]:
        descriptor = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
        opened.callback(os.close, descriptor)
    return descriptor


def _is_there(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _sync(*directories: int) -> None:
    for directory in set(directories):
        os.fsync(directory)
