"""Cancel the changes of an environment that have not begun their switch. See ADR 25."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ..apply.steps import REHEARSING
from ..node import systemd
from ..node.run import run
from ..node.wire import Wire
from ..records import cancellation, record, tickets
from ..records.record import Transaction
from ..values.errors import Refused, Unfinished
from ..values.layout import Environment
from ..values.question import Question

POLL = 0.05  # seconds between two looks at the record
LOOK = 2.0  # seconds between two looks whether the unit is still there


def cancel(wire: Wire, question: Question) -> None:
    """Cancel all changes of an environment, wait for their end, and name them.

    Raises `Refused` where the only change is past its switch.
    """
    environment = question.environment
    by = str(question.actor.get("from") or question.actor.get("name") or "somebody")
    cancelled = tickets.cancel(environment, by)
    try:
        for transaction in _under_way(environment):
            cancellation.cancel(transaction, by)
            wire.say("cancelling", change=_named(transaction))
            cancelled.append(_ended(environment, transaction))
    except Refused as error:
        if not cancelled:
            raise
        wire.say("result", outcome="done", changes=cancelled, remark=error.message)
    else:
        wire.say("result", outcome="done", changes=cancelled)


def _under_way(environment: Environment) -> Iterator[Transaction]:
    """The transactions of an environment whose unit runs, or is about to run."""
    for transaction in record.of(environment):
        is_started = transaction.result is None and systemd.is_alive(transaction.unit)
        if is_started or (transaction.result is None and record.is_about_to_start(transaction)):
            yield transaction


def _named(transaction: Transaction) -> str:
    request = transaction.request
    return f"{request['verb']} by {request['actor']['name']}"


def _ended(environment: Environment, transaction: Transaction) -> dict[str, Any]:
    """Wait for the end of a cancelled transaction. Raises `Unfinished` where it needs attention.

    A rehearsal is ended at once: its step fails then. A soak looks by itself too, and any other
    step ends first.
    """
    look = time.monotonic() + LOOK
    while (result := transaction.result) is None:
        if _is_rehearsing(transaction):
            _end_rehearsal(environment)
        if time.monotonic() >= look:
            if not systemd.is_alive(transaction.unit) and transaction.result is None:
                hint = f"make status ENV={environment.name} names what is unfinished"
                raise Unfinished(f"transaction {transaction.id} ended without a result.", hint)
            look = time.monotonic() + LOOK
        time.sleep(POLL)
    if result["outcome"] == "hands":
        raise Unfinished(
            f"{_named(transaction)} was cancelled, and could not be reverted: {result['message']}",
            f"make status ENV={environment.name} shows what runs",
        )
    return _change(transaction, result)


def _change(transaction: Transaction, result: Mapping[str, Any]) -> dict[str, Any]:
    request = transaction.request
    return {
        "verb": request["verb"],
        "actor": request["actor"]["name"],
        "transaction": transaction.id,
        "message": result["message"],
    }


def _is_rehearsing(transaction: Transaction) -> bool:
    """Whether the present step waits for a rehearsal, and the change does not revert yet."""
    if transaction.entries("failed"):
        return False
    steps = transaction.entries("step")
    return bool(steps) and steps[-1]["state"] == "begin" and steps[-1]["verb"] in REHEARSING


def _end_rehearsal(environment: Environment) -> None:
    """Kill a rehearsal and its trial: neither has recorded anything that stays."""
    for path in environment.rehearsal_units:
        if path.suffix == ".service" and path.exists():
            run(["systemctl", "kill", "--signal=KILL", path.name], expect=(0, 1))  # 1: it does not run
