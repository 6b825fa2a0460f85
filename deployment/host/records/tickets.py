"""Tickets of changes that have not begun: they wait, are planned, confirmed or sent, and can be cancelled.

A ticket is a file in memory, locked by its process. A cancel renames it, and the change removes it when it
begins: only one of the two finds it. See ADR 25.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..node.files import unfinished
from ..values.errors import Refused
from ..values.layout import Environment
from ..values.printable import safe
from .locks import make_directory

TICKET, CANCELLED = ".ticket", ".cancelled"  # the ends of the names of files


@dataclass(frozen=True)
class Ticket:
    """The ticket of one change: its file, with a line about the change, and one of whoever cancels it."""

    path: Path

    def refuse_cancelled(self) -> None:
        """Raise `Refused` if somebody has cancelled the change."""
        if not self.path.exists():
            _, author = _lines(self.path.with_suffix(CANCELLED))
            raise Refused(_message(author["by"]))

    def redeem(self) -> None:
        """Let the change begin: nobody finds the ticket any more. Raises `Refused` if it was cancelled."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            self.refuse_cancelled()


@contextmanager
def issue(environment: Environment, verb: str, actor: str) -> Iterator[Ticket]:
    """The ticket of a change of this process, until it has begun or is refused."""
    make_directory(environment.layout.locks)
    path = environment.layout.locks / f"{environment.name}-{os.getpid()}{TICKET}"
    with unfinished(path).open("wb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(_line(verb=verb, actor=actor))
        unfinished(path).rename(path)  # only now: a free lock says that its process is gone
        try:
            yield Ticket(path)
        finally:
            path.unlink(missing_ok=True)
            path.with_suffix(CANCELLED).unlink(missing_ok=True)


def cancel(environment: Environment, by: str) -> list[dict[str, Any]]:
    """Cancel all changes of an environment that have not begun; return verb, author and error of each."""
    cancelled = []
    for path in sorted(environment.layout.locks.glob(f"{environment.name}-*{TICKET}")):
        with suppress(FileNotFoundError), path.open("r+b", buffering=0) as file:  # or it has just begun
            if _is_locked(file.fileno()):
                change = json.loads(file.readline())
                file.seek(0, os.SEEK_END)
                file.write(_line(by=by))
                path.rename(path.with_suffix(CANCELLED))
                cancelled.append({**change, "message": _message(by)})
            else:
                path.unlink()
    return cancelled


def _is_locked(descriptor: int) -> bool:
    """Whether the process of a ticket is there."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _message(by: str) -> str:
    return f"cancelled by {by} before it began."


def _line(**values: str) -> bytes:
    return json.dumps(safe(values)).encode() + b"\n"


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines about the change and its cancel; behind them is what a cancel at the same moment wrote."""
    return [json.loads(line) for line in path.read_bytes().splitlines()[:2]]
