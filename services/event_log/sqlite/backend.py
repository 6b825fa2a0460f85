"""An event log as a SQLite file in a directory. Light to import: a deploy asks for its end several times."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from services.event_log.backend import Backend, Copy, Progress
from services.event_log.sqlite.schema import FILE_NAME, open_for_reading, refuse_missing
from services.event_log.sqlite.summary import SqliteSummary
from services.event_log.summary import Head
from services.sqlite.full_disk import reserve

if TYPE_CHECKING:
    from services.event_log.log import EventLog
    from services.event_log.records import Changed, Entry


class SqliteBackend(Backend):
    """The log in the directory `store`."""

    def __init__(self, store: Path) -> None:
        self.store = store

    def open(self, *, read_only: bool = False, begin: bool = True) -> EventLog:
        from services.event_log.sqlite.log import SqliteLog

        return SqliteLog.open(self.store, read_only=read_only, begin=begin)

    def summary(self) -> SqliteSummary:
        return SqliteSummary(open_for_reading(self.store), self.store / FILE_NAME)

    def refuse_missing(self) -> None:
        refuse_missing(self.store)

    def size(self) -> int:
        return sum(map(_size, self.store.glob(f"{FILE_NAME}*")))

    def free(self) -> int:
        status = os.statvfs(self.store)
        return status.f_bavail * status.f_frsize

    def reserve(self, size: int) -> None:
        reserve(self.store / FILE_NAME, size)

    def back_up(self, target: Path, progress: Progress = lambda _: None) -> Copy:
        from services.event_log.sqlite.backup import back_up

        return Copy(target / FILE_NAME, back_up(self.store, target, progress))

    def alone(self) -> AbstractContextManager[EventLog]:
        from services.event_log.sqlite.rewriting import alone

        return alone(self.store)

    def rewrite(
        self, log: EventLog, changed: Changed, last: Callable[[Head], Entry], ready: Callable[[], None]
    ) -> Head:
        from services.event_log.sqlite.rewriting import rewrite

        return rewrite(log, self.store, changed, last, ready)

    def tidy(self) -> None:
        from services.event_log.sqlite.rewriting import tidy

        tidy(self.store)


def _size(path: Path) -> int:
    """The size of a file in bytes; 0 if it has just been removed, as SQLite does with a `-wal`."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
