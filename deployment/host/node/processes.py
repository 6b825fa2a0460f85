"""Processes of an environment's user that its units have not started: by hand, or by a user manager.

For each user that lingers, logind starts a user manager at boot. That starts what lies in the user's home, in
no sandbox. No deploy lets a user linger.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.printable import printable
from . import reading
from .run import NOGROUP, run

LIMIT = 10.0  # seconds that killed processes may take to be gone

SHOWN = 10  # processes that are named
USERS = "user.slice"  # of all that users start, and not the system


def of(environment: Environment, user: int | None) -> tuple[str, ...]:
    """The first few of these processes, each as `sleep (pid 812)`."""
    strays = []
    for path in _strays(environment, user):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            strays.append(named(path))
    shown = tuple(sorted(strays)[:SHOWN])
    return shown if len(strays) <= SHOWN else (*shown, f"{len(strays) - SHOWN} more")


def _strays(environment: Environment, user: int | None) -> Iterator[Path]:
    """The directories below /proc of those processes."""
    for path in Path("/proc").iterdir() if user is not None else ():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            is_user_s = path.name.isdecimal() and user_of(path) == user
            is_other = is_user_s and not is_of_units(path, environment) and not _is_of_root(path)
            if is_other and not _has_ended(path):
                yield path


def user_of(path: Path) -> int:
    """The user who has started a process, by its directory below /proc, which belongs to the effective user.

    A program that is setuid root, such as `su`, is of whoever has started it.
    """
    return int(_field(path, "Uid").split()[0])


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped a process, as any of its user's processes can: it answers nobody."""
    try:
        return _field(Path(f"/proc/{pid}"), "State").startswith("T")
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return False


def memory(pid: int) -> int:
    """The bytes that a process has for itself, in memory and in the swap space; 0 once it has ended."""
    try:
        fields = [_field(Path(f"/proc/{pid}"), name) for name in ("RssAnon", "VmSwap")]
    except (
        FileNotFoundError,
        ProcessLookupError,
        StopIteration,
    ):  # a process that is ending has no such field
        return 0
    return sum(int(field.split()[0]) << 10 for field in fields)


def _is_of_root(path: Path) -> bool:
    """Whether root has started a process of the user as `run.run` does: in a group that no user can enter."""
    return int(_field(path, "Gid").split()[0]) == NOGROUP


def _has_ended(path: Path) -> bool:
    """Whether a process is there only until its parent hears of its end."""
    return _field(path, "State").startswith("Z")


def _field(path: Path, name: str) -> str:
    """A field of the status of a process, see proc(5)."""
    lines = reading.lines(path / "status")
    return next(line.removeprefix(f"{name}:").strip() for line in lines if line.startswith(f"{name}:"))


def named(path: Path) -> str:
    """The name of a process by its directory below /proc, and its pid. It may have chosen any bytes."""
    return f"{printable(reading.text(path / 'comm').rstrip(chr(10)))} (pid {path.name})"


def is_of_units(path: Path, environment: Environment) -> bool:
    """Whether one of the environment's units has started a process, given by its directory below /proc.

    A user's own manager starts units of any name, in `user.slice`.
    """
    units = {environment.service, *(path.name for path in environment.transient_units)}
    groups = [line.split("/") for line in reading.lines(path / "cgroup")]
    return any(units.intersection(names) and USERS not in names for names in groups)


def lingers(environment: Environment) -> bool:
    """Whether logind keeps a user manager running for the environment's user."""
    return _linger_file(environment).exists()


def end_lingering(environment: Environment, user: int | None) -> None:
    """Let the user linger no more, and end its user manager with all that this has started."""
    _linger_file(environment).unlink(missing_ok=True)
    if user is not None:
        manager = f"user@{user}.service"
        run(["systemctl", "kill", "--signal=KILL", manager], expect=(0, 1))
        run(["systemctl", "stop", manager], expect=(0, 5))


def end(environment: Environment, user: int) -> tuple[str, ...]:
    """Kill all processes of the user and return their names. Raises `StepFailed` where some do not end."""
    killed: set[str] = set()
    deadline = time.monotonic() + LIMIT
    while strays := of(environment, user):
        killed.update(strays)
        if time.monotonic() > deadline:
            raise StepFailed(f"{', '.join(strays)} of {environment.user} does not end, though it was killed.")
        _kill_each(environment, user)
        # The kernel kills all of them at once: no process can start another one in between.
        kill = ("sh", "-c", "kill -s KILL -- -1")
        with contextlib.suppress(StepFailed):  # one of them may have killed or stopped this one first
            run(["setpriv", f"--reuid={user}", "--clear-groups", *kill], expect=(0, 1))
        time.sleep(0.01)
    return tuple(sorted(killed))


def _kill_each(environment: Environment, user: int) -> None:
    """Kill one after the other, as root, to whom none of them can do the same."""
    for path in _strays(environment, user):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            descriptor = os.pidfd_open(int(path.name))
            try:
                if user_of(path) == user:  # no other process has got its pid meanwhile
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)


def _linger_file(environment: Environment) -> Path:
    return environment.layout.root / "var/lib/systemd/linger" / environment.user
