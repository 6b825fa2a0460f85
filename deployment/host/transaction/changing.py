"""A change on the ssh side: the plan, the staging of what is missing, the start of the transaction.

Whatever has been started belongs to the node, and goes on without the connection.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from ..event_log import archived_logs, log_commands, room
from ..node import dropins, systemd
from ..node.wire import Hangup, Wire
from ..observe.directories import refuse_nobody
from ..observe.observe import observe
from ..plan.plan import plan
from ..plan.preconditions import unmounted
from ..records import locks, record
from ..releases import halves, releases
from ..values.desired import Desired, Stopped
from ..values.errors import HostError, Refused, StepFailed, Unfinished
from ..values.layout import Environment, Layout
from ..values.model import Manifest, Observed, changed_keys, id_of
from ..values.step import Step, callers
from . import unit
from .recovery import settle
from .request import desired_of

POLL = 0.01  # seconds between two looks at the record


def change(layout: Layout, wire: Wire, program: Path, request: dict[str, Any]) -> None:
    """Say the plan of a change, and have it carried out unless the request is a `dry` one."""
    environment = Environment(request["environment"])
    try:
        _prepare(layout, environment, request)
        manifest = releases.read_manifest(layout, environment, releases.current(layout, environment))
        _look_up_log(layout, environment, manifest, request)
        observed, desired, steps = _preview(layout, environment, request)
    except OSError as error:  # such as a mount in the data that answers no more
        raise Refused(f"{error.filename or 'the disk'}: {error.strerror}.", unmounted(environment)) from error
    before = observed.current
    wire.say(
        "plan",
        steps=[step.to_json() for step in steps],
        callers=callers(steps),
        drop_ins=list(observed.dropins),
        stopped=observed.exists and observed.is_stopped,
        before=before,
        data=str(layout.data(environment)) if observed.data else None,
        release=desired.release.id if desired.release else None,
        changed_keys=changed_keys(manifest, desired.release) if manifest and desired.release else [],
        log=archived_logs.preview(layout, environment, manifest, observed.log, desired.log, desired.kept)
        if manifest and desired.log
        else None,
        redaction=request.get("planned"),
        manifest=manifest.to_json() if manifest and request.get("dry") else None,
        units={name: _lines(layout.unit_file(name)) for name in observed.units} if request.get("dry") else {},
    )
    if request.get("dry"):
        wire.say("result", outcome="planned", before=before, after=before)
        return
    if not steps:
        wire.say("result", outcome="nothing", before=before, after=before)
        return
    follow(wire, _begun(layout, wire, program, request, steps))


def _prepare(layout: Layout, environment: Environment, request: dict[str, Any]) -> None:
    """Refuse what cannot begin, close what an earlier one has left, and name the release of a rollback."""
    if not request.get("dry"):
        room.refuse_full(layout, environment, request["verb"])
        held = locks.holder(layout, environment.name)
        if held is not None:
            raise locks.busy(environment.name, held)
        settle(layout, environment, request["actor"]["name"])
    if request["verb"] == "rollback":
        request["to"] = _release_to_go_back_to(layout, environment, request.get("to"))
        if request.get("config") == "current":
            _keep_configuration(layout, environment, request)


def _begun(
    layout: Layout, wire: Wire, program: Path, request: dict[str, Any], steps: tuple[Step, ...]
) -> record.Transaction:
    """The transaction that carries the steps out, which runs by itself from here on."""
    request["actor"]["login"] = os.environ.get("SUDO_USER") or "root"
    try:
        transaction = record.create(layout, request)
    except OSError as error:
        record.forget_empty(layout)
        raise _unwritable(error) from error
    wire.say("transaction", id=transaction.id, unit=transaction.unit)
    try:
        with record.staging(transaction):
            _stage(layout, wire, transaction, steps)
    except OSError as error:
        record.forget(layout, transaction)
        raise _unwritable(error) from error
    except (Hangup, HostError):
        record.forget(layout, transaction)
        raise
    try:
        _start(layout, transaction, program)
    except StepFailed as error:
        unit.remove(layout, transaction)
        record.forget(layout, transaction)
        others = dropins.of(layout, transaction.unit).values()  # such as those for all of helionyx-*.service
        named = tuple(f"its unit is changed by the drop-in {path}" for path in others)
        raise Refused(
            "the node cannot start the transaction.", "fix that first", (*error.details, *named)
        ) from error
    except HostError:  # such as a lock that does not get free
        record.forget(layout, transaction)
        raise
    return transaction


def _look_up_log(
    layout: Layout, environment: Environment, manifest: Manifest | None, request: dict[str, Any]
) -> None:
    """Refuse to go on without the log that is read or who reads it, and say of a kept one what it is."""
    if request["verb"] == "rebuild" and manifest is not None:
        log_commands.refuse_missing(manifest)
    if request["verb"] == "redact" and manifest is not None:
        from ..apply import redaction

        redaction.look_up(layout, environment, manifest, request)
    if request["verb"] == "restore" and manifest is not None:
        refuse_nobody(environment)
    if request["verb"] == "restore" and "kept" in request["log"]:
        request["log"] = archived_logs.find(layout, environment, manifest, request["log"]["kept"])


def _preview(
    layout: Layout, environment: Environment, request: dict[str, Any]
) -> tuple[Observed, Desired, tuple[Step, ...]]:
    """The state found, the state desired, and the steps between them as things stand now."""
    desired = desired_of(layout, environment, request)
    if request["verb"] == "deploy" and id_of(request["release"]) != request["release"]["id"]:
        raise Refused(f"release {request['release']['id']} does not bear the id of its contents.")
    # What a stop does depends on no log: it goes on at once where somebody keeps the log from being read.
    observed = observe(layout, environment, desired, with_log=not isinstance(desired, Stopped))
    return observed, desired, plan(observed, desired)


def _release_to_go_back_to(layout: Layout, environment: Environment, named: str | None) -> str:
    """The named release, whole or as the beginning of its id, or else the one before the current one."""
    kept = releases.names(layout, environment)
    if named is None:
        before = releases.previous(layout, environment)
        if before is None:
            raise Refused(
                f"there is no earlier successful release of {environment.name}.",
                f"git switch --detach to the commit that you want, then make deploy ENV={environment.name}",
            )
        named = before
    found = [name for name in kept if name == named or name.startswith(named)]
    if len(found) == 1 and releases.read_manifest(layout, environment, found[0]) is None:
        raise Refused(f"the manifest of release {found[0]} cannot be read.", "deploy its commit once more")
    if len(found) != 1:
        what = "is not kept" if not found else f"could be {' or '.join(found)}"
        raise Refused(f"release {named} {what}.", f"kept are {', '.join(kept) or 'none'}")
    return found[0]


def _keep_configuration(layout: Layout, environment: Environment, request: dict[str, Any]) -> None:
    """Make the request one for the old code with the configuration that runs, unless it is that already."""
    from ..apply import compose

    new = compose.manifest(layout, environment, request["to"])
    if new.id != request["to"]:
        request["release"] = new.to_json()


def _lines(path: Path) -> list[str]:
    """The lines of a unit file for showing; it may have been edited into anything, or be gone by now."""
    return path.read_bytes().decode(errors="replace").splitlines() if path.exists() else []


def _unwritable(error: OSError) -> Refused:
    return Refused(
        f"the node cannot write {error.filename or 'what was sent'}: {error.strerror}.", "fix its disk"
    )


def _stage(layout: Layout, wire: Wire, transaction: record.Transaction, steps: tuple[Step, ...]) -> None:
    """Ask for what the plan installs; a layer that another environment brought meanwhile is not asked for."""
    verbs = {step.verb for step in steps}
    needs = [kind for kind in ("layer", "release", "log") if f"install-{kind}" in verbs]
    request = transaction.request
    if request["verb"] == "rollback" and "release" in needs:
        from ..apply import compose

        new = Manifest.from_json(request["release"])
        compose.stage(layout, Environment(new.environment), request["to"], new, transaction.path)
        needs.remove("release")
    wire.say("need", blobs=needs)
    for kind in needs:
        head = wire.hear()
        environment = Environment(request["environment"])
        room.refuse_too_large(layout, environment, kind, int(head["size"]))
        if kind == "log":
            archived_logs.refuse_full_disk(layout, environment, int(head["size"]))
        name = "log.db" if kind == "log" else f"{kind}.tar.gz"
        wire.receive(transaction.path / name, int(head["size"]), str(head["sha256"]))


def _start(layout: Layout, transaction: record.Transaction, program: Path) -> None:
    """Start the unit that carries the transaction out, with the host half kept on disk."""
    unit.start(layout, transaction, halves.keep(layout, program))


def follow(wire: Wire, transaction: record.Transaction, told: int = 0) -> None:
    """Relay the record line by line until its result; a unit that is gone without one is a result too."""
    patience = time.monotonic() + 2.0
    while True:
        entries = transaction.entries()
        for entry in entries[told:]:
            if entry["event"] == "result":
                wire.say("result", transaction=transaction.id, **entry)
                return
            wire.say("record", entry=entry)
        told = max(told, len(entries))
        if time.monotonic() > patience:
            _refuse_to_wait_for_nothing(transaction)
            patience = time.monotonic() + 2.0
        time.sleep(POLL)


def _refuse_to_wait_for_nothing(transaction: record.Transaction) -> None:
    if systemd.is_alive(transaction.unit) or transaction.result is not None:
        return
    if not transaction.entries("attempt"):
        raise Refused(
            f"transaction {transaction.id} was never begun: the connection broke before.", "try again"
        )
    raise Unfinished(
        f"transaction {transaction.id} ended without a result.",
        f"on the node: journalctl --unit {transaction.unit}; the next deploy goes on from what it left",
    )
