"""A service that lies: root acts on what systemd, the disk and the audit say, and shows the lie as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .back_door import BackDoor

HONEST = """
import services.api.health as health
if hasattr(health, "honest"):
    health._json = health.honest
"""
LIE = f"""
{HONEST}
health.honest = health._json
def lie(content, *more):
    content = dict(content)
    %s
    return health.honest(content)
health._json = lie
"""


def answers(intruder: BackDoor, change: str) -> None:
    """Let the service of dev answer with a `content` that is changed so."""
    intruder.run(LIE % change)


@pytest.fixture
def twice(intruder: BackDoor) -> Iterator[list[str]]:
    """Two releases of dev with a back door, the newer one running: their ids, the older one first."""
    operator = intruder.operator
    if not (operator.root / "services/changed.py").exists():
        operator.commit("services/changed.py", "NUMBER = 1\n")
    operator.deploy("dev")
    status = operator.status("dev")
    assert status["problems"] == []
    yield [status["previous"], status["current"]]
    operator.change("restart", "dev")  # whatever it says now, it is honest again


def last_change(intruder: BackDoor) -> dict[str, Any]:
    """The newest line of the history of dev."""
    done = intruder.operator.script("history", "dev", "--json")
    change: dict[str, Any] = json.loads(done.stdout)["changes"][-1]
    return change


@pytest.mark.parametrize("verb", ["rollback", "deploy"])
def test_answer_of_the_release_to_come_saves_no_restart(
    intruder: BackDoor, twice: list[str], verb: str
) -> None:
    """Whenever `current` turns, the process is another one, whatever the one before says."""
    operator = intruder.operator
    to = twice[0]
    if verb == "deploy":
        operator.change("rollback", "dev")
        to = twice[1]
    pid = operator.status("dev")["pid"]
    answers(intruder, f"content['release'] = '{to}'")
    result = operator.change(verb, "dev")
    status = operator.status("dev")
    assert "restart service helionyx-dev.service" in [step["title"] for step in result["steps"]]
    assert (status["release"], status["problems"]) == (to, [])
    assert status["pid"] != pid
    assert last_change(intruder)["outcome"] == "done"
