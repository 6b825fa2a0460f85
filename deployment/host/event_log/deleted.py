"""Files of an event log that were deleted, and that the running process still holds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .log_commands import LOG_FILE

DELETED = " (deleted)"  # how the kernel marks the name of an open file that is in no directory any more
FILES = (LOG_FILE, f"{LOG_FILE}-wal")  # all that a log is; a service may give other files any name


@dataclass(frozen=True)
class Held:
    """A file of the log that was deleted, and that a process still has open below /proc."""

    name: str
    path: str


def held(pid: int, store: Path) -> Iterator[Held]:
    """The files of the store that the process has open, and that are in it no more."""
    # The kernel names files without the links on the way to them, and as their mount in a sandbox is called.
    stores = (store, Path(os.path.realpath(store)))
    try:
        opened = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it has ended
        return
    for path in opened:
        with contextlib.suppress(OSError):  # it was closed just now
            target = str(path.readlink())
            name = Path(target.removesuffix(DELETED))
            if target.endswith(DELETED) and name.parent in stores and name.name in FILES:
                yield Held(name.name, str(path))
