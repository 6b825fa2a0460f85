"""A connection that goes before anything has begun, and one that waits for what will never end."""

from __future__ import annotations

import os

import pytest

from deployment.host.node import systemd
from deployment.host.node.wire import Hangup, Wire
from deployment.host.records import record
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
    try:
        with pytest.raises(Hangup):
            changing._begun(Wire(reading, sink), layout.root, request, (Step("install-release", ("r",)),))
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
