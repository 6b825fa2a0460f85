"""The lines of `make status` about one environment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from deployment.host.values.shapes import shape_of
from deployment.remote.answers import State
from deployment.verbs import status
from tests.deployment import hostile_node as node

DEPLOY = {"actor": "Ada", "verb": "deploy", "transaction": node.TRANSACTION, "since": 100, "phase": "soak"}


@pytest.mark.parametrize(
    ("changing", "shown"),
    [
        (None, "no"),
        (DEPLOY, "deploy by Ada, running for 4 s (soak)"),
        ({**DEPLOY, "phase": ""}, "deploy by Ada, running for 4 s"),
        ({"phase": "", "process": "sh (pid 7)"}, "a change by somebody"),
    ],
)
def test_lock_is_shown_with_its_holder(
    changing: dict[str, Any] | None,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the words by which the node refuses another change meanwhile, as far as its note could be read."""
    monkeypatch.setattr("deployment.ui.tables.time", SimpleNamespace(time=lambda: 104.0))
    status._detail("node1", shape_of(State)({**node.STATE, "changing": changing}))
    assert f"\nlocked       {shown}\n" in capsys.readouterr().out
