"""A transaction that cannot look at its environment ends all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.host import record, transaction
from deployment.host.errors import StepFailed
from deployment.host.layout import Environment, Layout
from deployment.host.transaction import ALL_ATTEMPTS, FORWARD_ATTEMPTS


@pytest.mark.parametrize(("died", "outcome"), [(FORWARD_ATTEMPTS, "hands"), (ALL_ATTEMPTS, "hands")])
def test_attempts_whose_look_fails_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died: int, outcome: str
) -> None:
    """As with a service manager that hangs: the change needs a person, and does not die for ever."""
    layout = Layout(tmp_path)
    actor = {"name": "Ada"}
    request = {"verb": "restart", "environment": "dev", "actor": actor}
    mine = record.create(layout, request)
    for number in range(1, died + 1):
        mine.write("attempt", number=number)
    mine.write("before", state="running", release="r", pid=7, enabled=True, user=True, home=True, log=None)

    def look(*_: object) -> None:
        raise StepFailed("no end after 60 s: systemctl show")

    monkeypatch.setattr(transaction, "observe", look)
    transaction._Change(layout, Environment("dev"), mine, request).run()
    assert mine.result is not None
    assert mine.result["outcome"] == outcome
