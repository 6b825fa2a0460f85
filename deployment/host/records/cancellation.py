"""Cancelling a change before its switch. Whoever is first has the last word: a cancel, or the switch.

Both are entries in the record of the transaction, and one lock is held while either is written. See ADR 25.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from ..values.errors import Refused, StepFailed
from .record import Transaction

# The commands that undo a change whose switch has begun, once it has ended.
UNDO = {
    "deploy": "make rollback ENV={name} goes back",
    "rollback": "make rollback ENV={name} goes on from there",
    "stop": "make start ENV={name} starts it again",
    "restore": "make status ENV={name} lists the archived log, which make restore brings back",
}


def cancel(transaction: Transaction, by: str) -> None:
    """Note that somebody cancels a transaction, which looks for that between its steps. Once is enough.

    Raises `Refused` if its switch has begun, or if its program is of a version that does not look.
    """
    with _decision(transaction):
        name, verb = (transaction.request[key] for key in ("environment", "verb"))
        change = f"the {verb} of {name} by {transaction.request['actor']['name']}"
        if transaction.entries("switch"):
            step = transaction.entries("step")[-1:]
            phase = f" ({step[0]['title']})" if step else ""
            undo = UNDO.get(verb, "make status ENV={name} shows its end").format(name=name)
            raise Refused(f"{change} is past its switch{phase}.", f"once it has ended, {undo}")
        attempts = transaction.entries("attempt")
        if attempts and not attempts[-1].get("cancels"):
            raise Refused(f"{change} was begun by an earlier version, and goes on to its end.")
        if not transaction.entries("cancel"):
            transaction.write("cancel", by=by)


def error_of(transaction: Transaction) -> StepFailed | None:
    """The error of a transaction that somebody has cancelled; None for any other."""
    cancelled = transaction.entries("cancel")
    return StepFailed(f"cancelled by {cancelled[0]['by']} before the switch.") if cancelled else None


def refuse_cancelled(transaction: Transaction) -> None:
    """Raise `StepFailed` if somebody has cancelled a transaction."""
    error = error_of(transaction)
    if error is not None:
        raise error


def begin_switch(transaction: Transaction) -> None:
    """Note that the switch begins, or raise `StepFailed` if somebody has cancelled the transaction before."""
    if transaction.entries("switch"):
        return
    with _decision(transaction):
        refuse_cancelled(transaction)
        transaction.write("switch")


@contextmanager
def _decision(transaction: Transaction) -> Iterator[None]:
    """Let nobody else decide meanwhile. The lock ends with its holder, who writes one line."""
    with (transaction.path / "request.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
