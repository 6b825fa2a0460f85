"""The JSON of each verb, as it was recorded for a conversation: programs depend on its keys and values."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.deployment import hostile_node as node

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_bytes())
"""The JSON of each conversation below."""

ABSENT = {
    **node.STATE,
    "environment": "dev",
    "state": "absent",
    **dict.fromkeys(("release", "current", "previous", "commit", "subject", "listen", "since", "pid")),
    **dict.fromkeys(("memory", "bot", "log", "changing")),
    "kept_logs": [],
    "kept": [],
}
DEGRADED = {**node.STATE, "environment": "live", "state": "degraded", "problems": ["a problem"]}
LOCKED = {**node.STATE, "environment": "staging", "changing": {"phase": "", "process": "sh (pid 7)"}}
REDACTED = {"at": 9, "changed": [5], "length": 8, "new_head": node.HASH, "old_head": node.HASH}
START, END = node.CONVERSATIONS["history"][1]["lines"]
LINES = [
    START,
    {**END, "redacted": {**REDACTED, "position": 5, "because": "a password"}},
    {**END, "transaction": "a backup", "verb": "backup", "actor": {"name": "Ada"}, "reason": None},
    {"event": "a damaged line"},
    {**{key: START[key] for key in START if key != "wanted"}, "wanted": None, "transaction": "under way"},
]
ABANDONED = {key: END[key] for key in ("event", "at", "environment", "verb")} | {"outcome": "abandoned"}
FOUND = {"service": "active", "socket": "active", "listen": "x", "runs": None, "answers": {"release": "x"}}
RECORD = [
    {"event": "attempt", "at": 1.0, "number": 1},
    {"event": "before", "at": 1.0, "state": "running", "release": node.OLD, "observed": FOUND},
    {**node.STEP, "at": 1.5, "state": "done", "reason": "asked for", "seconds": 1, "remark": ""},
    {"event": "failed", "at": 2.0, "title": "soak", "message": "a message", "hint": "", "details": ["x"]},
    {"event": "revert", "at": 3.0, "steps": []},
]
AUDIT = {"length": 4, "first_bad": None, "head": node.HASH, "known": None}
VERIFIED = {"environment": "dev", "heads": 2, "position": 5, "head": node.HASH, "problem": None}


def result(**content: Any) -> list[Any]:
    """A conversation with one answer."""
    return [node.HELLO, {"type": "result", "outcome": "done", **content}]


CONVERSATIONS = {
    **node.CONVERSATIONS,
    "status": result(environments=[ABSENT, LOCKED, DEGRADED]),
    "history dev": result(first_bad=3, lines=[*LINES, {**ABANDONED, "transaction": "x", "reason": "x"}]),
    "history dev LINES=1": result(first_bad=None, lines=LINES[:2], record=RECORD),
    "verify dev": result(audit=AUDIT, environments=[VERIFIED]),
    "verify live": result(
        audit={**AUDIT, "first_bad": 2}, environments=[{**VERIFIED, "environment": "live", "problem": "x"}]
    ),
    "start dev": [*node.CONVERSATIONS["restart dev"][:2], {**node.DONE, "outcome": "failed", "message": "x"}],
    "stop live": [
        node.HELLO,
        {**node.PLAN, "steps": []},
        {"type": "result", "outcome": "nothing", "before": None, "after": None},
    ],
    "remove dev": [
        node.HELLO,
        {**node.PLAN, "steps": [{"verb": "delete-data", "target": [], "reason": ""}]},
        {**node.DONE, "after": None},
    ],
    "rollback dev": [node.HELLO, node.BEGUN, {"type": "result", "outcome": "abandoned", "message": "x"}],
    "restore dev BACKUP=5-0123456789ab": [
        node.HELLO,
        node.PLAN | {"log": {**node.REPLACEMENT, "newer": None, "flaw": None}},
        node.entry(**node.STEP, state="done", seconds=1, remark="", facts={"kept": "/x/4-0", "newer": None}),
        node.DONE,
    ],
    "cancel live": result(changes=[]),
    "logs live FOLLOW=0": [node.HELLO, node.REFUSED],
}


@pytest.mark.parametrize("verb", CONVERSATIONS)
def test_json_is_as_it_was_recorded(
    verb: str, play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, too."""
    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=id, strftime=id, gmtime=id, time=lambda: 1.0)
    for module in ("change", "backup", "cancel", "doctor"):
        monkeypatch.setattr(f"deployment.verbs.{module}.time", clock)
    monkeypatch.setattr("deployment.verbs.verify.remember", lambda *_: None)
    monkeypatch.setattr("deployment.verbs.remembered.read", lambda _: None)
    _, out, err = play(verb, CONVERSATIONS[verb], "--json")
    assert "Traceback" not in err
    shown = json.loads(out.replace(str(tmp_path), "/tmp"))  # noqa: S108  a text, not a path
    assert shown == RECORDED[verb]
    assert json.dumps(shown) == json.dumps(RECORDED[verb]), "in another order"
