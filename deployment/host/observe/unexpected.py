"""Files in an environment's data that are not what their names say: a link in place of a log, another's file.

Whoever has taken over a service can put anything there. Such a file is the trouble of that environment alone:
it is named, and nothing of it is opened.
"""

from __future__ import annotations

import itertools
import stat
from collections.abc import Iterator
from pathlib import Path

from ..event_log import archived_logs, last_head, log_commands, read_models
from ..node import reading
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.printable import printable

SHOWN = 5  # files that are named; the next one only counts
KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFREG: "a plain file",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def of(environment: Environment, release: Manifest, owner: int | None) -> tuple[str, ...]:
    """Sentences about the first few unexpected files, each safe for a terminal."""
    flaws = _all(environment, release, owner)
    first = itertools.islice(flaws, SHOWN)
    shown = tuple(f"unexpected file {printable(str(path))}: {flaw}" for path, flaw in first)
    return (*shown, "there are more unexpected files") if next(flaws, None) else shown


def _all(environment: Environment, release: Manifest, owner: int | None) -> Iterator[tuple[Path, str]]:
    log, models = log_commands.path_of(release), read_models.directory(release)
    archive = environment.archived_logs
    directories = [path for path in (log, models) if not path.is_symlink()]  # of links there `links` tells
    for path in (*directories, archive, environment.copies):
        yield from _judged(path, stat.S_IFDIR, owner)
    for path in (last_head.beside(release), last_head.last_backup(release), *_files_of(log)):
        yield from _judged(path, stat.S_IFREG, owner)
    for entry in reading.entries(models):
        if read_models.is_one(models / entry.name, release):
            yield from _judged(models / entry.name, stat.S_IFREG, owner)
    for entry in reading.entries(archive, log_commands.ENTRIES):
        yield from _archived(archive / entry.name, owner, is_directory=entry.is_dir(follow_symlinks=False))


def _archived(path: Path, owner: int | None, *, is_directory: bool) -> Iterator[tuple[Path, str]]:
    """The flaws of an archived log, or of a file in its place."""
    is_waiting = path.name in (archived_logs.NEXT, archived_logs.HALF)
    if not is_waiting and not log_commands.NAME.fullmatch(path.name):
        yield path, "no archived log has such a name"
        return
    yield from _judged(path, stat.S_IFDIR, owner)
    if is_directory:
        for file in _files_of(path):
            yield from _judged(file, stat.S_IFREG, owner)


def _files_of(log: Path) -> tuple[Path, ...]:
    return tuple(log / f"{log_commands.LOG_FILE}{suffix}" for suffix in read_models.SUFFIXES)


def _judged(path: Path, expected: int, owner: int | None) -> Iterator[tuple[Path, str]]:
    """The flaw of a file, if it is there. A link of the service's in place of its directory is told apart."""
    status, parent = reading.kind(path), reading.kind(path.parent)
    if status is None or parent is None or (stat.S_ISLNK(parent.st_mode) and parent.st_uid != 0):
        return
    kind = stat.S_IFMT(status.st_mode)
    if kind != expected:
        yield path, f"{KINDS.get(kind, 'a strange file')} in place of {KINDS[expected]}"
    elif owner is not None and status.st_uid != owner:
        yield path, f"it belongs to uid {status.st_uid}"
