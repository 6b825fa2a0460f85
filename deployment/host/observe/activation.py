"""The last turn of `current`, and the process that is older than it: ADR 18.

A process can answer anything, and can rewrite its own command line and directory. The invocation id that
systemd gives to each start of a unit is not the process's to choose, and is used once.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ..node import files, reserve, systemd
from ..node.systemd import Unit
from ..releases import releases
from ..values.layout import Environment


@dataclass(frozen=True)
class Activation:
    """A release that `current` was turned to, and what ran at that moment."""

    release: str
    before: str | None  # the release that the older process runs; None where that is not known
    older: str  # the invocation of the service that began before the turn; empty where none ran


def release_of(environment: Environment, unit: Unit) -> str | None:
    """The release that the process of a service was started from; None where there is none, or not known."""
    if not unit.pid:
        return None
    link = environment.current
    known, current = read(environment), releases.current(environment)
    started = time.time() - (time.monotonic() - unit.started)
    return runs(
        known, current, unit.invocation, newer=current is not None and started >= link.lstat().st_mtime
    )


def runs(known: Activation | None, current: str | None, invocation: str, *, newer: bool) -> str | None:
    """The release that an invocation of the service was started from; None where that is not known. Pure.

    Where no turn is known, as after a deploy by version 0.3.0, it is the current one. A link that somebody
    has turned by hand is compared with the start of the process: `newer` says that it began behind that.
    """
    if known is None:
        return current
    if invocation == known.older:
        return known.before
    return current if known.release == current or newer else None


def turn(environment: Environment, release: str) -> None:
    """Turn `current` to a release, and note the process that is older than that."""
    unit = systemd.show([environment.service])[environment.service]
    ran, invocation = release_of(environment, unit), unit.invocation
    _write(environment, Activation(release, ran, invocation))
    files.point(environment.current, Path("releases") / release)
    # A service that died meanwhile was started from either release.
    later = systemd.show([environment.service])[environment.service].invocation
    if later != invocation:
        _write(environment, Activation(release, None, later))


def read(environment: Environment) -> Activation | None:
    """The last turn of `current`; None before the first one, and where it cannot be read."""
    try:
        value = json.loads(environment.activation.read_bytes())
        return Activation(str(value["release"]), value["before"], str(value["older"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(environment: Environment, activation: Activation) -> None:
    content = json.dumps(asdict(activation)).encode() + b"\n"
    files.publish(environment.activation, content, 0o644, reserve.places(environment.layout))
