"""Jobs of an environment's user that cron and at start at their time, in no sandbox. No deploy makes any.

They outlive the processes of the user, and even the user: an account of the same name would have them again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..values.layout import Environment
from ..values.printable import printable
from . import reading

CRONTABS = ("var/spool/cron/crontabs", "var/spool/cron", "var/spool/cron/tabs")  # Debian, Fedora, SUSE
AT = ("var/spool/cron/atjobs", "var/spool/at", "var/spool/atjobs")
MANY = 1_000  # jobs of at that are looked at


def of(environment: Environment, user: int | None) -> tuple[str, ...]:
    """The paths of these jobs, safe for a terminal."""
    return tuple(printable(str(path)) for path in _paths(environment, user))


def remove(environment: Environment, user: int | None) -> int:
    """Remove these jobs and return how many there were."""
    paths = list(_paths(environment, user))
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def _paths(environment: Environment, user: int | None) -> Iterator[Path]:
    for directory in CRONTABS:
        path = environment.layout.root / directory / environment.user
        if os.path.lexists(path) and not path.is_dir():
            yield path
    for directory in AT if user is not None else ():
        for entry in reading.entries(environment.layout.root / directory, MANY):
            is_job = entry.is_file(follow_symlinks=False)
            if is_job and entry.stat(follow_symlinks=False).st_uid == user:
                yield environment.layout.root / directory / entry.name
