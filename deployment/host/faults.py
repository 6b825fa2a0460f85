"""The faults of an environment that exists: all that is not as it was deployed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import bot, releases, room
from .layout import Environment, Layout
from .model import Manifest, Observed
from .systemd import Unit

SHOWN = 5  # jobs that are named
LONGEST_ID = 80  # characters of the answer of a service that are shown as its release
RESTARTS_IN_A_ROW, STEADY_SECONDS = 3, 60.0
"""A service that was started again so often, and was up for less than that, is not to be relied on."""


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was deployed: what it is about (release, units, ...), in a sentence."""

    about: str
    text: str


def answers_as(seen: Observed) -> str | None:
    """The release that the service says it is: it may say anything."""
    answer = (seen.answers or {}).get("release")
    return None if answer is None else str(answer)[:LONGEST_ID]


def of(
    layout: Layout, environment: Environment, seen: Observed, current: Manifest | None, unit: Unit
) -> Iterator[Fault]:
    """All that is wrong with an environment that exists; whether it runs is no matter if it was stopped."""
    yield from (Fault("link", item.text) for item in seen.links)
    if current is None:
        yield Fault("release", f"{layout.current(environment)} leads to no release that can be read")
        return
    if not seen.is_stopped:
        yield from _not_running(environment, seen, unit)
    if seen.beside:
        yield Fault("port", f"the port of {seen.listen} is also held by {seen.beside}")
    if seen.altered:
        yield Fault("socket", f"{environment.socket} is not as systemd opened it: {', '.join(seen.altered)}")
    if seen.lingers:
        yield Fault("user", lingers(environment))
    if seen.jobs:
        yield Fault("jobs", scheduled(environment, seen))
    if seen.blind:
        yield Fault("data", seen.blind)
    else:
        yield from _full_disk(layout, environment, seen)
    told = bot.running(seen, current)
    if bot.needs_hands(told):
        yield Fault("bot", bot.trouble(told))
    if seen.rehearsal:
        yield Fault("units", f"units of {environment.rehearsal} are left of a rehearsal that was killed")
    yield from _drifted(layout, environment, seen, current)
    yield from (Fault("files", text) for text in seen.unexpected)
    for item in seen.taken:
        yield Fault("name", f"{item.text} is there, and no deploy has made it")


def scheduled(environment: Environment, seen: Observed) -> str:
    """The jobs of the environment's user, as a problem."""
    return (
        f"{environment.user} has jobs, which cron or at starts in no sandbox: {', '.join(seen.jobs[:SHOWN])}"
    )


def lingers(environment: Environment) -> str:
    return f"{environment.user} lingers: logind starts programs of that user at boot, in no sandbox"


def _not_running(environment: Environment, seen: Observed, unit: Unit) -> Iterator[Fault]:
    up = time.time() - float(unit.since) if unit.since else STEADY_SECONDS
    if seen.service != "active":
        sub = f" ({unit.sub})" if unit.active == seen.service else ""  # else it was another one meanwhile
        yield Fault("service", f"{environment.service} is {seen.service}{sub}")
    elif unit.restarts >= RESTARTS_IN_A_ROW and up < STEADY_SECONDS:
        again = f"it was started again {unit.restarts} x, the last time {max(up, 0):.0f} s ago"
        yield Fault("service", f"{environment.service} keeps dying: {again}")
    elif seen.listen and not (seen.answers or {}).get("ready"):
        reason = (seen.answers or {}).get("reason", "no answer")
        yield Fault("service", f"{seen.listen} is not ready: {reason}")
    elif seen.listen and seen.serving is None and seen.runs is not None:
        yield Fault("service", f"{environment.service} runs {seen.runs}, but answers as {answers_as(seen)}")
    if seen.service == "active" and seen.runs != seen.current:
        runs = seen.runs or "another release"
        yield Fault("service", f"{environment.service} runs {runs}, but {seen.current} is current")
    if seen.socket != "active":
        yield Fault("service", f"{environment.socket} is {seen.socket}")
    if not seen.enabled:
        yield Fault("boot", "not enabled at boot")


def _full_disk(layout: Layout, environment: Environment, seen: Observed) -> Iterator[Fault]:
    free = room.of(layout.data(environment))
    if free.size < room.RECORD or (seen.answers or {}).get("disk"):
        left = f"{free.path} has {free.size / 1e3:.0f} kB free"
        yield Fault("disk", f"the disk is full: {left}, and little or nothing is recorded")


def _drifted(layout: Layout, environment: Environment, seen: Observed, current: Manifest) -> Iterator[Fault]:
    for name, digest in current.units.items():
        if seen.units.get(name) != digest:
            yield Fault("units", f"{layout.unit_file(name)} is not as it was deployed")
    whole = current.id in seen.releases and seen.releases[current.id].intact
    place = layout.releases(environment) / current.id
    for name in () if whole else releases.drifted(place, current, current.id):
        yield Fault("release", f"{name} of release {current.id} is not as it was deployed")
    if seen.stale:
        yield Fault("units", "systemd has not read the unit files as they are now")
    python = Path(f"/usr/bin/python{current.python}")
    if not python.exists():
        yield Fault("python", f"{python}, which the release runs on, is gone")
