"""Processes of an environment's user that are none of its units': somebody has started them by hand."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .layout import Environment


def of(environment: Environment, user: int | None) -> tuple[str, ...]:
    """As `sleep (pid 812)`; the environment's own units are left out."""
    found = []
    for path in Path("/proc").iterdir() if user is not None else ():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if path.name.isdecimal() and path.stat().st_uid == user and not _is_ours(path, environment):
                found.append(f"{(path / 'comm').read_text().strip()} (pid {path.name})")
    return tuple(sorted(found))


def _is_ours(path: Path, environment: Environment) -> bool:
    group = (path / "cgroup").read_text()
    return any(f"/{unit}" in group for unit in (environment.service, f"{environment.rehearsal}.service"))
