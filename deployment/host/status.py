"""What `status` tells of one environment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import bot, deleted, files, locks, reading, record, releases, room, shelf, systemd
from .errors import reason
from .layout import Environment, Layout
from .model import Log, Manifest, Observed
from .observe import observe
from .reading import measure
from .systemd import Unit
from .words import size

UNSEEN: dict[str, Any] = {
    "state": "degraded",
    "problems": [],
    "notes": [],
    "release": None,
    "answers_as": None,
    "current": None,
    "previous": None,
    "commit": None,
    "subject": None,
    "listen": None,
    "pid": None,
    "restarts": 0,
    "since": None,
    "memory": None,
    "bot": None,
    "starts_on_boot": False,
    "log": None,
    "kept_logs": [],
    "releases": [],
    "kept": [],
    "dependencies": {"bytes": 0},
    "drop_ins": [],
    "changing": None,
    "unfinished": [],
}
"""An environment that could not be looked at, beside what its name says."""
LONGEST_ID = 80  # characters of the answer of a service that are shown as its release
RESTARTS_IN_A_ROW, STEADY_SECONDS = 3, 60.0
"""A service that was started again so often, and was up for less than that, is not to be relied on."""


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was deployed: what it is about (release, units, ...), in a sentence."""

    about: str
    text: str


FEW = 100  # files of an archived log: it has three


def look(layout: Layout, environment: Environment) -> dict[str, Any]:
    """The state of an environment. A look that fails is that environment's trouble, and no end of the others.

    Its facts are then unknown, and its problem is the reason.
    """
    try:
        return of(layout, environment)
    except Exception as error:  # noqa: BLE001  whatever a service has laid out, the others are shown
        return {**UNSEEN, **_names(layout, environment), "problems": [reason(error)]}


def _names(layout: Layout, environment: Environment) -> dict[str, str]:
    """The names of an environment on the node, whatever is there."""
    return {
        "environment": environment.name,
        "unit": environment.service,
        "user": environment.user,
        "data": str(layout.data(environment)),
        "journal": environment.namespace,
    }


def of(layout: Layout, environment: Environment) -> dict[str, Any]:
    """Its state in one word, and the facts behind it."""
    seen = observe(layout, environment)
    current = releases.read_manifest(layout, environment, seen.current)
    unit = systemd.show([environment.service])[environment.service]
    changing = locks.holder(layout, environment.name)
    quiet = changing or not seen.exists or seen.is_stopped
    told = bot.running(seen, current)
    problems = [] if quiet else [item.text for item in faults(layout, environment, seen, current, unit)]
    if seen.lost and not changing:
        problems.append(f"{seen.lost.text} {seen.lost.hint}")
    return {
        **_names(layout, environment),
        "state": "changing" if changing else _state(seen, problems),
        "problems": problems,
        "notes": [
            *_notes(layout, environment, seen, unit),
            *(() if changing or bot.needs_hands(told) else filter(None, [bot.trouble(told)])),
            *(() if changing else _left(layout, environment)),
        ],
        "release": seen.runs or seen.current,
        "answers_as": _answers_as(seen),
        "current": seen.current,
        "previous": seen.previous,
        "commit": current.commit if current else None,
        "subject": current.subject if current else None,
        "listen": seen.listen or (current.listen if current else None),
        "pid": seen.pid or None,
        "restarts": unit.restarts,
        "since": float(unit.since) if unit.since and seen.pid else None,
        "memory": _memory(seen.pid),
        "bot": told,
        "starts_on_boot": seen.enabled,
        "log": _log(seen.log) if seen.log else None,
        "kept_logs": [_kept_log(layout, environment, name) for name in seen.logs],
        "releases": _newest_first(seen),
        "kept": [_kept(layout, environment, seen, name) for name in _newest_first(seen)],
        "dependencies": {"bytes": sum(measure(layout.layers / digest).bytes for digest in _layers(seen))},
        "drop_ins": list(seen.dropins),
        "changing": changing,
        "unfinished": unfinished(layout, environment, changing),
    }


