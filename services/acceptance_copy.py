"""The directory of an acceptance, and the copy of a log in it. Light to import."""

from __future__ import annotations

from pathlib import Path

from services.event_log.backend import Backend
from services.event_log.errors import EventLogError
from services.event_log.summary import Head

LOG, MODELS, REBUILT = "copy-of-the-log", "read-models", "rebuilt"
"""The parts of the directory. No data directory of a service has these names."""


def copy(backend: Backend, directory: Path) -> Head | None:
    """Copy the log into `directory` and return its end; None where there is no log yet.

    Unlike a backup it is not noted beside the log. Raises EventLogError.
    """
    target = directory / LOG
    try:
        backend.refuse_missing()
    except EventLogError:
        target.mkdir(mode=0o700, parents=True)
        return None
    return backend.back_up(target).head
