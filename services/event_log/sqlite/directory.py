"""The directory of a log before the log is opened: make a new file, or require the existing one."""

from __future__ import annotations

import os
from pathlib import Path

from services.event_log.errors import EventLogError, LostError
from services.event_log.sqlite.schema import FILE_NAME


def make_file(directory: Path) -> None:
    """Make an empty file for a log, unless there is one (0700, the file 0600). Raises EventLogError."""
    path = directory / FILE_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made here and not by SQLite, so that its mode, which -wal and -shm take over, depends on no umask.
        # Never opened if it is there: closing it would drop the locks that this process has on it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise EventLogError(f"cannot open {path}: {error.strerror}") from None


def refuse_no_file(directory: Path) -> None:
    """Raise `LostError` where there is no file of a log, or an empty one. Raises EventLogError."""
    path = directory / FILE_NAME
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise LostError(f"there is no event log in {directory}, and there was one") from None
    except OSError as error:
        raise EventLogError(
            f"cannot open {path}: {error.strerror}", "look at the owner of the directory"
        ) from None
    if not size:
        raise LostError(f"{path} is empty, and was not")
