"""Processes of an environment's user that are none of its units': somebody has started them by hand."""

from __future__ import annotations

import contextlib
from pathlib import Path

from . import reading
from .layout import Environment
from .printable import printable

SHOWN = 10  # processes that are named


def of(environment: Environment, user: int | None) -> tuple[str, ...]:
    """As `sleep (pid 812)`, the first few; the environment's own units are left out."""
    found = []
    for path in Path("/proc").iterdir() if user is not None else ():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if path.name.isdecimal() and user_of(path) == user and not _is_ours(path, environment):
                found.append(named(path))
    shown = tuple(sorted(found)[:SHOWN])
    return shown if len(found) <= SHOWN else (*shown, f"{len(found) - SHOWN} more")


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


def _field(path: Path, name: str) -> str:
    """A field of the status of a process, see proc(5)."""
    lines = reading.text(path / "status").splitlines()
    return next(line.removeprefix(f"{name}:").strip() for line in lines if line.startswith(f"{name}:"))


def named(path: Path) -> str:
    """The name of a process by its directory below /proc, and its pid. It may have chosen any bytes."""
    return f"{printable(reading.text(path / 'comm').rstrip(chr(10)))} (pid {path.name})"


def _is_ours(path: Path, environment: Environment) -> bool:
    group = reading.text(path / "cgroup")
    return any(f"/{unit}" in group for unit in (environment.service, f"{environment.rehearsal}.service"))
