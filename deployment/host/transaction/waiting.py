"""Waiting for another change of the same environment, or following it where it is the same deploy."""

from __future__ import annotations

import time

from ..node.wire import Wire
from ..records import locks
from ..records.locks import Holder
from ..records.record import Transaction
from ..records.tickets import Ticket
from ..values.request import Request

POLL = 0.1  # seconds between two looks at the lock
ALIKE = ("verb", "insist", "keep", "soak", "watch")  # members of two requests for the same deploy
BEAT = 1.0  # seconds between two messages to the operator's half: one that has gone ends the wait


def wait(wire: Wire, request: Request, ticket: Ticket) -> Transaction | None:
    """Wait until the environment is free, or return the running deploy of the same release.

    Raises `Busy` where another change holds the environment for more than `request.wait` seconds, and
    `Refused` where somebody has cancelled this one.
    """
    environment = request.environment
    end, beat = time.monotonic() + request.wait, 0.0
    while (holder := locks.holder(environment.layout, environment.name)) is not None:
        ticket.refuse_cancelled()
        transaction = _same_deploy(request, holder)
        now = time.monotonic()
        if transaction is not None:
            return transaction
        if now >= end:
            raise locks.busy(environment.name, holder)
        if now >= beat:
            wire.say("waiting", message=holder.text(environment.name))
            beat = now + BEAT
        time.sleep(POLL)
    return None


def _same_deploy(request: Request, holder: Holder) -> Transaction | None:
    """The transaction that holds the lock, if it deploys the release of `request`."""
    if request.verb != "deploy" or request.release is None or not holder.transaction:
        return None
    transaction = Transaction(holder.transaction, request.environment.layout)
    if not transaction.is_known:
        return None
    running = Request.parse(transaction.request, request.environment.layout)
    is_same = running.release is not None and running.release["id"] == request.release["id"]
    is_alike = all(getattr(running, key) == getattr(request, key) for key in ALIKE)
    return transaction if is_same and is_alike else None
