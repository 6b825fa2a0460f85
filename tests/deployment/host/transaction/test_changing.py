"""A connection that goes before anything has begun, and one that waits for what will never end."""

from __future__ import annotations

import os

import pytest

from deployment.host.node import systemd
from deployment.host.node.wire import Hangup, Wire
from deployment.host.records import record, tickets
from deployment.host.transaction import changing
from deployment.host.values.errors import Refused, Unfinished
from deployment.host.values.layout import Layout
from deployment.host.values.request import ResolvedRequest
from deployment.host.values.step import Step

REQUEST = {"verb": "deploy", "environment": "dev", "actor": {"name": "tester"}}


def test_connection_lost_while_it_sends_leaves_no_transaction(layout: Layout) -> None:
    """Nothing was started, so status names nothing that is unfinished."""
    reading, writing = os.pipe()
    os.close(writing)
    sink = os.open(os.devnull, os.O_WRONLY)
    request = ResolvedRequest.parse(REQUEST, layout)
    steps = (Step("install-release", ("r",)),)
    try:
        with tickets.issue(request.environment, "deploy", "tester") as ticket, pytest.raises(Hangup):
            changing._begun(Wire(reading, sink), layout.root, request, steps, ticket)
    finally:
        os.close(reading)
        os.close(sink)
    assert not layout.transactions.exists()


def test_end_of_a_transaction_that_nobody_carries_out(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was never begun has touched nothing; of one that was begun nobody knows that."""
    monkeypatch.setattr(systemd, "is_alive", lambda _: False)
    transaction = record.create(layout, REQUEST)
    with pytest.raises(Refused, match="did not start"):
        changing._refuse_to_wait_for_nothing(transaction)
    transaction.write("attempt", number=1)
    with pytest.raises(Unfinished, match="ended without a result"):
        changing._refuse_to_wait_for_nothing(transaction)
    transaction.write("result", outcome="done")
    changing._refuse_to_wait_for_nothing(transaction)


def test_change_that_is_cancelled_while_it_is_sent_begins_nothing(layout: Layout) -> None:
    """Nothing of it is left, and its operator hears who cancelled it."""
    sink = os.open(os.devnull, os.O_WRONLY)
    request = ResolvedRequest.parse(REQUEST, layout)
    with tickets.issue(request.environment, "deploy", "tester") as ticket:
        tickets.cancel(request.environment, "ann@host")
        with pytest.raises(Refused, match="cancelled by ann@host before it began"):
            changing._begun(Wire(0, sink), layout.root, request, (Step("soak"),), ticket)
    os.close(sink)
    assert not layout.transactions.exists()
