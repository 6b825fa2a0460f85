"""`make verify`: the audit and the event logs, against each other and against what was seen before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .operator import Operator

AUDIT = "/var/lib/helionyx-deploy/deployments.jsonl"
LOG = "/var/lib/helionyx/dev/events/events.db"
FORGED = """
import sqlite3
log = sqlite3.connect("LOG")
log.executescript("DROP TRIGGER events_update; UPDATE events SET body = body || ' ' WHERE position = 2")
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine remembers of nodes, apart for each test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def verify(dev: Operator, code: int) -> dict[str, Any]:
    """The answer for dev, and a look at the exit code."""
    done = dev.script("verify", "dev", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
    return {"audit": result["audit"]["problem"], "log": result["environments"][0]["problem"]}


def test_log_and_audit_that_nobody_touched(dev: Operator) -> None:
    """Each head that the audit has is in the log; changes and restores keep that true."""
    dev.tell("dev", ["one"])
    dev.change("restart", "dev")
    lines = dev.script("verify").stdout.splitlines()
    assert lines[0].startswith("audit of ")
    assert "chain unbroken, ends in" in lines[0]
    assert lines[1].startswith("dev: ")
    assert "chain unbroken, has" in lines[1]
    assert lines[2:] == ["staging: not deployed", "live: not deployed", "exit 0: done"]


def test_log_that_was_changed_is_named(dev: Operator) -> None:
    """By its own chain; one that was cut off by the line of the audit that it contradicts."""
    dev.tell("dev", ["one", "two"])
    dev.change("stop", "dev")
    dev.on_node("cp", "--archive", LOG, "/root/events.db")
    dev.on_node("python3", "-c", FORGED.replace("LOG", LOG))
    assert "position 2" in verify(dev, 4)["log"]
    dev.on_node("rm", LOG)
    dev.on_node("cp", "--archive", "/root/events.db", LOG)
    assert verify(dev, 0) == {"audit": None, "log": None}
    shorter = "DELETE FROM events WHERE position = (SELECT max(position) FROM events)"
    cut = f"import sqlite3; sqlite3.connect('{LOG}').executescript('DROP TRIGGER events_delete; {shorter}')"
    dev.on_node("python3", "-c", cut)
    assert "of the audit recorded position" in verify(dev, 4)["log"]


def test_audit_that_was_changed_or_got_shorter_is_named(dev: Operator) -> None:
    """A chain that was cut off holds in itself: this machine remembers its end."""
    assert verify(dev, 0)["audit"] is None
    dev.on_node("cp", AUDIT, "/root/audit")
    dev.on_node("sed", "--in-place", "2s/Ada/Eve/;2s/tester/Eve/;2s/deploy/rebuild/", AUDIT)
    assert verify(dev, 4)["audit"] == "line 2 does not fit its chain: it was changed"
    dev.on_node("cp", "/root/audit", AUDIT)
    dev.on_node("sed", "--in-place", "$d", AUDIT)
    assert "lines were removed" in verify(dev, 4)["audit"]
    dev.on_node("cp", "/root/audit", AUDIT)
    assert verify(dev, 0)["audit"] is None
