"""What a question costs SQLite."""

from __future__ import annotations

from collections.abc import Callable

from services.event_log.sqlite.log import SqliteLog


def steps(log: SqliteLog, ask: Callable[[], object]) -> int:
    """How many instructions SQLite carries out for `ask`, which asks `log`."""
    taken = 0

    def count() -> bool:
        nonlocal taken
        taken += 1
        return False

    log._connection.set_progress_handler(count, 1)
    ask()
    log._connection.set_progress_handler(None)
    return taken
