"""A look at one environment: what it tells, and what becomes of the others when it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployment.host.doctor import faults, status
from deployment.host.node import systemd
from deployment.host.node.systemd import Unit
from deployment.host.records import locks
from deployment.host.records.locks import Holder
from deployment.host.releases import releases
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from deployment.host.values.manifest import Manifest
from deployment.host.values.observed import Observed, ReleaseOnDisk
from deployment.host.values.shapes import shape_of
from deployment.remote.answers import Status

CONFIG = {"api_host": "127.0.0.1", "api_port": 8000}
RELEASE = Manifest("dev", "c", False, "s", "3.11", "p", "l", {}, {}, CONFIG, {}, id="r")
HOLDER = Holder("remove", "Ada")
UNIT = Unit("helionyx-dev.service", "inactive", "dead", 0, 0, stale=False, listen=None, since="")


def on_the_wire(found: status.Status) -> Any:
    """The status as the operator's half hears it."""
    return json.loads(json.dumps(found.to_json()))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(40, "Too many levels of symbolic links"),
            "the look at it failed: OSError: [Errno 40] Too many",
        ),
        (StepFailed("no end after 60 s: systemctl", details=("a", "b")), "no end after 60 s: systemctl | b"),
    ],
)
def test_look_that_fails_is_that_environments_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    """It is degraded, and has all the fields that an environment has."""
    monkeypatch.setattr(status, "observe", lambda *_: Observed())
    monkeypatch.setattr(systemd, "show", lambda names: dict.fromkeys(names, UNIT))
    good = status.look(Layout(tmp_path).of("dev"))

    def fail(*_: object) -> Observed:
        raise error

    monkeypatch.setattr(status, "observe", fail)
    bad = status.look(Layout(tmp_path).of("dev"))
    assert (bad.state, bad.environment) == ("degraded", "dev")
    assert bad.problems[0].startswith(told)
    shape_of(Status)({"environments": [on_the_wire(good), on_the_wire(bad)]})


@pytest.mark.parametrize(
    ("holders", "looks"), [([None, None], 1), ([HOLDER, HOLDER], 1), ([HOLDER, None, None], 2)]
)
def test_change_that_ends_during_a_look_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holders: list[Holder | None], looks: int
) -> None:
    """Else half of it would be shown as the state, with problems that there are none of."""
    seen: list[Observed] = []

    def observe(*_: object) -> Observed:
        seen.append(Observed())
        return seen[-1]

    remaining = list(holders)
    monkeypatch.setattr(status, "observe", observe)
    monkeypatch.setattr(systemd, "show", lambda names: dict.fromkeys(names, UNIT))
    monkeypatch.setattr(locks, "holder", lambda *_: remaining.pop(0))
    shown = status.look(Layout(tmp_path).of("dev"))
    assert (len(seen), remaining) == (looks, [])
    assert (shown.state == "changing") == (holders[-1] is not None)


@pytest.mark.parametrize("answer", ["[" * 9 + "]" * 9, "NaN", f'"{"x" * 9000}"', "9" * 100, '{"a": 1}'])
def test_release_of_an_answer_is_a_short_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Of another shape, the operator's half would take nothing of the status of all."""
    seen = Observed(answers={"release": json.loads(answer)}, service="active", pid=7)
    monkeypatch.setattr(status, "observe", lambda *_: seen)
    monkeypatch.setattr(systemd, "show", lambda names: dict.fromkeys(names, UNIT))
    found = status.look(Layout(tmp_path).of("dev"))
    assert found.answers_as is not None
    assert len(found.answers_as) <= faults.LONGEST_ID
    shape_of(Status)({"environments": [on_the_wire(found)]})


def test_unexpected_files_are_faults_of_who_runs_and_notes_of_who_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has stopped it on purpose: that is no trouble."""
    monkeypatch.setattr(systemd, "show", lambda names: dict.fromkeys(names, UNIT))
    monkeypatch.setattr(releases, "read_manifest", lambda *_: RELEASE)
    for enabled, about in ((True, "problems"), (False, "notes")):
        seen = Observed(current="r", releases={"r": ReleaseOnDisk()}, enabled=enabled, unexpected=("a pipe",))
        monkeypatch.setattr(status, "observe", lambda *_, seen=seen: seen)
        assert "a pipe" in getattr(status.look(Layout(tmp_path).of("dev")), about)
