"""Room for a change on the node's file systems: bytes and inodes, looked at before anything is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..values.errors import Refused
from ..values.layout import Environment
from .log_commands import SPARE

LAYING = ("deploy", "restore", "rebuild", "redact")  # the other verbs do with what is there, and the reserve
TOUCHING = {  # the steps from which on what serves is another one, or none
    *("close-socket", "remove-units", "install-units", "turn-current", "disable-units", "enable-units"),
    *("start-bridge", "restart-service", "rebuild-projections"),
}
RECORD = 1 << 20  # bytes that a change needs beside what it brings
SERVICE = 4 << 20  # bytes that a service needs to start as one that records
ARCHIVE = 6  # times its size: sent, and unpacked and compiled (measured: 4.9 MB become 20 MB)
LOG = 2  # times its size: a log stays as it was sent, and where it is put
FEW = 64  # files and directories that any change makes
FILES = {"layer": 3_000, "release": 600, "log": 16}  # measured: 1,960 and 280, with byte code


@dataclass(frozen=True)
class Need:
    """Bytes and inodes."""

    size: int = RECORD
    inodes: int = FEW


@dataclass(frozen=True)
class Room:
    """The free part of the file system that `path` lies on. Some file systems count no inodes."""

    path: Path
    size: int
    inodes: int | None


def refuse_full(environment: Environment, verb: str) -> None:
    """Raise `Refused` where a change that lays something down does not fit."""
    if verb in LAYING:
        for path in _places(environment):
            refuse_little(of(path), Need())


def refuse_touching(environment: Environment, verb: str, step: str) -> None:
    """Raise `Refused` in front of a step that touches what serves, where its successor would only read."""
    if verb in LAYING and step in TOUCHING:
        for path in _places(environment):
            refuse_little(of(path), Need(SERVICE))


def _places(environment: Environment) -> tuple[Path, ...]:
    own, data = environment.releases, environment.data
    units = environment.layout.unit_file(environment.service).parent
    return (
        environment.layout.state,
        environment.layout.opt,
        environment.layout.host_halves,
        environment.layout.layers,
        own,
        data,
        units,
    )


def refuse_too_large(environment: Environment, kind: str, size: int) -> None:
    """Raise `Refused` where a layer, a release or a log of that size does not fit, before it is sent."""
    places = {
        "layer": environment.layout.layers,
        "release": environment.releases,
        "log": environment.layout.state,
    }
    need = Need((LOG if kind == "log" else ARCHIVE) * size + SPARE, FEW + FILES[kind])
    refuse_little(of(places[kind]), need)
    refuse_little(of(environment.layout.state), Need(need.size))  # the sent data is one file there


def refuse_little(room: Room, need: Need) -> None:
    """Raise `Refused` if there is less room than is needed."""
    if room.size < need.size:
        raise Refused(
            f"{room.path} on the node has {room.size / 1e6:.0f} MB free,"
            f" and {need.size / 1e6:.0f} MB are needed.",
            "make room there, then try again",
        )
    if room.inodes is not None and room.inodes < need.inodes:
        raise Refused(
            f"{room.path} on the node has {room.inodes} inodes free, and {need.inodes} are needed.",
            "remove small files there, df --inodes shows it; then try again",
        )


def of(path: Path) -> Room:
    """The room at a path, or at the nearest of its parents that is there."""
    mount = nearest(path)
    volume = os.statvfs(mount)
    return Room(mount, volume.f_bavail * volume.f_frsize, volume.f_favail if volume.f_files else None)


def noexec(path: Path) -> str:
    """The directory at a path, if no program may be loaded from its file system; else nothing."""
    mount = nearest(path)
    return str(mount) if os.statvfs(mount).f_flag & os.ST_NOEXEC else ""


def nearest(path: Path) -> Path:
    """The directory itself, without links on the way; its nearest parent stands for what is not there yet."""
    while not path.is_dir():
        path = path.parent
    return Path(os.path.realpath(path))
