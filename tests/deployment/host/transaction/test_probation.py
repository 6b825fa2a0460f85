"""When a probation begins and ends, and what it does with a release that has failed."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployment.host.node import probe, systemd
from deployment.host.node.systemd import Unit
from deployment.host.records import locks, record
from deployment.host.records.locks import Holder
from deployment.host.records.record import Transaction
from deployment.host.releases import halves, releases
from deployment.host.transaction import probation, unit
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from deployment.host.values.request import ResolvedRequest
from tests.deployment.shelves import release

BEFORE, AFTER = "aaaaaaaaaaaa-111111111111", "bbbbbbbbbbbb-222222222222"
REQUEST = {"verb": "deploy", "environment": "dev", "actor": {"name": "Ada"}, "watch": 60.0}
SERVICE = Unit("helionyx-dev.service", "active", "running", 7, 0, stale=False, listen=None, since="")
HALF = Path("/half.pyz")


def deployed(layout: Layout, **members: Any) -> Transaction:
    """A deploy that is done."""
    transaction = record.create(layout, {**REQUEST, **members})
    transaction.begin(1)
    transaction.write("result", outcome="done", before=BEFORE, after=AFTER)
    return transaction


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A node on which the service of dev runs."""
    layout = Layout(tmp_path)
    made = replace(release(layout), id=AFTER, config={"api_host": "127.0.0.1", "api_port": 1})
    monkeypatch.setattr(releases, "read_manifest", lambda *_: made)
    monkeypatch.setattr(releases, "current", lambda _: AFTER)
    monkeypatch.setattr(halves, "keep", lambda _, program: program)
    monkeypatch.setattr(probation, "POLL", 0.0)
    return layout


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Transaction]:
    """The transactions that were started."""
    transactions: list[Transaction] = []
    monkeypatch.setattr(unit, "start", lambda transaction, _: transactions.append(transaction))
    return transactions


def looks(monkeypatch: pytest.MonkeyPatch, *services: Unit, answer: Any = None) -> None:
    """Let these be the looks at the service, one after another."""
    remaining = list(services)
    monkeypatch.setattr(systemd, "show", lambda names: {names[0]: remaining.pop(0)})
    monkeypatch.setattr(probe, "ask", lambda *_, **__: answer or {"ready": True})


@pytest.mark.parametrize(
    ("members", "result", "begins"),
    [
        ({}, {}, True),
        ({"watch": 0}, {}, False),
        ({"insist": True}, {}, False),
        ({"verb": "rollback"}, {}, False),
        ({}, {"outcome": "failed"}, False),
        ({}, {"before": None}, False),
        ({}, {"before": AFTER}, False),
    ],
)
def test_deploy_of_another_release_begins_it(
    layout: Layout,
    monkeypatch: pytest.MonkeyPatch,
    members: dict[str, Any],
    result: dict[str, Any],
    begins: bool,
) -> None:
    """Only if there is a release to go back to, which can read what this one writes."""
    orders: list[list[str]] = []
    monkeypatch.setattr(probation, "run", orders.append)
    transaction = deployed(layout, **members)
    transaction.write("result", **{"outcome": "done", "before": BEFORE, "after": AFTER, **result})
    probation.begin(transaction, ResolvedRequest.parse(transaction.request, layout), HALF)
    assert len(orders) == begins
    if begins:
        assert orders[0][-3:] == ["probation", "/half.pyz", transaction.id]
        assert f"--unit=helionyx-probation-{transaction.id}.service" in orders[0]
        assert "--property=RuntimeMaxSec=120" in orders[0]


def test_release_that_crashes_is_rolled_back(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, started: list[Transaction]
) -> None:
    """By a transaction of its own, to the release before."""
    looks(monkeypatch, SERVICE, SERVICE, replace(SERVICE, active="activating", pid=0, restarts=1))
    probation.watch(deployed(layout), HALF)
    (revert,) = started
    request = ResolvedRequest.parse(revert.request, layout)
    assert (request.verb, request.to, request.failed) == ("rollback", BEFORE, AFTER)
    assert (request.actor["name"], request.reason) == (
        "probation",
        "its process ended by itself and was restarted once",
    )


