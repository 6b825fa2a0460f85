"""A flock with a time limit, on a file that its holder may remove."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node1.error import Node1Error


@contextmanager
def locked(path: Path, *, timeout: float = 60) -> Iterator[int]:
    """Hold the lock at `path`; yields its descriptor."""
    deadline = time.monotonic() + timeout
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)  # the holder before us may have removed that too
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _wait(descriptor, path, deadline, timeout)
            if _is_still(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _wait(descriptor: int, path: Path, deadline: float, timeout: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                hint = "another node1 command is at work there: let it end, then try again"
                raise Node1Error(f"{path} is still locked after {timeout:g} s", hint) from None
            time.sleep(0.02)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether `path` names the file that was locked: the holder before us may have removed it."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
