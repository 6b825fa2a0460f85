"""The answers of the host half to a question of the operator's half."""

from __future__ import annotations

from typing import Any

from deployment.host import session
from deployment.host.records import record
from deployment.host.values.layout import Layout


def test_last_change_of_an_environment_is_told_in_detail(layout: Layout) -> None:
    """By its record; a damaged line of the audit hides none, and a forgotten record is empty."""
    request = {"verb": "restart", "environment": "dev", "actor": {"name": "Ada"}}
    change = record.create(layout, request)
    change.write("attempt", number=1)
    line: dict[str, Any] = {"environment": "dev", "transaction": change.id}
    lines = [line, {"environment": "dev"}, {}, {"environment": "live", "transaction": "other"}]
    assert [entry["event"] for entry in session._record(layout, lines, "dev")] == ["attempt"]
    assert session._record(layout, lines, "live") == session._record(layout, lines, "staging") == []
