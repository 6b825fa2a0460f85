"""A change of an environment that another change holds: refused, after a wait, or the same deploy."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from deployment.host.node.threads import Call
from deployment.host.node.wire import Wire
from deployment.host.records import locks, record, tickets
from deployment.host.records.locks import Holder
from deployment.host.records.tickets import Ticket
from deployment.host.transaction import carry_out
from deployment.host.transaction.waiting import wait
from deployment.host.values.errors import Busy, Refused
from deployment.host.values.layout import Layout
from deployment.host.values.request import Request

RELEASE = {"id": "1a2b3c4d5e6f-9f8e7d6c5b4a"}
OTHER = {"id": "ffffffffffff-9f8e7d6c5b4a"}


def request(layout: Layout, **members: Any) -> Request:
    """A request of Bob's."""
    value = {"verb": "deploy", "environment": "dev", "actor": {"name": "Bob"}, "release": RELEASE}
    return Request.parse({**value, **members}, layout)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A node without a change."""
    return Layout(tmp_path)


@contextmanager
def deploys(layout: Layout, **members: Any) -> Iterator[record.Transaction]:
    """A change of Ada's that holds dev."""
    value = {"verb": "deploy", "environment": "dev", "actor": {"name": "Ada"}, "release": RELEASE}
    transaction = record.create(layout, {**value, **members})
    with locks.environment_lock(layout, "dev", Holder("deploy", "Ada", transaction.id)):
        yield transaction


@pytest.fixture
def wire() -> Iterator[tuple[Wire, IO[bytes]]]:
    """The node's end of a conversation, and the operator's."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as heard:
        yield Wire(0, writing), heard
        os.close(writing)


@pytest.fixture
def ticket(layout: Layout) -> Iterator[Ticket]:
    """The ticket of Bob's change."""
    with tickets.issue(layout.of("dev"), "deploy", "Bob") as ticket:
        yield ticket


def test_environment_that_is_free(layout: Layout, wire: tuple[Wire, IO[bytes]], ticket: Ticket) -> None:
    """Nobody is waited for."""
    assert wait(wire[0], request(layout), ticket) is None


def test_same_deploy_is_followed(layout: Layout, wire: tuple[Wire, IO[bytes]], ticket: Ticket) -> None:
    """With the same release, and what else was asked for; everything else is refused."""
    with deploys(layout) as transaction:
        assert wait(wire[0], request(layout), ticket) == transaction
        others: list[dict[str, Any]] = [{"release": OTHER}, {"verb": "restart", "release": None}]
        for members in (*others, {"insist": True}, {"watch": 600}, {"keep": 2}):
            with pytest.raises(Busy, match=r"dev is locked: deploy by Ada") as refusal:
                wait(wire[0], request(layout, **members), ticket)
            assert refusal.value.hint.startswith("WAIT=60 waits for it to end")
    with deploys(layout, verb="rollback"), pytest.raises(Busy):
        wait(wire[0], request(layout), ticket)


def test_change_waits_for_the_end_of_another(
    layout: Layout, wire: tuple[Wire, IO[bytes]], ticket: Ticket
) -> None:
    """The operator's half hears for whom it waits."""
    here, heard = wire
    results: list[object] = []
    waits = request(layout, wait=60, release=OTHER)
    with deploys(layout):
        waiting = threading.Thread(target=lambda: results.append(wait(here, waits, ticket)))
        waiting.start()
        message = json.loads(heard.readline())
    waiting.join(10)
    assert message["type"] == "waiting"
    assert message["message"].startswith("dev is locked: deploy by Ada, running for 0 s; transaction 2")
    assert results == [None]


def test_wait_is_limited(layout: Layout, wire: tuple[Wire, IO[bytes]], ticket: Ticket) -> None:
    """Then the change is refused."""
    with deploys(layout), pytest.raises(Busy, match="dev is locked"):
        wait(wire[0], request(layout, wait=0.05, release=OTHER), ticket)


def test_unit_of_a_change_does_not_wait_in_its_place(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that waited may begin at once: the second one is refused, and its operator hears it."""
    monkeypatch.setattr(carry_out, "MOMENT", 0.0)
    late = record.create(
        layout, {"verb": "restart", "environment": "dev", "actor": {"name": "Bob"}, "wait": 60}
    )
    with deploys(layout):
        carry_out.carry_out(layout, late.id)
    assert late.result is not None
    assert late.result["outcome"] == "refused"


def test_wait_ends_with_its_operator(layout: Layout, ticket: Ticket) -> None:
    """Nobody is there to see what would be done."""
    reading, writing = os.pipe()
    os.close(reading)
    with deploys(layout), pytest.raises(BrokenPipeError):
        wait(Wire(0, writing), request(layout, wait=60, release=OTHER), ticket)
    os.close(writing)


def test_change_that_waits_is_cancelled(layout: Layout, wire: tuple[Wire, IO[bytes]], ticket: Ticket) -> None:
    """It ends at once, and names who did it; the one that it waits for goes on."""
    here, heard = wire
    waits = request(layout, wait=60, release=OTHER)
    with deploys(layout) as running:
        call = Call(wait, here, waits, ticket)
        heard.readline()
        (cancelled,) = tickets.cancel(layout.of("dev"), "ann@host")
        with pytest.raises(Refused, match=r"cancelled by ann@host before it began\."):
            call.result()
        assert not running.entries("cancel")
    assert (cancelled["verb"], cancelled["actor"]) == ("deploy", "Bob")
