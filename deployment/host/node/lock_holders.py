"""The processes that hold a lock on a file, as far as /proc shows them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..values.printable import printable
from . import processes, reading

PROC = Path("/proc")
FLOCK = (("FLOCK",),)  # words of a line of /proc/PID/fdinfo: see proc(5)
EXCLUSIVE = (("POSIX", "WRITE"), ("OFDLCK", "WRITE"), ("LEASE",))  # what keeps others from opening or reading

Kinds = tuple[tuple[str, ...], ...]
STARTED = 19  # the field `starttime` of /proc/<pid>/stat, counted from behind the name: see proc(5)


@dataclass(frozen=True)
class Process:
    """A running program, and for how many seconds it runs."""

    name: str
    pid: int
    seconds: float
    is_root_s: bool  # others hold nothing of ours

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid}) of root, running for {self.seconds:.0f} s"


def of(file: os.stat_result, kinds: Kinds = FLOCK) -> tuple[Process, ...]:
    """The processes that hold the file locked by a lock of one of these kinds, lowest pid first.

    The kernel names the process that has locked a file, which may have ended since then, and not those that
    have inherited the lock. So every open file of every process is looked at.
    """
    inode = f" {os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino} "
    pids = sorted(int(path.name) for path in PROC.iterdir() if path.name.isdecimal())
    return tuple(process for pid in pids for process in _holding(pid, inode, kinds))


def _holding(pid: int, inode: str, kinds: Kinds) -> Iterator[Process]:
    with suppress(OSError):  # it has ended
        if any(inode in line and _is_one_of(line, kinds) for line in _locks(pid)):
            yield _process(pid)


def _locks(pid: int) -> Iterator[str]:
    for path in (PROC / str(pid) / "fdinfo").iterdir():
        with suppress(OSError):  # it was closed
            yield from (line for line in reading.lines(path) if line.startswith("lock:"))


def _is_one_of(line: str, kinds: Kinds) -> bool:
    return any(set(words) <= set(line.split()) for words in kinds)


def _process(pid: int) -> Process:
    content = (PROC / str(pid) / "stat").read_bytes().decode(errors="surrogateescape")
    name = content[content.index("(") + 1 : content.rindex(")")]
    ticks = int(content[content.rindex(")") + 2 :].split()[STARTED])
    running = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    is_root_s = processes.user_of(PROC / str(pid)) == os.geteuid()  # who is root on a node
    return Process(printable(name), pid, max(0.0, running), is_root_s)