def test_next_change_ends_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, started: list[Transaction]
) -> None:
    """Whatever becomes of the service then; one that was not begun, or is another environment's, does not."""
    transaction = deployed(layout)
    numbers = itertools.count()
    monkeypatch.setattr(record, "new_id", lambda name: f"99990101T{next(numbers):06}Z-{name}-0000")
    deployed(layout, environment="live")
    record.create(layout, REQUEST)
    crashed = replace(SERVICE, restarts=1)
    looks(monkeypatch, SERVICE, SERVICE, crashed)
    probation.watch(transaction, HALF)
    assert len(started) == 1
    deployed(layout, verb="restart")
    looks(monkeypatch, crashed)
    probation.watch(transaction, HALF)
    assert len(started) == 1


def test_service_that_a_person_stops_ends_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, started: list[Transaction]
) -> None:
    """It is no failure of the release."""
    looks(monkeypatch, SERVICE, replace(SERVICE, active="inactive", pid=0))
    probation.watch(deployed(layout), HALF)
    assert started == []


def test_change_that_was_asked_for_earlier_ends_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its id is older, since its data was sent first; and so is that of a clock that was set back."""
    transaction, environment = deployed(layout), layout.of("dev")
    monkeypatch.setattr(record, "new_id", lambda name: f"20010101T000000Z-{name}-0000")
    earlier = record.create(layout, REQUEST)
    assert not probation._is_superseded(environment, transaction)
    earlier.begin(1)
    assert probation._is_superseded(environment, transaction)


def test_another_release_ends_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has activated it."""
    transaction = deployed(layout)
    monkeypatch.setattr(releases, "current", lambda _: BEFORE)
    assert probation._is_superseded(layout.of("dev"), transaction)


@pytest.mark.parametrize("state", ["deactivating", "activating"])
def test_restart_by_hand_is_not_judged(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, started: list[Transaction], state: str
) -> None:
    """However long it drains and starts; then a person stops the service."""
    between = replace(SERVICE, active=state, pid=0)
    clock = itertools.count(1000.0, 4.0)
    looks(monkeypatch, SERVICE, *[between] * 5, SERVICE, replace(SERVICE, active="inactive"))
    transaction = deployed(layout, watch=600)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    probation.watch(transaction, HALF)
    assert started == []


def test_rollback_that_does_not_start_leaves_nothing_and_is_tried_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link of it would carry it out at a boot long after."""
    attempts: list[Transaction] = []

    def start(transaction: Transaction, _: Path) -> None:
        attempts.append(transaction)
        if len(attempts) == 1:
            raise StepFailed("systemd does not answer.")

    monkeypatch.setattr(unit, "start", start)
    crashed = replace(SERVICE, restarts=1)
    looks(monkeypatch, crashed, crashed)
    probation.watch(deployed(layout), HALF)
    assert [item.is_known for item in attempts] == [False, True]


@pytest.mark.parametrize(
    "counts", [{"answered": 9}, {"answered": 1, "failed": 2}, {"answered": 10**400, "failed": 1}]
)
def test_counters_that_make_no_sense(counts: dict[str, int]) -> None:
    """The service may answer anything."""
    assert probation._counts(counts) is None


def test_no_look_while_a_change_holds_the_environment(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, started: list[Transaction]
) -> None:
    """It restarts the service itself."""
    looks(monkeypatch)  # a look would raise
    with locks.environment_lock(layout, "dev", Holder("restart", "Ada")):
        probation.watch(deployed(layout, watch=0.2), HALF)
    assert started == []


def test_status_tells_the_remaining_time(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as its unit runs: a reboot ends it."""
    monkeypatch.setattr(systemd, "is_alive", lambda _: True)
    environment = layout.of("dev")
    assert probation.note(environment) == ""
    deployed(layout)
    texts = [
        f"on probation for {seconds} s: if it fails, the node reverts it to {BEFORE}" for seconds in (59, 60)
    ]
    assert probation.note(environment) in texts
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    assert probation.note(environment).startswith("on probation for 60 s")
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert probation.note(environment) == ""
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(systemd, "is_alive", lambda _: False)
    assert probation.note(environment) == ""


def test_status_tells_that_a_probation_could_not_begin(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody watches the release, and whoever deployed it has gone."""

    def refuse(_: list[str]) -> None:
        raise StepFailed("systemd-run: no bus.")

    monkeypatch.setattr(probation, "run", refuse)
    transaction = deployed(layout)
    probation.begin(transaction, ResolvedRequest.parse(transaction.request, layout), HALF)
    note = probation.note(layout.of("dev"))
    assert note == "not on probation, the node does not revert it: systemd-run: no bus."
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert probation.note(layout.of("dev")) == ""
