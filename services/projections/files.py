"""The names of the read models' files, which carry a digest of the code that makes their rows."""

from __future__ import annotations

import functools
import glob
import re
from hashlib import sha256
from pathlib import Path

import services.projections.opening as opening
from services.upcasters import UPCASTERS

ROOT = Path(__file__).resolve().parents[2]
"""The checkout or the release that this file lies in."""

BUILD = "services.projections.build"
"""The module that knows all read models: what it imports makes their rows."""

_WITHOUT = ("services.event_log", "services.sqlite", "services.errors")
"""Modules that make no rows, and what they import."""

_IMPORT = re.compile(r"^(?:from|import) (services[\w.]*)(?: import (\([^)]*\)|.*))?", re.MULTILINE)


def file_of(stem: Path) -> Path:
    """The file of this release's read models: `a/b.db` makes `a/b-<digest>.db`."""
    code = b"".join(source.read_bytes() for source in _sources())
    digest = sha256(f"{opening.SCHEMA}{sorted(UPCASTERS)}".encode() + code).hexdigest()[:12]
    return stem.with_name(f"{stem.stem}-{digest}{stem.suffix}")


def remove_all(stem: Path) -> None:
    """Remove the read models of every schema for `stem`: they are built anew from the event log.

    For a stopped service: one that has them open goes on with the removed files. Raises OSError.
    """
    name = re.compile(rf"{re.escape(stem.stem)}-[0-9a-f]{{12}}{re.escape(stem.suffix)}(-wal|-shm)?")
    for path in stem.parent.glob(f"{glob.escape(stem.stem)}-*"):
        if name.fullmatch(path.name):
            path.unlink()


def sources(root: Path, module: str = BUILD) -> list[Path]:
    """The sources of a module and of all that it imports, so that a new read model needs no entry here."""
    paths: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = root.joinpath(*name.split(".")).with_suffix(".py")
        if name in paths or name.startswith(_WITHOUT) or not path.is_file():
            continue
        paths[name] = path
        for imported, members in _IMPORT.findall(path.read_text()):
            waiting += [imported, *(f"{imported}.{member}" for member in re.findall(r"\w+", members))]
    return [paths[name] for name in sorted(paths)]


@functools.cache
def _sources() -> list[Path]:
    return sources(ROOT)
