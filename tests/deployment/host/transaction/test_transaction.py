"""The direction of a transaction, and what it goes back to, as its record remembers them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from deployment.host.apply import acceptance, rehearsal
from deployment.host.records import audit, cancellation, record
from deployment.host.records.record import Transaction
from deployment.host.releases import releases
from deployment.host.transaction import transaction
from deployment.host.transaction.before import as_it_was
from deployment.host.transaction.transaction import ALL_ATTEMPTS, FORWARD_ATTEMPTS
from deployment.host.values.desired import Running, Stopped
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from deployment.host.values.manifest import Manifest
from deployment.host.values.observed import Observed, ReleaseOnDisk
from deployment.host.values.request import ResolvedRequest
from deployment.host.values.step import Step
from tests.deployment.shelves import release, resolved

REQUEST = {"verb": "restart", "environment": "dev", "actor": {"name": "tester"}}
NAME = "c0ffee000000-111111111111"
RUNS = Observed(current=NAME, user=True, enabled=True, service="active", socket="active", pid=7)


def _change(layout: Layout, monkeypatch: pytest.MonkeyPatch, seen: Observed) -> Any:
    """One attempt at a restart of an environment that looks like `seen`."""
    here = _deployed(layout)
    monkeypatch.setattr(releases, "read_manifest", lambda *_: here)
    monkeypatch.setattr(releases, "current", lambda *_: here.id)
    monkeypatch.setattr(transaction, "observe", lambda *_, **__: seen)
    mine = record.create(layout, REQUEST)
    return transaction.Change(mine, ResolvedRequest.parse(mine.request, layout))


def _deployed(layout: Layout) -> Manifest:
    config = {**release(layout).config, "api_host": "127.0.0.1", "api_port": 8000}
    return replace(release(layout), id=NAME, config=config)


def test_change_that_failed_is_not_tried_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the transaction was killed between its failure and its first step back."""
    change = _change(layout, monkeypatch, RUNS)
    mine: Transaction = change.transaction
    mine.write("attempt", number=1)
    change._before(RUNS)
    mine.write("failed", title="restart service", message="It did not come up.", hint="", details=[])
    went: list[str] = []

    def forward(*_: object) -> None:
        went.append("forward")

    def back(*_: object) -> str:
        went.append("back")
        return "failed"

    monkeypatch.setattr(change, "_forward", forward)
    monkeypatch.setattr(change, "_back", back)
    change.run()
    assert went == ["back"]
    assert mine.result is not None
    assert (mine.result["outcome"], mine.result["message"]) == ("failed", "It did not come up.")


@pytest.mark.parametrize("died", [FORWARD_ATTEMPTS, ALL_ATTEMPTS])
def test_attempts_whose_look_fails_are_limited(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, died: int
) -> None:
    """As with a service manager that hangs: the change needs a person, and does not die for ever."""
    change = _change(layout, monkeypatch, RUNS)
    mine: Transaction = change.transaction
    for number in range(1, died + 1):
        mine.write("attempt", number=number)
    change._before(RUNS)

    def look(*_: object, **__: object) -> None:
        raise StepFailed("no end after 60 s: systemctl show")

    monkeypatch.setattr(transaction, "observe", look)
    change.run()
    assert mine.result is not None
    assert mine.result["outcome"] == "hands"


