"""Symbolic links in place of our directories: root's are followed, as to a bigger disk; others are refused.

A link is as safe as the way to its end: whoever owns a directory on it can lead everybody elsewhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..values.layout import Environment
from ..values.observed import NameConflict

LONGEST = 40  # links on the way to one directory; Linux follows no more
AS_ROOT = "as root on the node"


@dataclass(frozen=True)
class Stop:
    """A directory, link or file on a path; `uid` and `mode` are None where nothing is there."""

    path: Path
    uid: int | None = None
    mode: int | None = None
    by_link: bool = False  # whether a link names it, and not the way itself

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode is not None and stat.S_ISLNK(self.mode)

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return self.mode is not None and stat.S_ISDIR(self.mode)


def followed(environment: Environment) -> tuple[Path, ...]:
    """The directories that may be links: root owns all that is above them."""
    data, own = environment.data, environment.releases.parent
    return (
        environment.layout.opt,
        environment.layout.layers,
        environment.layout.host_halves,
        own,
        environment.layout.state,
        data.parent,
        data,
    )


def of(environment: Environment) -> tuple[NameConflict, ...]:
    """The links in place of directories of ours that are not followed, with the reasons."""
    refused = [(path, reason(way(path))) for path in followed(environment)]
    own, data = environment.releases, environment.data
    others = (own, environment.verified, data / "events", data / "projections")
    refused += [(path, "a link is not followed there") for path in others if path.is_symlink()]
    return tuple(
        NameConflict(
            f"{path} cannot be used: {why}", _hint(environment, data, path), inner=path.parent == data
        )
        for path, why in refused
        if why
    )


def _hint(environment: Environment, data: Path, path: Path) -> str:
    """The remedy: below the data, where its owner can turn a name at any time, root does nothing by name."""
    if path.parent != data:
        return f"{AS_ROOT}: put the directory itself there, or mount it there: mount --bind"
    return (
        f"{AS_ROOT}: runuser -u {environment.user} -- mv -T {path} {path}.link; then make deploy"
        f" ENV={environment.name}; for another disk, let {data} itself be a link or a mount of root's"
    )


def reason(stops: list[Stop]) -> str:
    """The reason not to follow a way; empty where there is no link on it, or where all of it is root's."""
    links = [stop for stop in stops if stop.is_link]
    if not links:
        return ""
    end = stops[-1]
    if len(links) > LONGEST:
        return "its links lead nowhere but to each other"
    for stop in links:
        if stop.uid != 0:
            return f"the link {stop.path} is not root's, but of uid {stop.uid}"
    if end.mode is None and end.by_link:
        return f"it leads to {end.path}, which is not there"
    if end.mode is not None and not end.is_directory:
        return f"it leads to {end.path}, which is no directory"
    for stop in stops[:-1]:
        if not stop.is_link and (stop.uid != 0 or (stop.mode or 0) & 0o022):
            return f"{stop.path}, on the way to {end.path}, can be changed by others than root"
    return ""


def way(path: Path) -> list[Stop]:
    """Every directory and link from the root to the end of a path, links followed."""
    return list(_steps(path))


def _steps(path: Path) -> Iterator[Stop]:
    path_, links = Path("/"), 0
    waiting = [(part, False) for part in path.parts[1:]]
    yield _look(path_, by_link=False)
    while waiting:
        part, by_link = waiting.pop(0)
        if part == "..":
            path_ = path_.parent
            continue
        stop = _look(path_ / part, by_link=by_link)
        yield stop
        if not stop.is_link:
            if not stop.is_directory:  # nothing lies behind it
                return
            path_ = path_ / part
            continue
        links += 1
        if links > LONGEST:
            return
        target = stop.path.readlink()
        path_ = Path("/") if target.is_absolute() else path_
        waiting = [(item, True) for item in target.parts if item != "/"] + waiting


def _look(path: Path, *, by_link: bool) -> Stop:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return Stop(path, by_link=by_link)
    return Stop(path, status.st_uid, status.st_mode, by_link)


def real(environment: Environment, path: Path) -> Path:
    """A directory of ours without the links that are followed on the way to it."""
    if path in followed(environment):
        return Path(os.path.realpath(path))
    return Path(os.path.realpath(path.parent)) / path.name


def is_volume(path: Path) -> bool:
    """Whether somebody has mounted a directory there, or linked it there: it is emptied and stays."""
    return path.is_symlink() or path.is_mount()
