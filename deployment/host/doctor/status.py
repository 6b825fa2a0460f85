"""The status of one environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from ..transaction import probation
from ..values.answers import ArchivedLog, InstalledRelease
from ..values.errors import reason
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.observed import Observed
from ..values.shapes import plain
from ..values.words import size, times
from . import faults

FEW = 100  # files of an archived log: it has three


@dataclass(frozen=True)
class Status:
    """The state of an environment. The defaults are those of one that could not be looked at."""

    environment: str
    unit: str
    user: str
    data: str
    journal: str
    state: str = "degraded"
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()
    release: str | None = None
    answers_as: str | None = None
    current: str | None = None
    previous: str | None = None
    commit: str | None = None
    subject: str | None = None
    listen: str | None = None
    pid: int | None = None
    restarts: int = 0
    since: float | None = None
    memory: int | None = None
    bot: Mapping[str, str | None] | None = None
    starts_on_boot: bool = False
    log: Log | None = None
    archived_logs: Sequence[ArchivedLog] = ()
    releases: Sequence[str] = ()
    releases_on_disk: Sequence[InstalledRelease] = ()
    dependencies: int = 0  # bytes
    drop_ins: Sequence[str] = ()
    changing: Holder | None = None
    unfinished: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The status for the operator's half."""
        members = dict(vars(self))
        logs, releases_ = members.pop("archived_logs"), members.pop("releases_on_disk")
        return {
            **members,
            "log": _log(self.log) if self.log else None,
            "kept_logs": plain(logs),
            "kept": plain(releases_),
            "dependencies": {"bytes": self.dependencies},
            "changing": self.changing.to_json() if self.changing else None,
        }


def look(environment: Environment) -> Status:
    """The state of an environment. A look that fails is that environment's trouble, and no end of the others.

    Its facts are then unknown, and its problem is the reason.
    """
    try:
        return of(environment)
    except Exception as error:  # noqa: BLE001  whatever a service has laid out, the others are shown
        return replace(_named(environment), problems=[reason(error)])


def _named(environment: Environment) -> Status:
    """The names of an environment on the node, whatever is there."""
    return Status(
        environment=environment.name,
        unit=environment.service,
        user=environment.user,
        data=str(environment.data),
        journal=environment.namespace,
    )


def of(environment: Environment) -> Status:
    """Its state in one word, and the facts behind it."""
    was_changing = locks.holder(environment.layout, environment.name) is not None
    status = _of(environment)
    # A change that has ended meanwhile was looked at half done, and nothing would say so any more.
    return _of(environment) if was_changing and status.changing is None else status


def _of(environment: Environment) -> Status:
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
    status = _service(_on_disk(_named(environment), environment, observed), observed, current, unit)
    return replace(
        status,
        state="changing" if changing else _state(observed, problems),
        problems=problems,
        notes=notes,
        bot=state,
        changing=changing,
        unfinished=unfinished(environment, changing),
    )


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


def _service(status: Status, observed: Observed, current: Manifest | None, unit: Unit) -> Status:
    """Add the release and the process that serve."""
    return replace(
        status,
        release=observed.runs or observed.current,
        answers_as=faults.answers_as(observed),
        current=observed.current,
        previous=observed.previous,
        commit=current.commit if current else None,
        subject=current.subject if current else None,
        listen=observed.listen or (current.listen if current else None),
        pid=observed.pid or None,
        restarts=unit.restarts,
        since=float(unit.since) if unit.since and observed.pid else None,
        memory=_memory(observed.pid),
    )


def _on_disk(status: Status, environment: Environment, observed: Observed) -> Status:
    """Add the event logs, releases and units on the disk, with their sizes."""
    names = _newest_first(observed)
    layers = [environment.layout.layers / digest for digest in _layers(observed)]
    return replace(
        status,
        starts_on_boot=observed.enabled,
        log=observed.log,
        archived_logs=[_archived_log(environment, name) for name in observed.logs],
        releases=names,
        releases_on_disk=[_release(environment, observed, name) for name in names],
        dependencies=sum(measure(layer).bytes for layer in layers),
        drop_ins=observed.dropins,
    )


def unfinished(environment: Environment, changing: Holder | None) -> list[str]:
    """The transactions that were begun and have no result, without the one that is under way."""
    running = changing.transaction if changing else ""
    begun = (item for item in record.of(environment) if item.entries("attempt") and item.result is None)
    return [item.id for item in begun if item.id != running]


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
    if observed.exists and (note := probation.note(environment)):
        yield note
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


def _release(environment: Environment, observed: Observed, name: str) -> InstalledRelease:
    release = observed.releases[name]
    size_ = measure(environment.releases / name).bytes
    return InstalledRelease(name, release.verified_at or None, size_, release.intact)


def _log(log: Log) -> dict[str, Any]:
    position, digest = log.last
    return {"length": log.length, "head": log.head, "said": {"position": position, "hash": digest}}


def _archived_log(environment: Environment, name: str) -> ArchivedLog:
    path = environment.archived_logs / name
    written_at = files.written_at(path / file for file in deleted.FILES)
    files_ = [entry.stat(follow_symlinks=False) for entry in reading.entries(path, FEW)]
    size_ = sum(item.st_blocks * 512 for item in files_)
    return ArchivedLog(name, size_, written_at, str(path))


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
