"""One change at a time: flock, which dies with its holder and needs no clearing up.

Whoever can open a file for reading can lock it. So only root can open these, and a file that others could
open, as those of earlier versions, is replaced; so is one that a process of another user holds.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..node import files, lock_holders
from ..values.errors import Busy
from ..values.layout import Layout
from ..values.printable import safe
from . import record

LIMIT = 60.0  # seconds to wait for what the environments share: longer than laying down a layer takes
POLL = 0.02  # seconds between two attempts
UNSEEN = "a process that /proc does not show"
GATE = "gate"  # the lock of whoever looks at lock files, which might replace one of them


@dataclass(frozen=True)
class Holder:
    """The change that holds a lock, as far as it is known."""

    verb: str = ""
    actor: str = ""
    transaction: str = ""
    since: float = 0.0  # seconds since the epoch; 0 where that is unknown
    phase: str = ""  # the title of the step that is under way
    process: str = ""

    @property
    def age(self) -> float:
        """The seconds since it took the lock."""
        return max(0.0, time.time() - self.since) if self.since else 0.0

    def text(self, environment: str) -> str:
        """The sentence about who is at work on an environment, on what, for how long, and how far it is."""
        if not self.actor:
            return f"the lock of {environment} is held by {self.process}"
        phase = f" ({self.phase})" if self.phase else ""
        return (
            f"{environment} is locked: {self.verb or 'a change'} by {self.actor},"
            f" running for {self.age:.0f} s{phase}; transaction {self.transaction or '?'}"
        )

    def to_json(self) -> dict[str, Any]:
        """The members that are known, and always the step and the process."""
        known = {key: value for key, value in vars(self).items() if value}
        return {**known, "phase": self.phase, "process": self.process}


@contextmanager
def environment_lock(layout: Layout, name: str, holder: Holder) -> Iterator[None]:
    """Hold an environment for a whole transaction, or be refused with the name of who holds it."""
    with _gate(layout):
        descriptor, processes = _try(_path(layout, name))
    try:
        if processes:
            raise busy(name, _held(layout, descriptor, processes))
        _write(descriptor, replace(holder, since=time.time()))
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@contextmanager
def host_lock(layout: Layout) -> Iterator[None]:
    """Hold what the environments share (audit, layers) for a moment.

    Raises `Busy` if somebody else holds it for more than `LIMIT` seconds.
    """
    end = time.monotonic() + LIMIT
    while True:
        with _gate(layout):
            descriptor, processes = _try(_path(layout, "host"))
        try:
            if not processes:
                yield
                return
        finally:
            os.close(descriptor)
        if time.monotonic() >= end:
            raise _waited(_path(layout, "host"), processes)
        time.sleep(POLL)


def holder(layout: Layout, name: str) -> Holder | None:
    """The change that holds an environment; None when no process of root's does. It leaves no file behind."""
    try:
        descriptor = os.open(_path(layout, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # nothing is there, or no file: nobody holds it
        return None
    try:
        _, processes = _attempt(descriptor, fcntl.LOCK_SH)
        return _held(layout, descriptor, processes) if processes else None
    finally:
        os.close(descriptor)


def busy(name: str, held: Holder) -> Busy:
    """The refusal that names who is at work, on what, for how long, and how far it has come."""
    details = (f"its lock is held by {held.process}",) if held.actor else ()
    hint = f"WAIT=60 waits for it to end; `make status ENV={name}` shows what runs"
    return Busy(f"{held.text(name)}.", hint, details)


def _path(layout: Layout, name: str) -> Path:
    return layout.locks / f"{name}.lock"


@contextmanager
def _gate(layout: Layout) -> Iterator[None]:
    """Look at the files of locks alone. Nobody else replaces one of them meanwhile, and nobody takes one."""
    make_directory(layout.locks)
    path, end = _path(layout, GATE), time.monotonic() + LIMIT
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while not _is_locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() >= end:
                raise _waited(path, tuple(map(str, lock_holders.of(os.fstat(descriptor)))))
            time.sleep(POLL)
        yield
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make the directory of the locks, for root alone."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    else:
        writable = stat.S_IMODE(status.st_mode) & 0o022
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or writable:
            files.discard(path)  # others may have put anything there
    files.directory(path, os.geteuid(), 0o700)


def _try(path: Path) -> tuple[int, tuple[str, ...]]:
    """Open and lock a file; return the processes that hold it already, if there are any."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        if os.path.lexists(path) and not _is_file_of_root(path.lstat()):
            files.discard(path)
        descriptor = os.open(path, flags, 0o600)
        locked, names = _attempt(descriptor, fcntl.LOCK_EX)
        status = os.fstat(descriptor)
        is_private = not stat.S_IMODE(status.st_mode) & 0o077
        if names or (locked and is_private):
            return descriptor, names
        os.close(descriptor)  # others hold it, or could open it: they keep the file without its name
        files.discard(path)


def _attempt(descriptor: int, kind: int) -> tuple[bool, tuple[str, ...]]:
    """Lock a file: whether that was possible, and else the names of the processes of root's that hold it.

    No name is returned where only processes of other users hold it. A holder that nobody can see counts as
    one of root's: /proc of a container may not show it.
    """
    if _is_locked(descriptor, kind):
        return True, ()
    holders = lock_holders.of(os.fstat(descriptor))
    if holders:
        return False, tuple(str(holder) for holder in holders if holder.is_root_s)
    if _is_locked(descriptor, kind):  # it was let go meanwhile
        return True, ()
    return False, (UNSEEN,)


def _is_file_of_root(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()


def _is_locked(descriptor: int, kind: int) -> bool:
    """Lock a file if nobody else holds it; whether that was so."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _waited(path: Path, processes: tuple[str, ...]) -> Busy:
    who = ", ".join(processes) or UNSEEN
    return Busy(
        f"{path} is held by {who}, for more than {LIMIT:g} s.",
        "no change takes so long there: look at that process on the node, and end it",
    )


def _held(layout: Layout, descriptor: int, processes: tuple[str, ...]) -> Holder:
    known = _read(descriptor)
    transaction = known.transaction
    steps = record.Transaction(transaction, layout).entries("step") if transaction else []
    return replace(known, phase=steps[-1]["title"] if steps else "", process=processes[0])


def _read(descriptor: int) -> Holder:
    """The holder that a lock file names; one without a name where it cannot be read."""
    try:
        value = json.loads(os.pread(descriptor, 65536, 0))
        texts = {key: str(value.get(key) or "") for key in ("verb", "actor", "transaction")}
        return Holder(**texts, since=float(value.get("since") or 0))
    except (ValueError, TypeError, AttributeError):  # such as between its truncation and its write
        return Holder()


def _write(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    content = {key: value for key, value in vars(holder).items() if value}
    os.pwrite(descriptor, json.dumps(safe(content)).encode(), 0)
