"""The check that an environment still has the event log that it had after the last change: ADR 13."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from pathlib import Path

from ..records import audit, verified_releases
from ..releases import releases
from ..values.desired import Desired
from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.observed import LogLoss, Observed
from ..values.unread import Unread
from . import deleted, last_head, log_commands, redaction_notes


@dataclass(frozen=True)
class Facts:
    """A log, as it was last known and as it lies in `store`; None where that is not known."""

    environment: Environment
    store: Path
    known: Log | None  # the head that the log must have
    length: int | None = None
    hash: str | None = None  # at the position of the head that is known
    missing: bool = False  # whether no file of a log is there, or an empty one
    came_up: bool = False  # whether a release ran here, and so made a log
    deleted: bool = False  # whether the process holds a file of the log that was deleted
    pid: int = 0
    before: Path | None = None  # where the log was until now, if another place is asked for
    deployed: bool = True  # whether a release is there that could prove another log


def judge(facts: Facts) -> LogLoss | None:
    """Name the loss where the log is not the one that is known; None where it is. Pure."""
    name = facts.environment.name
    if facts.deleted:
        return LogLoss(
            f"process {facts.pid} still holds the event log of {name} in a file that was deleted.",
            f"make doctor ENV={name} shows the commands that save it; make stop ENV={name} gives it up",
            held=True,
        )
    if facts.known is None and not facts.came_up:
        return None
    ended = f", and it ended at position {facts.known.length}" if facts.known else ""
    if facts.missing and facts.before is not None:
        return LogLoss(
            f"EVENT_STORE_PATH changed from {facts.before} to {facts.store}, and no event log is there.",
            f"make stop ENV={name}; as root on the node: runuser -u {facts.environment.user} --"
            f" mv -T {facts.before} {facts.store}; then try again",
        )
    if facts.missing:
        return LogLoss(f"there is no event log in {facts.store}{ended}.", _hint(facts))
    if facts.known is None or facts.length is None or facts.hash == facts.known.head:
        return None
    changed = "EVENT_STORE_PATH changed, and " if facts.before else ""
    if facts.length < facts.known.length:
        text = f"{changed}the event log in {facts.store} ends at position {facts.length}, and had"
        return LogLoss(f"{text} {facts.known.length}.", _hint(facts))
    return LogLoss(
        f"{changed}{facts.store} has another event log: position {facts.known.length} was"
        f" {facts.known.head[:16]}, and is {str(facts.hash)[:16]}.",
        _hint(facts),
    )


def look(
    environment: Environment,
    current: Manifest | None,
    chosen: Manifest | None,
    known: Log | None,
    pid: int,
    at_rest: tuple[Log, log_commands.At] | Unread | None,
    redacting: int | None = None,
) -> LogLoss | None:
    """Judge the log that the release `chosen` would have; the release `current` can be asked to read it.

    `pid` is the process of the service, and `at_rest` the log on the disk, where that was looked at already:
    a log that could not be read is not looked at a second time.
    `redacting` is the position of an event that a person wants to have redacted.
    """
    if chosen is None:
        return None
    store = log_commands.path_of(chosen)
    now = log_commands.path_of(current) if current else store
    if store != now:
        known = _log_in(environment, current, now, at_rest, known) or known
    if store != now or at_rest is None:
        at_rest = _read(environment, current, store, known)
    facts = _facts(environment, current, store, now, known, pid)
    if not isinstance(at_rest, tuple):
        return judge(facts)
    log, at = at_rest
    if _is_redacted(environment, current, store, known, at, redacting):
        return judge(facts)
    return judge(replace(facts, length=log.length, hash=at.hash))


def _log_in(
    environment: Environment,
    current: Manifest | None,
    store: Path,
    at_rest: tuple[Log, log_commands.At] | Unread | None,
    known: Log | None,
) -> Log | None:
    """The log in the place that a change of EVENT_STORE_PATH gives up; None if no log is there."""
    if _is_missing(store):
        return None
    at_rest = at_rest or _read(environment, current, store, known)
    return at_rest[0] if isinstance(at_rest, tuple) else None


def _facts(
    environment: Environment,
    current: Manifest | None,
    store: Path,
    now: Path,
    known: Log | None,
    pid: int,
) -> Facts:
    """The facts without a look into the log. `now` is where the current release has it."""
    return Facts(
        environment,
        store,
        known,
        missing=_is_missing(store),
        came_up=_came_up(environment, current),
        deleted=bool(pid) and any(deleted.held(pid, now)),
        pid=pid,
        before=now if store != now else None,
        deployed=current is not None,
    )


def _came_up(environment: Environment, current: Manifest | None) -> bool:
    """Whether the current release was verified here, and so has made a log."""
    return current is not None and verified_releases.read(environment, current.id).verified_at > 0


@dataclass(frozen=True)
class LogState:
    """The log on the disk when a change begins, the head that it has to have, and its loss."""

    log: Log | None
    last_head: Log | None
    lost: LogLoss | None


def before(environment: Environment, observed: Observed, release: str | None, desired: Desired) -> LogState:
    """The log when a change begins: as the first look has read it, or read by the release that runs."""
    if desired.log is None and release == observed.current:
        return LogState(observed.log, observed.last_head, observed.lost)
    position = desired.redaction.position if desired.redaction else None
    return _state(environment, release, desired.release, position)


def _state(
    environment: Environment,
    release: str | None,
    chosen: Manifest | None,
    redacting: int | None = None,
) -> LogState:
    """The state of the log, read by the release's own code: the answer of a service proves nothing."""
    current, known = releases.read_manifest(environment, release), last_head.read(environment)
    rest = log_commands.rest(environment, current, at=known.length if known else None)
    lost = look(environment, current, chosen, known, 0, rest, redacting)
    return LogState(rest[0] if isinstance(rest, tuple) else None, known, lost)


