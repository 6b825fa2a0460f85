"""A cancel and a switch: the first one has the last word."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.host.node.threads import Call
from deployment.host.records import cancellation, record
from deployment.host.records.record import Transaction
from deployment.host.values.errors import Refused, StepFailed
from deployment.host.values.layout import Layout

REQUEST = {"verb": "deploy", "environment": "dev", "actor": {"name": "Ada"}}


@pytest.fixture
def transaction(tmp_path: Path) -> Transaction:
    """A deploy of Ada's that has begun."""
    transaction = record.create(Layout(tmp_path), REQUEST)
    transaction.begin(1)
    return transaction


def test_cancelled_transaction_does_not_switch(transaction: Transaction) -> None:
    """Its error names who was first; a second cancel adds nothing."""
    cancellation.refuse_cancelled(transaction)
    cancellation.cancel(transaction, "ann@host")
    cancellation.cancel(transaction, "bob@host")
    assert len(transaction.entries("cancel")) == 1
    for look in (cancellation.refuse_cancelled, cancellation.begin_switch):
        with pytest.raises(StepFailed, match=r"cancelled by ann@host before the switch\."):
            look(transaction)
    assert not transaction.entries("switch")


@pytest.mark.parametrize(
    ("verb", "hint"),
    [("deploy", "make rollback ENV=dev"), ("stop", "make start ENV=dev"), ("remove", "make status ENV=dev")],
)
def test_transaction_past_its_switch_is_not_cancelled(tmp_path: Path, verb: str, hint: str) -> None:
    """The refusal names the step and the way to undo it. A later attempt goes on."""
    transaction = record.create(Layout(tmp_path), {**REQUEST, "verb": verb})
    transaction.begin(1)
    cancellation.begin_switch(transaction)
    transaction.write("step", state="begin", verb="verify", title="verify")
    with pytest.raises(
        Refused, match=rf"the {verb} of dev by Ada is past its switch \(verify\)\."
    ) as refused:
        cancellation.cancel(transaction, "ann@host")
    assert hint in refused.value.hint
    cancellation.begin_switch(transaction)
    assert len(transaction.entries("switch")) == 1
    assert not transaction.entries("cancel")


def test_transaction_of_an_earlier_version_is_not_cancelled(tmp_path: Path) -> None:
    """It looks for no cancel, and would go on."""
    transaction = record.create(Layout(tmp_path), REQUEST)
    transaction.write("attempt", number=1)
    with pytest.raises(Refused, match="was begun by an earlier version"):
        cancellation.cancel(transaction, "ann@host")


def test_transaction_that_is_about_to_start_is_cancelled(tmp_path: Path) -> None:
    """Its data is there; one whose data is on its way has a ticket."""
    coming = record.create(Layout(tmp_path), REQUEST)
    with record.staging(coming):
        assert not record.is_about_to_start(coming)
    assert record.is_about_to_start(coming)
    cancellation.cancel(coming, "ann@host")
    coming.begin(1)
    assert not record.is_about_to_start(coming)
    with pytest.raises(StepFailed, match="cancelled by ann@host"):
        cancellation.begin_switch(coming)


@pytest.mark.parametrize("_", range(10))
def test_cancel_and_switch_at_once_have_one_winner(transaction: Transaction, _: int) -> None:
    """The lock of the decision lets nobody look while the other writes."""
    cancel = Call(cancellation.cancel, transaction, "ann@host")
    try:
        cancellation.begin_switch(transaction)
    except StepFailed:
        cancel.result()
        assert not transaction.entries("switch")
    else:
        with pytest.raises(Refused, match="past its switch"):
            cancel.result()
        assert not transaction.entries("cancel")
