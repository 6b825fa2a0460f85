"""The node itself, whatever is deployed on it: its systemd, its file systems, its time service."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..event_log.room import nearest
from ..node.run import run
from ..node.shares import CONTROLLERS
from ..values.errors import StepFailed
from ..values.layout import Layout

CGROUPS = Path("/sys/fs/cgroup")
CONTAINER = Path("/run/systemd/container")  # written by a systemd that runs inside of one
QUESTION = 10.0  # seconds for one question to systemd; it answers at once, or something is very wrong


@dataclass(frozen=True)
class System:
    """The version and the state of systemd."""

    version: int | None
    state: str  # running, degraded, starting, ...: see `systemctl is-system-running`
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileSystem:
    """One mounted file system that a deploy writes to; sizes in bytes. Some count no inodes: 0 then."""

    mount: str
    size: int
    free: int
    inodes: int
    inodes_free: int
    read_only: bool = False


def system() -> System:
    """Version, state and failed units."""
    version = re.search(r"systemd (\d+)", run(["systemctl", "--version"], timeout=QUESTION))
    state = run(["systemctl", "is-system-running"], timeout=QUESTION, expect=(0, 1, 2, 3, 4)).strip()
    listed = run(
        ["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--full"], timeout=QUESTION
    )
    return System(
        version=int(version.group(1)) if version else None,
        state=state,
        failed=tuple(line.split()[0] for line in listed.splitlines() if line.strip()),
    )


def synchronized() -> bool | None:
    """Whether a time service keeps the clock; None where the node cannot tell, or has its host's clock."""
    if CONTAINER.exists():
        return None
    try:
        answer = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], timeout=QUESTION)
    except StepFailed:
        return None
    return {"yes": True, "no": False}.get(answer.strip())


def missing_controllers(groups: Path = CGROUPS) -> tuple[str, ...]:
    """The cgroup controllers that shares need and systemd cannot use here; of cgroup v1 they are mounted."""
    unified = groups / "cgroup.controllers"
    if unified.exists():
        given = set(unified.read_text().split())
    else:
        given = {"io" if path.name == "blkio" else path.name for path in groups.iterdir()}
    return tuple(name for name in CONTROLLERS if name not in given)


def file_systems(layout: Layout) -> list[FileSystem]:
    """Those that a deploy and the services write to; what is not there yet counts as its parent."""
    mounts = _mounts(Path("/proc/self/mountinfo").read_text())
    places = {_mount_of(path, mounts): path for path in reversed(_written(layout))}
    return [_file_system(mount, places[mount]) for mount in sorted(places)]


def _mounts(text: str) -> set[Path]:
    """The mount points: the fifth column, in which blanks and the like are octal."""
    columns = (line.split(" ")[4] for line in text.splitlines())
    return {
        Path(re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), column)) for column in columns
    }


def _mount_of(path: Path, mounts: set[Path]) -> Path:
    return next((directory for directory in (path, *path.parents) if directory in mounts), Path("/"))


def _written(layout: Layout) -> list[Path]:
    """The places that a deploy or a service writes to, the outermost first."""
    environments = layout.environments
    places = [
        *(layout.opt, layout.layers, layout.host_halves),
        *(environments[0].data.parent, layout.state, layout.transactions),
        layout.unit_file(environments[0].service).parent,
        *(environment.releases for environment in environments),
        *(environment.data / name for environment in environments for name in ("", "events")),
        *(environment.data / "projections" for environment in environments),
    ]
    return list(dict.fromkeys(nearest(directory) for directory in places))


def _file_system(mount: Path, path: Path) -> FileSystem:
    volume = os.statvfs(path)
    return FileSystem(
        mount=str(mount),
        size=volume.f_blocks * volume.f_frsize,
        free=volume.f_bavail * volume.f_frsize,
        inodes=volume.f_files,
        inodes_free=volume.f_favail,
        read_only=bool(volume.f_flag & os.ST_RDONLY),
    )