def _read(
    environment: Environment, current: Manifest | None, store: Path, known: Log | None
) -> tuple[Log, log_commands.At] | Unread | None:
    """The log in a place and its hash at the known position; None where nothing is known of it."""
    if current is None or known is None or _is_missing(store):
        return None
    return log_commands.rest(environment, current, store, known.length)


def _is_redacted(
    environment: Environment,
    current: Manifest | None,
    store: Path,
    known: Log | None,
    at: log_commands.At,
    redacting: int | None,
) -> bool:
    """Whether the log ended as it is known before a redaction that the audit has, or that a person wants.

    Anybody who can write the log can note a redaction in it: that excuses no other history.
    """
    if current is None or known is None or at.hash in (None, known.head):
        return False
    lines = audit.read(environment.layout)
    if redacting is None and not redaction_notes.ended_at(lines, known.head):
        return False  # without a look at each record of a log of anybody's making
    words = ("services.event_log", "verify", "--store", str(store))
    try:
        answer = log_commands.ask(environment, current, *words, timeout=log_commands.LONG, apart=True)
    except (StepFailed, ValueError):
        return False
    return any(
        (item["at"] - 1, item["old_head"]) == (known.length, known.head)
        and (item["position"] == redacting or redaction_notes.is_audited(lines, item))
        for item in answer.get("redactions", ())
    )


def reached(environment: Environment, verb: str, outcome: str) -> Log | None:
    """The log that the service uses after a change: the head that is known now, for the audit.

    Of a service that has stopped, the end of its log is written down first, if it is the one that was there.
    A change that failed and was taken back has verified the log as well.
    """
    if outcome not in ("done", "failed"):
        return None
    if outcome == "done" and verb in ("stop", "redact"):
        release = releases.current(environment)
        state = _state(environment, release, releases.read_manifest(environment, release))
        if state.log and not state.lost:
            last_head.write(environment, state.log)
    return last_head.read(environment)


def _is_missing(store: Path) -> bool:
    """Whether no file is there, or an empty one; a link that leads nowhere, or to itself, is no file.

    Where nobody can look, a file may be there.
    """
    try:
        return not (store / log_commands.LOG_FILE).stat().st_size
    except OSError as error:
        return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def _hint(facts: Facts) -> str:
    name = facts.environment.name
    if not facts.deployed:
        return f"mount it or bring it back; or give it up: make remove ENV={name} DATA=delete"
    return (
        f"mount it or bring it back; or make restore ENV={name} BACKUP=file;"
        f" or start a new log: make restore ENV={name} BACKUP=empty"
    )
