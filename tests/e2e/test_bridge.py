"""A switch: a second process serves while the service restarts, and nobody notices."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from benchmarks.steady import Load

from .operator import IN_SERVICE, PORTS, RUNNER, Operator
from .test_kill import REHEARSED

RATE, LONGEST = 50, 60
SLOW = 1.0  # seconds that the service takes to begin its start
UMASK = "    os.umask(0o077)\n"
SLEEPS = f"{UMASK}    {IN_SERVICE}\n        import time\n        time.sleep({SLOW})\n"


def follow(operator: Operator, stop: threading.Event, positions: list[int]) -> None:
    """Follow the log from its beginning: ask for what comes behind the last record until the stop."""
    while not stop.is_set():
        after = positions[-1] if positions else 0
        status, body = operator.ask("dev", f"/api/v1/events?after={after}&wait=1")
        assert status == 200, body
        positions += [json.loads(line)["position"] for line in body.splitlines()]


def switched(operator: Operator, load: Load) -> list[dict[str, Any]]:
    """A deploy of a release that starts slowly, and of one that does not come up, under load."""
    with load.running():
        operator.edit(RUNNER, UMASK, SLEEPS)
        results = [operator.deploy("dev")]
        operator.undo()
        operator.break_for_real()
        results.append(operator.deploy("dev", code=3))
    return results


def test_nobody_notices_a_switch(dev: Operator) -> None:
    """Nor a revert: each request is answered before the service is, and each event comes once."""
    load = Load(dev.node.address, PORTS["dev"], dev.tokens["dev"], RATE, LONGEST)
    stop, positions = threading.Event(), list[int]()
    follower = threading.Thread(target=follow, args=(dev, stop, positions))
    follower.start()
    try:
        done, failed = switched(dev, load)
    finally:
        stop.set()
        follower.join()
    assert (done["callers"], failed["callers"]) == ("nothing", "nothing")
    assert failed["after"] == done["release"] == dev.health("dev")["release"]
    assert {sample.failure for sample in load.samples} == {""}
    assert max(sample.seconds for sample in load.samples) < SLOW
    length = dev.log("dev")["length"]
    assert positions == [*range(1, len(positions) + 1)]
    assert length - len(positions) <= 2  # the follower stopped a moment earlier
    records = [json.loads(line) for line in dev.events("dev").splitlines()]
    recorded = [json.loads(record["body"])["data"].get("text") for record in records]
    assert sorted(filter(None, recorded)) == sorted(filter(None, (sample.text for sample in load.samples)))
    assert not dev.node.run(["sh", "-c", REHEARSED]).stdout


@pytest.mark.faults
def test_release_that_does_not_serve_beside_the_service_touches_nothing(dev: Operator) -> None:
    """It passes its rehearsal; the process that runs goes on."""
    pid = dev.pid("dev")
    dies = '    if "HELIONYX_BRIDGE" in os.environ:\n        raise SystemExit("broken on purpose")\n'
    dev.edit(RUNNER, UMASK, UMASK + dies)
    result = dev.deploy("dev", code=3)
    assert "did not come up beside the service" in result["message"]
    assert any("broken on purpose" in line for line in result["details"])
    assert dev.pid("dev") == pid
    assert not dev.node.run(["sh", "-c", REHEARSED]).stdout
