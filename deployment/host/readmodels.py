"""The files of the read models, one per schema; what no kept release uses can go: the log brings it back."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from .model import Manifest

SUFFIXES = ("", "-wal", "-shm")  # a database of SQLite and what lies beside it while it is open


def directory(release: Manifest) -> Path:
    """Where they lie."""
    return Path(str(release.config["projections_db_path"])).parent


def found(release: Manifest | None) -> tuple[str, ...]:
    """The names of those that lie there: of `helionyx.db`, the stem, `helionyx-<12 digits>.db`."""
    if release is None or not directory(release).is_dir():
        return ()
    stem = Path(str(release.config["projections_db_path"]))
    pattern = re.compile(rf"{re.escape(stem.stem)}-[0-9a-f]{{12}}{re.escape(stem.suffix)}")
    return tuple(sorted(path.name for path in stem.parent.iterdir() if pattern.fullmatch(path.name)))


def remove(place: Path, names: Iterable[str]) -> None:
    """Remove them. The directory is the service's own: no link in its place is followed."""
    opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for name in (name + suffix for name in names for suffix in SUFFIXES):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=opened)
    finally:
        os.close(opened)
