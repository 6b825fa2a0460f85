"""A change on the ssh side: the plan, the staging of what is missing, the start of the transaction.

Whatever has been started belongs to the node, and goes on without the connection.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..event_log import archived_logs, room
from ..node import dropins, systemd
from ..node.wire import Hangup, Wire
from ..observe.observe import observe
from ..plan.plan import plan
from ..plan.preconditions import unmounted
from ..records import record, tickets
from ..records.tickets import Ticket
from ..releases import halves, releases
from ..values.desired import Desired, Stopped
from ..values.errors import HostError, Refused, StepFailed, Unfinished
from ..values.layout import Environment, Layout
from ..values.manifest import Manifest, id_of
from ..values.observed import Observed
from ..values.request import Request, ResolvedRequest
from ..values.shapes import plain
from ..values.step import Step, callers
from . import unit
from .recovery import settle
from .request import desired_of
from .resolve import resolve
from .waiting import wait

POLL = 0.01  # seconds between two looks at the record


def change(layout: Layout, wire: Wire, program: Path, asked: dict[str, Any]) -> None:
    """Say the plan of a change, and have it carried out unless the request is a `dry` one."""
    request = Request.parse(asked, layout)
    if request.dry:
        _, _, before = _planned(wire, request, asked)
        wire.say("result", outcome="planned", before=before, after=before)
        return
    with tickets.issue(request.environment, request.verb, request.actor["name"]) as ticket:
        with _readable(request.environment):
            running = _prepare(wire, request, ticket)
        transaction = running or _next(wire, program, request, asked, ticket)
    if transaction is not None:
        follow(wire, transaction)


def _next(
    wire: Wire, program: Path, request: Request, asked: dict[str, Any], ticket: Ticket
) -> record.Transaction | None:
    """Begin the transaction of a change that is confirmed; None if there is nothing to do."""
    resolved, steps, before = _planned(wire, request, asked)
    if not steps:
        wire.say("result", outcome="nothing", before=before, after=before)
        return None
    if request.asks:
        wire.hear()  # the operator has confirmed the plan; who has not hangs up
        resolved = replace(resolved, shown=before)
    return _begun(wire, program, resolved, steps, ticket)


def _planned(
    wire: Wire, request: Request, asked: dict[str, Any]
) -> tuple[ResolvedRequest, tuple[Step, ...], str | None]:
    """Say the plan; return the resolved request, its steps and the current release."""
    environment = request.environment
    with _readable(environment):
        manifest = releases.read_manifest(environment, releases.current(environment))
        resolved = resolve(request, manifest, asked)
        observed, desired, steps = _preview(resolved)
    wire.say("plan", **_plan(resolved, manifest, observed, desired, steps))
    return resolved, steps, observed.current


@contextmanager
def _readable(environment: Environment) -> Iterator[None]:
    """Refuse where the disk cannot be read, such as behind a mount in the data that answers no more."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refused(f"{error.filename or 'the disk'}: {error.strerror}.", unmounted(environment)) from error


def _plan(
    request: ResolvedRequest,
    manifest: Manifest | None,
    observed: Observed,
    desired: Desired,
    steps: tuple[Step, ...],
) -> dict[str, Any]:
    """The plan as the operator's half hears it."""
    environment, layout = request.environment, request.environment.layout
    log = None
    if manifest and desired.log:
        log = archived_logs.preview(environment, manifest, observed.log, desired.log, desired.archived)
    return {
        "steps": [step.to_json() for step in steps],
        "callers": callers(steps),
        "drop_ins": list(observed.dropins),
        "stopped": observed.exists and observed.is_stopped,
        "before": observed.current,
        "data": str(environment.data) if observed.data else None,
        "release": desired.release.id if desired.release else None,
        "log": plain(log) if log else None,
        "redaction": request.planned,
        "manifest": _facts(manifest),
        "desired": _facts(desired.release),
        "units": {name: _lines(layout.unit_file(name)) for name in observed.units} if request.dry else {},
        "desired_units": _units_of(desired) if request.dry and request.verb == "rollback" else {},
    }


def _units_of(desired: Desired) -> dict[str, list[str]]:
    """The lines of the unit files of a release on the node; none of one that is made anew."""
    if desired.release is None:
        return {}
    directory = desired.environment.releases / desired.release.id / "units"
    names = desired.release.units if directory.is_dir() else ()
    return {name: _lines(directory / name) for name in names}


def _facts(manifest: Manifest | None) -> dict[str, Any] | None:
    """The members of a manifest that the operator's half compares with those of another one."""
    keys = ("commit", "dirty", "config", "digests")
    return {key: getattr(manifest, key) for key in keys} if manifest else None


