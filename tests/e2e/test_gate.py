"""Live takes only what CI passed."""

from __future__ import annotations

import json

from deployment.build import ci_notes

from .operator import Operator, git


def test_live_takes_what_ci_passed(three: Operator) -> None:
    """Refused, planned, recorded, deployed, overridden with the reason in the history, and turned off."""
    before = three.health("live")["release"]
    git(three.root, "config", "user.name", "Ada")
    git(three.root, "config", "user.email", "ada@example.invalid")
    three.edit("pyproject.toml", 'gate = "off"', 'gate = "on"')
    three.commit("services/changed.py", "CHECKED = 1\n")
    refused = three.change("deploy", "live", code=2)
    assert refused["message"].startswith("live takes only what CI passed: no run of make ci")
    assert "make ci at commit" in refused["hint"]
    planned = three.script("plan", "live")
    assert planned.returncode == 0
    assert "gate: no proof that CI passed" in planned.stdout
    assert three.deploy("dev")["outcome"] == "done"
    assert "has no gate" in three.change("deploy", "dev", code=2, OVERRIDE="why not")["message"]
    assert three.change("promote", "live", code=2, FROM="dev")["message"] == refused["message"]
    assert three.health("live")["release"] == before

    ci_notes.write(three.root, "HEAD")
    done = three.script("promote", "live", FROM="dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gate: make ci passed on " in done.stdout

    three.commit("services/changed.py", "UNCHECKED = 1\n")
    assert "a reason" in three.change("deploy", "live", code=2, OVERRIDE=" ")["message"]
    three.change("deploy", "live", OVERRIDE="CI is down", CONFIRM="live")
    last = json.loads(three.script("history", "live", "--json").stdout)["changes"][-1]
    assert last["override"] == "CI is down"
    assert "without a proof of CI: CI is down" in three.script("history", "live", LINES="1").stdout

    three.edit("pyproject.toml", 'gate = "on"', 'gate = "off"')
    assert "gate: off" in three.script("deploy", "live").stdout
