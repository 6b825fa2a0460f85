"""SQLite on a disk that others fill: a reserve for appending, and a way to read without room.

The reserve lies behind the end of a -wal, as blocks that belong to the file already: nobody else can take
them, and SQLite appends into them as into any free part of the disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path
from urllib.parse import quote

import apsw

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_RESERVE = 0x4030582A
"""FS_IOC_RESVSP64, fallocate with FALLOC_FL_KEEP_SIZE: Python has no other way to it than ctypes."""

_SPAN = struct.Struct("@hhqqiI4i")
"""The kernel's `struct space_resv`: whence (0: the beginning of the file), start, length."""

_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL)

_BLOCK = 512

_REFUSED = (apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_SHMOPEN)
"""SQLite's errors for an exceeded quota, and for a -shm without room."""


def is_full(error: apsw.Error) -> bool:
    """Whether SQLite could not write because the disk, or a quota of it, takes nothing more."""
    return isinstance(error, apsw.FullError) or getattr(error, "extendedresult", 0) in _REFUSED


def reserve(database: Path, size: int) -> None:
    """Reserve `size` bytes behind the end of the -wal, where the file system can and the disk has them.

    No process locks a -wal, so that it may be opened and closed beside SQLite. Raises OSError.
    """
    path = database.with_name(f"{database.name}-wal")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:  # the check for lost files reports that
        return
    try:
        status = os.fstat(descriptor)
        if status.st_blocks * _BLOCK - status.st_size >= size // 2:
            return
        span = _SPAN.pack(0, 0, status.st_size, size, 0, 0, 0, 0, 0, 0)
        fcntl.ioctl(descriptor, _RESERVE, span)
    except OSError as error:
        if error.errno not in (*_UNSUPPORTED, *FULL):
            raise
    finally:
        os.close(descriptor)


def connect_unshared(path: Path) -> apsw.Connection:
    """Open a file in WAL mode for reading, where there is no room for its -shm: SQLite keeps that in memory.

    It needs the names of both files beside it, and no bytes. Raises apsw.Error.
    """
    for suffix in ("-wal", "-shm"):
        # Never opened if it is there: closing it would drop the locks that this process has on it.
        with contextlib.suppress(OSError):
            flags = os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            os.close(os.open(path.with_name(path.name + suffix), flags, 0o600))
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(str(path))}?readonly_shm=1", flags=flags)
