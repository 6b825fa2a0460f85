"""Data that a release has made by itself, apart from what anybody has said or put there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.event_log import last_head, log_commands
from deployment.host.observe import observe
from deployment.host.releases import releases
from deployment.host.values.layout import Layout
from deployment.host.values.log import Log
from services.event_log import last_backup
from tests.deployment.shelves import release, write

STARTS = Log(2, "f" * 64, said=(0, "0" * 64))


def test_notes_beside_a_log_of_starts_alone_are_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last head and the time of the last backup; any other file is somebody's."""
    layout = Layout(tmp_path)
    data = layout.of("dev").data
    made = release(layout)
    made = replace(made, config={**made.config, "projections_db_path": str(data / "projections" / "p.db")})
    monkeypatch.setattr(releases, "manifests", lambda *_: [made])
    monkeypatch.setattr(log_commands, "at_rest", lambda *_: STARTS)
    monkeypatch.setattr(log_commands, "flaw", lambda *_: None)
    write(data / "events", STARTS)
    for note in (last_head.beside(made), last_backup.beside(data / "events")):
        note.touch()
    assert not observe._holds_more(layout.of("dev"))
    (data / "letter.txt").touch()
    assert observe._holds_more(layout.of("dev"))