def test_step_that_fails_waits_for_the_trial_beside_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way back removes the copy of the log; a trial that still runs would make it again."""
    change = _change(layout, monkeypatch, RUNS)
    order: list[str] = []
    stepped = threading.Event()

    def attempt(*_: object) -> str:
        assert stepped.wait(10)
        order.append("trial ended")
        raise StepFailed("it failed on a copy, too.")

    def soak(*_: object) -> str:
        threading.Timer(0.05, stepped.set).start()
        raise StepFailed("it is gone.")

    monkeypatch.setattr(acceptance, "attempt", attempt)
    monkeypatch.setattr(rehearsal, "install", lambda *_: None)
    monkeypatch.setattr(rehearsal, "begin", lambda *_: "ready")
    monkeypatch.setattr(rehearsal, "soak", soak)
    steps = (Step("rehearse", (NAME,)), Step("soak", ("3 s",)), Step("end-rehearsal", (NAME,)))
    with pytest.raises(StepFailed, match="it is gone"):
        change._apply(steps, change._desired(), change._before(RUNS))
    assert order == ["trial ended"]


def test_step_that_a_cancel_cuts_short_fails_for_the_cancel(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record names who cancelled; the revert goes on whatever is noted."""
    change = _change(layout, monkeypatch, RUNS)
    mine: Transaction = change.transaction
    mine.begin(1)
    before = change._before(RUNS)
    steps = (Step("soak", ("3 s",)), Step("restart-service", ("helionyx-dev.service",)))

    def cut(*_: object) -> str:
        cancellation.cancel(mine, "ann@host")
        raise StepFailed("it ended by itself.")

    monkeypatch.setattr(rehearsal, "soak", cut)
    monkeypatch.setattr(transaction, "plan", lambda *_: steps)
    failure = change._forward(before, RUNS)
    assert failure.message == "cancelled by ann@host before the switch."
    (failed,) = mine.entries("failed")
    assert (failed["message"], failed["cancelled"]) == (failure.message, True)
    assert not mine.entries("switch")
    change._look_for_cancel(as_it_was(change.request, change.archive, before), is_switch=True)


def test_cancel_between_two_steps(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step at hand is done, and the next one is not begun."""
    change = _change(layout, monkeypatch, RUNS)
    mine: Transaction = change.transaction
    mine.begin(1)
    before = change._before(RUNS)

    def soak(*_: object) -> str:
        cancellation.cancel(mine, "ann@host")
        return "healthy"

    monkeypatch.setattr(rehearsal, "soak", soak)
    with pytest.raises(StepFailed, match="cancelled by ann@host"):
        change._apply((Step("soak", ("3 s",)), Step("end-rehearsal", (NAME,))), change._desired(), before)
    assert [(entry["verb"], entry["state"]) for entry in mine.entries("step")] == [
        ("soak", "begin"),
        ("soak", "done"),
    ]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    ("service", "socket", "state"),
    [
        ("active", "active", "running"),
        ("activating", "inactive", "running"),
        ("inactive", "active", "running"),
        ("inactive", "inactive", "stopped"),
    ],
)
def test_what_was_there_before_is_gone_back_to(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, service: str, socket: str, state: str, enabled: bool
) -> None:
    """What was stopped by hand stays down, and starts on boot if it did before."""
    seen = replace(RUNS, service=service, socket=socket, enabled=enabled)
    change = _change(layout, monkeypatch, seen)
    desired = as_it_was(change.request, change.archive, change._before(seen))
    assert isinstance(desired, Running if state == "running" else Stopped)
    assert desired.release is not None
    assert (desired.enabled, desired.release.id, desired.back) == (enabled, NAME, True)


@pytest.mark.parametrize(("runs", "before"), [("older", "older"), (None, NAME), ("gone", NAME)])
def test_release_that_ran_before_is_no_matter_of_answers(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, runs: str | None, before: str
) -> None:
    """The process may answer as any release: a change that fails goes back to the one that really ran."""
    answers = {"ready": True, "release": "chosen by the process"}
    kept = {"older": ReleaseOnDisk(), NAME: ReleaseOnDisk(), "chosen by the process": ReleaseOnDisk()}
    seen = replace(RUNS, runs=runs, answers=answers, releases=kept)
    change = _change(layout, monkeypatch, seen)
    assert change._before(seen).release == before
    assert audit.read(layout)[-1]["before"] == before


@pytest.mark.parametrize(
    ("verb", "step", "named"),
    [
        ("restart", "restart-service", "restart"),
        ("rebuild", "rebuild-projections", "rebuild"),
        ("restore", "switch-log", "log"),
    ],
)
def test_what_an_earlier_attempt_has_done_is_not_wanted_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, verb: str, step: str, named: str
) -> None:
    """What is said to a service after a switch is no reason to switch once more."""
    change = _change(layout, monkeypatch, RUNS)
    change.request = resolved(change.environment.layout, verb, log={"length": 5, "head": "a" * 64})
    assert getattr(change._desired(), named)
    change.transaction.write("step", verb=step, state="begin")
    assert getattr(change._desired(), named)
    change.transaction.write("step", verb=step, state="done")
    assert not getattr(change._desired(), named)
