"""The status of one environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..apply import bot
from ..event_log import archived_logs, deleted
from ..node import files, reading, systemd
from ..node.reading import measure
from ..node.systemd import Unit
from ..observe.observe import observe
from ..records import locks, record
from ..records.locks import Holder
from ..releases import releases
from ..values.errors import reason
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.observed import Observed
from ..values.words import size, times
from . import faults

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
FEW = 100  # files of an archived log: it has three


def look(environment: Environment) -> dict[str, Any]:
    """The state of an environment. A look that fails is that environment's trouble, and no end of the others.

    Its facts are then unknown, and its problem is the reason.
    """
    try:
        return of(environment)
    except Exception as error:  # noqa: BLE001  whatever a service has laid out, the others are shown
        return {**UNSEEN, **_names(environment), "problems": [reason(error)]}


def _names(environment: Environment) -> dict[str, str]:
    """The names of an environment on the node, whatever is there."""
    return {
        "environment": environment.name,
        "unit": environment.service,
        "user": environment.user,
        "data": str(environment.data),
        "journal": environment.namespace,
    }


def of(environment: Environment) -> dict[str, Any]:
    """Its state in one word, and the facts behind it."""
    observed = observe(environment)
    current = releases.read_manifest(environment, observed.current)
    unit = systemd.show([environment.service])[environment.service]
    changing = locks.holder(environment.layout, environment.name)
    state = bot.running(observed, current)
    problems = [] if changing else _problems(environment, observed, current, unit)
    notes = list(_notes(environment, observed, unit))
    if not changing and not bot.needs_hands(state):
        notes += filter(None, [bot.trouble(state)])
    if not changing and not observed.blind:
        notes += _left(environment)
    return {
        **_names(environment),
        "state": "changing" if changing else _state(observed, problems),
        "problems": problems,
        "notes": notes,
        **_service(observed, current, unit),
        "bot": state,
        **_on_disk(environment, observed),
        "changing": changing.to_json() if changing else None,
        "unfinished": unfinished(environment, changing),
    }


def _problems(
    environment: Environment, observed: Observed, current: Manifest | None, unit: Unit
) -> list[str]:
    """The problems of an environment that no change is at work on."""
    problems = []
    if observed.exists and not observed.is_stopped:
        problems += [item.text for item in faults.of(environment, observed, current, unit)]
    if observed.unread and observed.exists:
        problems.append(f"event log could not be read: {observed.unread.text}")
    if observed.lost:
        problems.append(f"{observed.lost.text} {observed.lost.hint}")
    return problems


def _service(observed: Observed, current: Manifest | None, unit: Unit) -> dict[str, Any]:
    """The release and the process that serve."""
    return {
        "release": observed.runs or observed.current,
        "answers_as": faults.answers_as(observed),
        "current": observed.current,
        "previous": observed.previous,
        "commit": current.commit if current else None,
        "subject": current.subject if current else None,
        "listen": observed.listen or (current.listen if current else None),
        "pid": observed.pid or None,
        "restarts": unit.restarts,
        "since": float(unit.since) if unit.since and observed.pid else None,
        "memory": _memory(observed.pid),
    }


def _on_disk(environment: Environment, observed: Observed) -> dict[str, Any]:
    """Event logs, releases and units on the disk, with their sizes."""
    names = _newest_first(observed)
    return {
        "starts_on_boot": observed.enabled,
        "log": _log(observed.log) if observed.log else None,
        "kept_logs": [_kept_log(environment, name) for name in observed.logs],
        "releases": names,
        "kept": [_kept(environment, observed, name) for name in names],
        "dependencies": {
            "bytes": sum(measure(environment.layout.layers / digest).bytes for digest in _layers(observed))
        },
        "drop_ins": list(observed.dropins),
    }


def unfinished(environment: Environment, changing: Holder | None) -> list[str]:
    """The transactions that were begun and have no result, without the one that is under way."""
    return [
        item.id
        for item in record.every(environment.layout)
        if item.entries()
        and item.result is None
        and item.request["environment"] == environment.name
        and item.id != (changing.transaction if changing else "")
    ]


def _notes(environment: Environment, observed: Observed, unit: Unit) -> Iterator[str]:
    """Facts worth knowing that are no fault of the deployment."""
    for path in observed.dropins if observed.exists else ():
        yield f"{path} changes its units, and no deploy has put it there"
    if observed.exists and observed.holder:
        yield f"its port is held by {observed.holder}"
    if observed.lingers and observed.is_stopped:
        yield faults.lingers(environment)
    if observed.jobs and (observed.is_stopped or not observed.exists):
        yield faults.scheduled(environment, observed)
    if observed.strays:
        yield f"{environment.user} runs what its units have not started: {', '.join(observed.strays)}"
    if unit.restarts:
        yield f"crashed and restarted {times(unit.restarts)}"
    if not observed.exists:
        yield from (item.text for item in observed.links)
        yield from (f"{item.text} is there, and no deploy has made it" for item in observed.taken)
    if observed.is_stopped:
        yield from observed.unexpected
    if observed.blind and (observed.is_stopped or not observed.exists):
        yield observed.blind
    if observed.data and not observed.exists:
        data = environment.data
        measured = measure(data)
        much = size(measured.bytes) if measured.whole else f"more than {size(measured.bytes)}"
        yield f"its data stays in {data}, {much}, for the next deploy"


def _left(environment: Environment) -> Iterator[str]:
    if archived_logs.waits(environment):
        waiting = environment.archived_logs / archived_logs.NEXT
        yield f"{waiting} was left by a restore that was cut short; the next change gives it a name"


def _newest_first(observed: Observed) -> list[str]:
    return sorted(observed.releases, key=lambda name: -observed.releases[name].verified_at)


def _layers(observed: Observed) -> set[str]:
    """The dependencies of the releases that are kept, as far as they are there."""
    return {release.layer for release in observed.releases.values()} & set(observed.layers)


def _kept(environment: Environment, observed: Observed, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "deployed_at": observed.releases[name].verified_at or None,
        "bytes": measure(environment.releases / name).bytes,
        "intact": observed.releases[name].intact,
    }


def _log(log: Log) -> dict[str, Any]:
    position, digest = log.last
    return {"length": log.length, "head": log.head, "said": {"position": position, "hash": digest}}


def _kept_log(environment: Environment, name: str) -> dict[str, Any]:
    """Of a kept log what can be told without a look at its records, which is not written to any more."""
    path = environment.archived_logs / name
    written_at = files.written_at(path / file for file in deleted.FILES)
    files_ = [entry.stat(follow_symlinks=False) for entry in reading.entries(path, FEW)]
    size_ = sum(item.st_blocks * 512 for item in files_)
    return {"name": name, "bytes": size_, "written_at": written_at, "path": str(path)}


def _state(observed: Observed, problems: list[str]) -> str:
    if not observed.exists:
        return "absent"
    if observed.is_stopped:
        return "stopped"
    return "degraded" if problems else "running"


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
