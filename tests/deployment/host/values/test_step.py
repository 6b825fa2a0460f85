"""The steps that a second look may still find."""

from __future__ import annotations

import pytest

from deployment.host.values.step import Step, before_switch, unfinished

RELOAD, RESTART, PRUNE = Step("reload-systemd"), Step("restart-service", ("x",)), Step("prune-layers")


@pytest.mark.parametrize(
    ("verbs", "number"),
    [
        ("", 0),
        ("install-release check-release", 2),
        ("install-release check-release rehearse soak end-rehearsal start-bridge install-units", 5),
        (
            "install-release install-units rehearse end-rehearsal install-units",
            4,
        ),  # those of the journal first
        ("install-log close-socket switch-log", 1),
        ("restart-service verify", 0),
        ("redact-log", 0),
        ("a-step-that-is-new install-release", 0),
    ],
)
def test_steps_before_the_switch(verbs: str, number: int) -> None:
    """A change can be cancelled as long as one of them is under way."""
    assert before_switch(tuple(map(Step, verbs.split()))) == number


@pytest.mark.parametrize(
    ("again", "done", "left"),
    [
        ((PRUNE,), (), ()),
        ((RELOAD,), (), (RELOAD,)),
        ((RELOAD,), (RELOAD,), ()),  # a unit that cannot be loaded stays stale: nothing is left to be done
        ((RELOAD, RESTART), (RELOAD, RESTART), (RESTART,)),
    ],
)
def test_second_look(again: tuple[Step, ...], done: tuple[Step, ...], left: tuple[Step, ...]) -> None:
    """All but tidying up and a reload that was done already counts as not reached."""
    assert unfinished(again, done) == left
