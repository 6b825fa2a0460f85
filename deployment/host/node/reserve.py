"""Room that is root's before the disk is full: blocks that were allocated when there were some.

Blocks behind the end of a file belong to it already, so that nobody can take them from a full disk: records
and the audit are appended into theirs. A new file takes one of the empty files that are kept for that, with
the blocks behind its end; they are made again once there is room.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from ..values.layout import Layout

FULL = (errno.ENOSPC, errno.EDQUOT)
PIECE = 64 << 10  # bytes of one file of the reserve: as many as a record of any change takes
PIECES = 8  # in each of its places
BLOCK = 512
# FS_IOC_RESVSP64, fallocate with FALLOC_FL_KEEP_SIZE, and the kernel's struct space_resv: whence (0: the
# beginning of the file), start, length. Python has no other way to it than ctypes.
BEHIND_THE_END, SPAN = 0x4030582A, struct.Struct("@hhqqiI4i")
UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL)


def places(layout: Layout) -> tuple[Path, Path]:
    """The directories of the reserve, one on each file system that a change of root's writes to."""
    return layout.state / "reserve", layout.opt / "reserve"


def allocate(descriptor: int, size: int = PIECE) -> None:
    """Have `size` bytes behind the end of a file. Raises `OSError` where the disk is full."""
    status = os.fstat(descriptor)
    if status.st_blocks * BLOCK - status.st_size >= size // 2:
        return
    try:
        span = SPAN.pack(0, 0, status.st_size, size, 0, 0, 0, 0, 0, 0)
        fcntl.ioctl(descriptor, BEHIND_THE_END, span)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def fill(layout: Layout) -> None:
    """Make what is missing of the reserve, as far as that is possible: no change fails for want of it."""
    for directory in places(layout):
        if directory.parent.is_dir():
            with contextlib.suppress(OSError):  # such as a full disk, or one that is mounted read-only
                directory.mkdir(mode=0o700, exist_ok=True)
                for number in range(PIECES):
                    _make(directory / str(number))


def take(reserves: Iterable[Path], path: Path) -> bool:
    """Let a file of the reserve, empty and with its blocks, become `path`; whether there was one."""
    for piece in (piece for directory in reserves for piece in sorted(directory.glob("[0-9]*"))):
        with contextlib.suppress(OSError):  # another change was faster, or it lies on another file system
            piece.rename(path)
            return True
    return False


def _make(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        allocate(descriptor)
    except OSError:
        path.unlink(missing_ok=True)  # another change may have taken it
        raise
    finally:
        os.close(descriptor)
