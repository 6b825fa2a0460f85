"""The faults of an environment that exists: all that is not as it was deployed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..apply import bot
from ..event_log import room
from ..node.systemd import Unit
from ..releases import releases
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.observed import Observed
from . import certificate_check

SHOWN = 5  # jobs that are named
LONGEST_ID = 80  # characters of the answer of a service that are shown as its release
RESTARTS_IN_A_ROW, STEADY_SECONDS = 3, 60.0
"""A service that was started again so often, and was up for less than that, is not to be relied on."""


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was deployed: what it is about (release, units, ...), in a sentence."""

    about: str
    text: str


def answers_as(observed: Observed) -> str | None:
    """The release that the service says it is: it may say anything."""
    answer = (observed.answers or {}).get("release")
    return None if answer is None else str(answer)[:LONGEST_ID]


def of(environment: Environment, observed: Observed, current: Manifest | None, unit: Unit) -> Iterator[Fault]:
    """All that is wrong with an environment that exists; whether it runs is no matter if it was stopped."""
    yield from (Fault("link", item.text) for item in observed.links)
    if current is None:
        yield Fault("release", f"{environment.current} leads to no release that can be read")
        return
    if not observed.is_stopped:
        yield from _not_running(environment, observed, unit)
    yield from _certificate(observed, current)
    if observed.beside:
        yield Fault("port", f"the port of {observed.listen} is also held by {observed.beside}")
    if observed.altered:
        yield Fault(
            "socket", f"{environment.socket} is not as systemd opened it: {', '.join(observed.altered)}"
        )
    if observed.lingers:
        yield Fault("user", lingers(environment))
    if observed.jobs:
        yield Fault("jobs", scheduled(environment, observed))
    if observed.blind:
        yield Fault("data", observed.blind)
    else:
        yield from _full_disk(environment, observed)
    state = bot.running(observed, current)
    if bot.needs_hands(state):
        yield Fault("bot", bot.trouble(state))
    yield from _leftovers(environment, observed)
    yield from _drifted(environment, observed, current)
    yield from (Fault("files", text) for text in observed.unexpected)
    for item in observed.taken:
        yield Fault("name", f"{item.text} is there, and no deploy has made it")


def scheduled(environment: Environment, observed: Observed) -> str:
    """The jobs of the environment's user, as a problem."""
    jobs = ", ".join(observed.jobs[:SHOWN])
    return f"{environment.user} has jobs, which cron or at starts in no sandbox: {jobs}"


def lingers(environment: Environment) -> str:
    return f"{environment.user} lingers: logind starts programs of that user at boot, in no sandbox"


def _not_running(environment: Environment, observed: Observed, unit: Unit) -> Iterator[Fault]:
    up = time.time() - float(unit.since) if unit.since else STEADY_SECONDS
    if observed.service != "active":
        sub = f" ({unit.sub})" if unit.active == observed.service else ""  # else it was another one meanwhile
        yield Fault("service", f"{environment.service} is {observed.service}{sub}")
    elif unit.restarts >= RESTARTS_IN_A_ROW and up < STEADY_SECONDS:
        again = f"it was started again {unit.restarts} x, the last time {max(up, 0):.0f} s ago"
        yield Fault("service", f"{environment.service} keeps dying: {again}")
    elif observed.listen and not (observed.answers or {}).get("ready"):
        reason = (observed.answers or {}).get("reason", "no answer")
        yield Fault("service", f"{observed.listen} is not ready: {reason}")
    elif observed.listen and observed.runs not in (None, (observed.answers or {}).get("release")):
        yield Fault(
            "service", f"{environment.service} runs {observed.runs}, but answers as {answers_as(observed)}"
        )
    if observed.service == "active" and observed.runs != observed.current:
        runs = observed.runs or "another release"
        yield Fault("service", f"{environment.service} runs {runs}, but {observed.current} is current")
    if observed.socket != "active":
        yield Fault("service", f"{environment.socket} is {observed.socket}")
    if not observed.enabled:
        yield Fault("boot", "not enabled at boot")


def _leftovers(environment: Environment, observed: Observed) -> Iterator[Fault]:
    """The units of changes that did not come to their end."""
    if observed.rehearsal:
        yield Fault("units", f"units of {environment.rehearsal_stem} are left of a rehearsal that was killed")
    if observed.bridge:
        yield Fault("units", f"{environment.bridge_service} is left of a switch that was interrupted")


def _certificate(observed: Observed, current: Manifest) -> Iterator[Fault]:
    certificate = certificate_check.of(observed, current, datetime.now(UTC))
    if certificate is not None and certificate.fault:
        yield Fault("certificate", certificate.fault)


def _full_disk(environment: Environment, observed: Observed) -> Iterator[Fault]:
    free = room.of(environment.data)
    if free.size < room.RECORD or (observed.answers or {}).get("disk"):
        text = f"{free.path} has {free.size / 1e3:.0f} kB free"
        yield Fault("disk", f"the disk is full: {text}, and little or nothing is recorded")


def _drifted(environment: Environment, observed: Observed, current: Manifest) -> Iterator[Fault]:
    for name, digest in current.units.items():
        if observed.units.get(name) != digest:
            yield Fault("units", f"{environment.layout.unit_file(name)} is not as it was deployed")
    whole = current.id in observed.releases and observed.releases[current.id].intact
    path = environment.releases / current.id
    for name in () if whole else releases.drifted(path, current, current.id):
        yield Fault("release", f"{name} of release {current.id} is not as it was deployed")
    if observed.stale:
        yield Fault("units", "systemd has not read the unit files as they are now")
    python = Path(f"/usr/bin/python{current.python}")
    if not python.exists():
        yield Fault("python", f"{python}, which the release runs on, is gone")