def unfinished(layout: Layout, environment: Environment, changing: dict[str, Any] | None) -> list[str]:
    """The transactions that were begun and have no result, without the one that is under way."""
    return [
        item.id
        for item in record.every(layout)
        if item.entries()
        and item.result is None
        and item.request["environment"] == environment.name
        and item.id != (changing or {}).get("transaction")
    ]


def _notes(layout: Layout, environment: Environment, seen: Observed, unit: Unit) -> Iterator[str]:
    """What is worth knowing and no fault of the deployment."""
    for path in seen.dropins if seen.exists else ():
        yield f"{path} changes its units, and no deploy has put it there"
    if seen.exists and seen.holder:
        yield f"its port is held by {seen.holder}"
    if seen.lingers and seen.is_stopped:
        yield _lingers(environment)
    if seen.strays:
        yield f"{environment.user} runs what its units have not started: {', '.join(seen.strays)}"
    if unit.restarts:
        yield f"it has died and was started again, {unit.restarts} x"
    if not seen.exists:
        yield from (item.text for item in seen.links)
        yield from (f"{item.text} is there, and no deploy has made it" for item in seen.taken)
    if seen.is_stopped:
        yield from seen.unexpected
    if seen.data and not seen.exists:
        place = layout.data(environment)
        found = measure(place)
        much = size(found.bytes) if found.whole else f"more than {size(found.bytes)}"
        yield f"its data stays in {place}, {much}, for the next deploy"


def _left(layout: Layout, environment: Environment) -> Iterator[str]:
    if shelf.waits(layout, environment):
        place = layout.kept_logs(environment) / shelf.NEXT
        yield f"{place} was left by a restore that was cut short; the next change gives it a name"


def _answers_as(seen: Observed) -> str | None:
    """The release that the service says it is: it may say anything."""
    answer = (seen.answers or {}).get("release")
    return None if answer is None else str(answer)[:LONGEST_ID]


def _newest_first(seen: Observed) -> list[str]:
    return sorted(seen.releases, key=lambda name: -seen.releases[name].verified_at)


def _layers(seen: Observed) -> set[str]:
    """The dependencies of the releases that are kept, as far as they are there."""
    return {kept.layer for kept in seen.releases.values()} & set(seen.layers)


def _kept(layout: Layout, environment: Environment, seen: Observed, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "deployed_at": seen.releases[name].verified_at or None,
        "bytes": measure(layout.releases(environment) / name).bytes,
        "intact": seen.releases[name].intact,
    }


def _log(log: Log) -> dict[str, Any]:
    position, digest = log.last
    return {"length": log.length, "head": log.head, "said": {"position": position, "hash": digest}}


def _kept_log(layout: Layout, environment: Environment, name: str) -> dict[str, Any]:
    """Of a kept log what can be told without a look at its records, which is not written to any more."""
    path = layout.kept_logs(environment) / name
    written_at = files.written_at(path / file for file in deleted.FILES)
    found = [entry.stat(follow_symlinks=False) for entry in reading.entries(path, FEW)]
    size_ = sum(item.st_blocks * 512 for item in found)
    return {"name": name, "bytes": size_, "written_at": written_at, "path": str(path)}


def _state(seen: Observed, problems: list[str]) -> str:
    if not seen.exists:
        return "absent"
    if seen.is_stopped:
        return "stopped"
    return "degraded" if problems else "running"


def faults(
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
    if seen.lingers:
        yield Fault("user", _lingers(environment))
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


def _lingers(environment: Environment) -> str:
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
        yield Fault("service", f"{environment.service} runs {seen.runs}, but answers as {_answers_as(seen)}")
    if seen.service == "active" and seen.runs != seen.current:
        runs = seen.runs or "another release"
        yield Fault("service", f"{environment.service} runs {runs}, but {seen.current} is current")
    if seen.socket != "active":
        yield Fault("service", f"{environment.socket} is {seen.socket}")
    if not seen.enabled:
        yield Fault("boot", "it would not start on boot")


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


def _memory(pid: int) -> int | None:
    """Resident bytes of a process, from /proc (in kB there)."""
    if not pid:
        return None
    try:
        lines = reading.lines(Path(f"/proc/{pid}/status"))
    except (FileNotFoundError, ProcessLookupError):
        return None
    sizes = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")]
    return sizes[0] if sizes else None
