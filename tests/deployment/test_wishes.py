"""What a verb asks for, as a state."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.host import releases
from deployment.host.layout import Layout
from deployment.host.wishes import wanted_of

from .shelves import DEV, NEW, OLD, release


@pytest.mark.parametrize("kept", ["", "5-aaaaaaaaaaaa"])
def test_restored_log_is_watched_as_long_as_was_asked(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    """A service may answer with another log, and die of it a moment later."""
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    monkeypatch.setattr(releases, "current", lambda *_: "r")
    log = {"length": NEW.length, "head": NEW.head} | ({"kept": kept} if kept else {})
    request: dict[str, Any] = {"verb": "restore", "environment": "dev", "soak": 3.0, "log": log}
    wanted = wanted_of(layout, DEV, request)
    assert (wanted.state, wanted.watch, wanted.kept, wanted.staged) == ("running", 3.0, kept, False)
    assert wanted.log is not None
    assert wanted.log.tells(NEW)
    assert not wanted.log.tells(OLD)
