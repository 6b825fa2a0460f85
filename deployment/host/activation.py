"""The last turn of `current`, and the process that is older than it: ADR 18.

A process can answer anything, and can rewrite its own command line and directory. The invocation id that
systemd gives to each start of a unit is not the process's to choose, and is used once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from . import files, releases, systemd
from .layout import Environment, Layout


@dataclass(frozen=True)
class Activation:
    """A release that `current` was turned to, and what ran at that moment."""

    release: str
    before: str | None  # the release that the older process runs; None where that is not known
    older: str  # the invocation of the service that began before the turn; empty where none ran


def runs(known: Activation | None, current: str | None, invocation: str) -> str | None:
    """The release that an invocation of the service was started from; None where that is not known. Pure.

    Where no turn is known, as after a deploy by version 0.3.0, it is the current one. A link that was turned
    by somebody else leaves the process unknown.
    """
    if known is None:
        return current
    if invocation == known.older:
        return known.before
    return current if known.release == current else None


def turn(layout: Layout, environment: Environment, release: str) -> None:
    """Turn `current` to a release, and note the process that is older than that."""
    invocation = systemd.show([environment.service])[environment.service].invocation
    ran = runs(read(layout, environment), releases.current(layout, environment), invocation)
    _write(layout, environment, Activation(release, ran, invocation))
    files.point(layout.current(environment), Path("releases") / release)
    # A service that died meanwhile was started from either release.
    later = systemd.show([environment.service])[environment.service].invocation
    if later != invocation:
        _write(layout, environment, Activation(release, None, later))


def read(layout: Layout, environment: Environment) -> Activation | None:
    """The last turn of `current`; None before the first one, and where it cannot be read."""
    try:
        value = json.loads(layout.activation(environment).read_bytes())
        return Activation(str(value["release"]), value["before"], str(value["older"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(layout: Layout, environment: Environment, activation: Activation) -> None:
    files.publish(layout.activation(environment), json.dumps(asdict(activation)).encode() + b"\n", 0o644)
