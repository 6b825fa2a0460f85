"""An event log that could not be read: the reason in a line, and the programs that hold its files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..values.errors import HostError, last_word
from ..values.layout import Environment
from ..values.unread import Unread
from . import lock_holders, processes
from .lock_holders import Process
from .run import TimedOut

SHOWN = 5  # programs that are named


def of(environment: Environment, files: Iterable[Path], error: Exception) -> Unread:
    """Explain why a release's program did not read the log in these files."""
    late = isinstance(error, TimedOut)
    # The command that did not end is the reader's own: it tells nothing about the log.
    text = str(error).partition(": ")[0] if late else _last_word(error)
    holders = {holder.pid: holder for path in files for holder in _holders(path)}
    return Unread(
        text,
        tuple(f"{holder.name} (pid {holder.pid})" for holder in list(holders.values())[:SHOWN]),
        by_service=bool(holders) and all(_is_of_units(pid, environment) for pid in holders),
        late=late,
    )


def _last_word(error: Exception) -> str:
    text = last_word(error) if isinstance(error, HostError) else str(error)
    return text.removeprefix("error: ").rstrip(".")


def _holders(path: Path) -> Iterator[Process]:
    with contextlib.suppress(OSError):  # it is not there, or nobody may look at it
        yield from lock_holders.of(path.stat(), lock_holders.EXCLUSIVE)


def _is_of_units(pid: int, environment: Environment) -> bool:
    with contextlib.suppress(OSError):
        return processes.is_of_units(lock_holders.PROC / str(pid), environment)
    return True  # it has ended: nothing but the service's own stop is needed
