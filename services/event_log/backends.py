"""The choice of the event log's backend: the only module outside of a backend's folder that names it."""

from __future__ import annotations

from pathlib import Path

from services.event_log.backend import Backend
from services.event_log.sqlite.backend import SqliteBackend


def backend_of(store: Path) -> Backend:
    """The backend of the log with this EVENT_STORE_PATH."""
    return SqliteBackend(store)
