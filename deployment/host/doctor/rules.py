"""The rules by which a fact about the node is ok, a warning or an error. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..node.shares import CONTROLLERS, LIMITED_BY
from ..values.check import BAD, OK, WARN, Check, bad, graver, ok, warn
from .vitals import FileSystem, System

OLDEST_SYSTEMD = 252
FREE_PART = 0.10  # of a file system's bytes or inodes: less is a warning
FREE_BYTES = 500_000_000  # less is a warning
LEAST_BYTES = 64_000_000  # less is bad: a deploy may not fit
LEAST_INODES = 4_000  # less is bad: a layer and a release with their byte code take 1,500
ASIDE = "as root on the node, before anything else"
AS_ROOT = "as root on the node"


def system(manager: System) -> Iterator[Check]:
    """Version and state of the service manager."""
    if manager.version is None or manager.version < OLDEST_SYSTEMD:
        yield bad(
            "systemd",
            f"{manager.version or 'unknown'}, and {OLDEST_SYSTEMD} or later is needed",
            "choose a newer node: Debian 12, Ubuntu 24.04",
        )
    else:
        yield ok("systemd", f"{manager.version}, {manager.state}")
    if manager.failed:
        names = " ".join(manager.failed)
        yield warn(
            "failed units",
            names,
            f"{AS_ROOT}: systemctl status {names}; once fixed: systemctl reset-failed {names}",
        )
    elif manager.state != "running":
        yield warn("systemd", f"it says that the node is {manager.state}", f"{AS_ROOT}: systemctl list-jobs")


def file_system(volume: FileSystem) -> Check:
    """Room for a release, its dependencies and the events to come."""
    if volume.read_only:
        return bad("disk", f"{volume.mount} is read-only", f"{AS_ROOT}: mount -o remount,rw {volume.mount}")
    size = f"{volume.free / 1e9:,.1f} GB" if volume.free >= 1e9 else f"{volume.free / 1e6:,.0f} MB"
    room = f"{size} ({_percent(volume.free, volume.size)}) free"
    inodes = f", inodes {_percent(volume.inodes_free, volume.inodes)}" if volume.inodes else ""
    text = f"{volume.mount} has {room}{inodes}"
    mend = f"{AS_ROOT}: du -xh {volume.mount} | sort -h | tail -n 20, and make room"
    levels = [
        _room(volume.free, volume.size, LEAST_BYTES, FREE_BYTES),
        _room(volume.inodes_free, volume.inodes, LEAST_INODES, 0) if volume.inodes else OK,
    ]
    checks = [Check("disk", level, text, "" if level == OK else mend) for level in levels]
    return graver(*checks)


def _room(free: int, size: int, least: int, little: int) -> str:
    if free < least:
        return BAD
    return WARN if free < little or free < FREE_PART * size else OK


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def synchronized(is_synchronized: bool | None) -> Iterator[Check]:
    """A time service; a node that cannot tell is not held to it."""
    if is_synchronized is False:
        yield warn(
            "time service",
            "none keeps the node's clock",
            f"{AS_ROOT}: apt-get install systemd-timesyncd && timedatectl set-ntp true",
        )
    elif is_synchronized:
        yield ok("time service", "keeps the clock")


def shares(missing: Sequence[str]) -> Check:
    """The controllers by which the kernel gives each environment its share of the machine."""
    if missing:
        without = ", ".join(key for key, name in LIMITED_BY.items() if name in missing)
        return warn(
            "shares",
            f"{without} have no effect: cgroup controllers are missing",
            f"boot the node with cgroup v2 and {', '.join(missing)}; a container gets them from its host",
        )
    return ok("shares", f"the kernel has the cgroup controllers {', '.join(CONTROLLERS)}")


def audit(lines: Sequence[Any], first_bad: int | None, path: str) -> Check:
    """The chain of the history of changes."""
    if first_bad is not None:
        return bad(
            "audit",
            f"line {first_bad} of {len(lines)} does not fit the chain: somebody has changed it",
            f"{ASIDE}: cp -a {path} /root/",
        )
    return ok("audit", f"{len(lines)} lines, the chain is whole" if lines else "empty: no change yet")