def _prepare(wire: Wire, request: Request, ticket: Ticket) -> record.Transaction | None:
    """Refuse what cannot begin, and close what an earlier change has left.

    Returns the running deploy of the same release, if there is one: its record follows.
    """
    environment = request.environment
    room.refuse_full(environment, request.verb)
    running = wait(wire, request, ticket)
    if running is None:
        settle(environment, request.actor["name"])
        return None
    wire.say("attached", id=running.id, actor=str(running.request["actor"]["name"]))
    return running


def _begun(
    wire: Wire, program: Path, request: ResolvedRequest, steps: tuple[Step, ...], ticket: Ticket
) -> record.Transaction:
    """The transaction that carries the steps out, which runs by itself from here on."""
    layout = request.environment.layout
    try:
        transaction = record.create(layout, request.to_json())
    except OSError as error:
        record.forget_empty(layout)
        raise _unwritable(error) from error
    wire.say("transaction", id=transaction.id, unit=transaction.unit)
    try:
        with record.staging(transaction):
            _stage(wire, transaction, request, steps)
            ticket.redeem()
    except OSError as error:
        record.forget(transaction)
        raise _unwritable(error) from error
    except (Hangup, HostError):
        record.forget(transaction)
        raise
    try:
        _start(transaction, program)
    except StepFailed as error:
        record.forget(transaction)
        # Such as those for all of helionyx-*.service.
        others = dropins.of(transaction.layout, transaction.unit).values()
        named = tuple(f"its unit is changed by the drop-in {path}" for path in others)
        raise Refused(
            "the node cannot start the transaction.", "fix that first", (*error.details, *named)
        ) from error
    except HostError:  # such as a lock that does not get free
        record.forget(transaction)
        raise
    return transaction


def _preview(request: ResolvedRequest) -> tuple[Observed, Desired, tuple[Step, ...]]:
    """The state found, the state desired, and the steps between them as things stand now."""
    desired = desired_of(request)
    if request.verb == "deploy" and request.release and id_of(request.release) != request.release["id"]:
        raise Refused(f"release {request.release['id']} does not bear the id of its contents.")
    # What a stop does depends on no log: it goes on at once where somebody keeps the log from being read.
    with_log = not isinstance(desired, Stopped)
    observed = observe(request.environment, desired, with_log=with_log)
    return observed, desired, plan(observed, desired)


def _lines(path: Path) -> list[str]:
    """The lines of a unit file for showing; it may have been edited into anything, or be gone by now."""
    return path.read_bytes().decode(errors="replace").splitlines() if path.exists() else []


def _unwritable(error: OSError) -> Refused:
    return Refused(
        f"the node cannot write {error.filename or 'what was sent'}: {error.strerror}.", "fix its disk"
    )


def _stage(
    wire: Wire,
    transaction: record.Transaction,
    request: ResolvedRequest,
    steps: tuple[Step, ...],
) -> None:
    """Ask for what the plan installs; a layer that another environment brought meanwhile is not asked for."""
    verbs = {step.verb for step in steps}
    needs = [kind for kind in ("layer", "release", "log") if f"install-{kind}" in verbs]
    if request.verb == "rollback" and request.to and request.manifest and "release" in needs:
        from ..apply import compose

        compose.stage(request.environment, request.to, request.manifest, transaction.path)
        needs.remove("release")
    wire.say("need", blobs=needs)
    for kind in needs:
        head = wire.hear()
        size = int(head["size"])
        room.refuse_too_large(request.environment, kind, size)
        if kind == "log":
            archived_logs.refuse_full_disk(request.environment, size)
        name = "log.db" if kind == "log" else f"{kind}.tar.gz"
        wire.receive(transaction.path / name, size, str(head["sha256"]))


def _start(transaction: record.Transaction, program: Path) -> None:
    """Start the unit that carries the transaction out, with the host half kept on disk."""
    unit.start(transaction, halves.keep(transaction.layout, program))


def follow(wire: Wire, transaction: record.Transaction, heard: int = 0) -> None:
    """Relay the record line by line until its result; a unit that is gone without one is a result too."""
    patience = time.monotonic() + 2.0
    while True:
        entries = transaction.entries()
        for entry in entries[heard:]:
            if entry["event"] == "result":
                wire.say("result", transaction=transaction.id, **entry)
                return
            wire.say("record", entry=entry)
        heard = max(heard, len(entries))
        if time.monotonic() > patience:
            _refuse_to_wait_for_nothing(transaction)
            patience = time.monotonic() + 2.0
        time.sleep(POLL)


def _refuse_to_wait_for_nothing(transaction: record.Transaction) -> None:
    if systemd.is_alive(transaction.unit) or transaction.result is not None:
        return
    if not transaction.entries("attempt"):
        raise Refused(f"transaction {transaction.id} did not start: the connection was lost.", "try again")
    raise Unfinished(
        f"transaction {transaction.id} ended without a result.",
        f"on the node: journalctl --unit {transaction.unit}; the next deploy goes on from what it left",
    )
