"""The steps that a second look may still find."""

from __future__ import annotations

import pytest

from deployment.host.values.step import Step, unfinished

RELOAD, RESTART, PRUNE = Step("reload-systemd"), Step("restart-service", ("x",)), Step("prune-layers")


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
