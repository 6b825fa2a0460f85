"""The heads that an event log must still have, as the audit recorded them."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.host.event_log.recorded_heads import RecordedHead, first_missing, recorded_heads
from deployment.host.values.layout import Environment

DEV = Environment("dev")


def end(number: int, length: int | None = None, **more: Any) -> dict[str, Any]:
    """A line of the audit at the end of a change of dev; the hash of a position is the same in each."""
    log = {} if length is None else {"position": length, "head": f"hash of {length}"}
    line = {"number": number, "event": "end", "environment": "dev", "verb": "deploy", "outcome": "done"}
    return {**line, **log, **more}


@pytest.mark.parametrize(
    ("lines", "positions"),
    [
        ([], []),
        ([end(1)], []),
        ([end(1, 3), end(2, 5)], [3, 5]),
        ([end(1, 3, outcome="failed"), end(2, 5, verb="backup")], [3, 5]),
        ([end(1, 3, environment="live"), {**end(2, 5), "event": "start"}, {}], []),
        ([end(1, 3), end(2, 2, verb="restore"), end(3, 4)], [2, 4]),
        ([end(1, 3), end(2, 3, verb="restore", outcome="failed")], [3, 3]),
        ([end(1, 3), end(2, 3, verb="restore", outcome="refused")], [3, 3]),
        ([end(1, 3), end(2, verb="restore", outcome="abandoned")], []),
        ([end(1, 3), end(2, 9, verb="remove", deleted=True), end(3, 1)], [1]),
        ([end(1, 3), end(2, 5, position="x"), end(3, 6, head=None), end(4, 7, redacted="x")], [3, 7]),
        ([end(1, 3), end(2, 6), end(3, 7, verb="redact", redacted={"position": 5})], [3, 7]),
    ],
)
def test_heads_that_a_log_must_have(lines: list[dict[str, Any]], positions: list[int]) -> None:
    """Those since the log was replaced or deleted, without those behind an event that was redacted."""
    assert [head.position for head in recorded_heads(lines, DEV)] == positions


def test_first_head_that_is_missing_is_named() -> None:
    """With the hash that is there in its place, or none where the log ends before it."""
    heads = [RecordedHead(1, 3, "a"), RecordedHead(2, 5, "b"), RecordedHead(4, 9, "c")]
    assert first_missing(heads, {3: "a", 5: "b", 9: "c"}) is None
    assert first_missing(heads, {3: "a", 5: "x", 9: None}) == (heads[1], "x")
    assert first_missing(heads, {3: "a", 5: "b", 9: None}) == (heads[2], None)
