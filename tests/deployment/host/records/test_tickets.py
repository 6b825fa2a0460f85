"""Tickets of changes that have not begun: a cancel and a beginning never both find one."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.host.node.threads import Call
from deployment.host.records import tickets
from deployment.host.values.errors import Refused
from deployment.host.values.layout import Environment, Layout


@pytest.fixture
def dev(tmp_path: Path) -> Environment:
    """An environment of a node without a change."""
    return Layout(tmp_path).of("dev")


def test_change_that_is_cancelled_does_not_begin(dev: Environment) -> None:
    """Once is enough; a second cancel finds nothing. Another environment's change is not meant."""
    with tickets.issue(dev, "deploy", "Ada") as ticket:
        assert tickets.cancel(dev.layout.of("staging"), "ann@host") == []
        ticket.refuse_cancelled()
        message = "cancelled by ann@host before it began."
        assert tickets.cancel(dev, "ann@host") == [{"verb": "deploy", "actor": "Ada", "message": message}]
        assert tickets.cancel(dev, "bob@host") == []
        for refuse in (ticket.refuse_cancelled, ticket.redeem):
            with pytest.raises(Refused, match="cancelled by ann@host before it began"):
                refuse()
    assert list(dev.layout.locks.iterdir()) == []


def test_two_cancels_at_once_leave_one_author(dev: Environment) -> None:
    """Each writes at the same position: of the longer line an end is left."""
    with tickets.issue(dev, "deploy", "Ada") as ticket:
        change = ticket.path.read_bytes()
        tickets.cancel(dev, "ann-with-a-long-name@host")
        path = ticket.path.with_suffix(tickets.CANCELLED)
        longer, shorter = path.read_bytes()[len(change) :], b'{"by": "bob@host"}\n'
        path.write_bytes(change + shorter + longer[len(shorter) :])
        with pytest.raises(Refused, match="cancelled by bob@host"):
            ticket.redeem()


def test_change_that_has_begun_is_not_cancelled(dev: Environment) -> None:
    """By its ticket: it has a record from here on."""
    with tickets.issue(dev, "deploy", "Ada") as ticket:
        ticket.redeem()
        assert tickets.cancel(dev, "ann@host") == []
    assert list(dev.layout.locks.iterdir()) == []


def test_ticket_of_a_process_that_has_died_is_removed(dev: Environment) -> None:
    """It is nobody's: there is nothing to cancel."""
    with tickets.issue(dev, "deploy", "Ada") as ticket:
        content = ticket.path.read_bytes()
    ticket.path.write_bytes(content)
    assert tickets.cancel(dev, "ann@host") == []
    assert not ticket.path.exists()


@pytest.mark.parametrize("_", range(10))
def test_cancel_and_beginning_at_once_have_one_winner(dev: Environment, _: int) -> None:
    """Whichever comes first."""
    with tickets.issue(dev, "deploy", "Ada") as ticket:
        cancel = Call(tickets.cancel, dev, "ann@host")
        try:
            ticket.redeem()
            begun = True
        except Refused:
            begun = False
        assert begun != bool(cancel.result())
    assert list(dev.layout.locks.iterdir()) == []
