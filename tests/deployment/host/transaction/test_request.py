"""What a verb asks for, as a state."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from deployment.host.releases import releases
from deployment.host.transaction.request import desired_of, refuse_overtaken
from deployment.host.values.desired import Running
from deployment.host.values.errors import Refused
from deployment.host.values.layout import Layout
from tests.deployment.shelves import NEW, OLD, release, resolved


@pytest.mark.parametrize("kept", ["", "5-aaaaaaaaaaaa"])
def test_restored_log_is_watched_as_long_as_was_asked(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    """A service may answer with another log, and die of it a moment later."""
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    monkeypatch.setattr(releases, "current", lambda *_: "r")
    log = {"length": NEW.length, "head": NEW.head} | ({"kept": kept} if kept else {})
    desired = desired_of(resolved(layout, "restore", soak=3.0, log=log))
    assert isinstance(desired, Running)
    assert (desired.watch, desired.archived, desired.staged) == (3.0, kept, False)
    assert desired.log is not None
    assert desired.log.tells(NEW)
    assert not desired.log.tells(OLD)


@pytest.mark.parametrize(
    ("shown", "current", "refused"),
    [
        ("older", "older", False),
        ("older", "other", True),
        ("older", None, True),
        ("older", "next", False),  # the same deploy of somebody else
        (None, "other", False),  # nobody was asked
    ],
)
def test_plan_that_was_confirmed_is_the_one_that_is_carried_out(
    layout: Layout, shown: str | None, current: str | None, refused: bool
) -> None:
    """Not where another release came up while a person typed."""
    desired = Running(environment=layout.of("dev"), release=replace(release(layout), id="next"))
    request = replace(resolved(layout, "deploy"), shown=shown)
    expected = pytest.raises(Refused, match="older was when it was confirmed") if refused else nullcontext()
    with expected:
        refuse_overtaken(request, current, desired)
