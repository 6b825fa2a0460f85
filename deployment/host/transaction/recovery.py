"""Results: of a transaction that came to its end, and of those that did not."""

from __future__ import annotations

from typing import Any

from ..event_log import archive_notes, archived_logs
from ..node import systemd
from ..records import audit, record
from ..records.locks import Holder, environment_lock
from ..records.record import Transaction
from ..releases import releases
from ..values.errors import HostError
from ..values.layout import Environment
from ..values.request import ResolvedRequest
from . import unit


def settle(environment: Environment, actor: str) -> None:
    """Close what a power cut left open: it has no unit any more that would bring it to its end.

    A log that it left without a name gets one, so that it can be asked for.
    """
    unfinished = [item for item in _begun(environment) if not systemd.is_alive(item.unit)]
    if unfinished or archived_logs.waits(environment):
        with environment_lock(environment.layout, environment.name, Holder("recovery", actor)):
            _tidy(environment)
            _close(environment, unfinished, "it ended without a result, as in a power cut")


def _tidy(environment: Environment) -> None:
    """Archive the log that a restore left without a name, unless a transaction is at work."""
    if any(systemd.is_alive(item.unit) for item in _begun(environment)):
        return
    release = releases.read_manifest(environment, releases.current(environment))
    restores = [item for item in record.of(environment) if item.request["verb"] == "restore"]
    last = restores[-1] if restores else Transaction("of-before", environment.layout)
    log = ResolvedRequest.parse(last.request, environment.layout).log if restores else None
    archive_notes.ArchiveNotes(environment, last, log).tidy(release)


def close_abandoned(environment: Environment, successor: Transaction) -> None:
    unfinished = [item for item in _begun(environment) if item.id != successor.id]
    reason = f"it ended without a result; {successor.id} went on from what it left"
    _close(environment, unfinished, reason)


def _begun(environment: Environment) -> list[Transaction]:
    """Those of this environment that had begun; one that has not may be waiting for the lock."""
    return [item for item in record.of(environment) if item.result is None and item.entries("attempt")]


def _close(environment: Environment, unfinished: list[Transaction], reason: str) -> None:
    """The lock is held: whoever had it before is dead."""
    for other in unfinished:
        if other.result is None:
            audit.append(
                environment.layout,
                event="end",
                transaction=other.id,
                environment=environment.name,
                verb=other.request["verb"],
                outcome="abandoned",
                reason=reason,
            )
            conclude(other, "abandoned", HostError(reason))
            other.close()


def conclude(transaction: Transaction, outcome: str, failure: HostError | None, **more: Any) -> None:
    """Write the result of a transaction, whose unit is started no more."""
    unit.remove(transaction)
    reason = (failure or HostError("")).to_json()
    transaction.write("result", **{**reason, **more, "outcome": outcome})
