"""A service that lies: root acts on what systemd, the disk and the audit say, and shows the lie as one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .back_door import BackDoor
from .faults import fault

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


@pytest.fixture(scope="module")
def releases(intruder: BackDoor) -> list[str]:
    """Two releases of dev with a back door: their ids, the older one first."""
    operator = intruder.operator
    older = operator.health("dev")["release"]
    operator.commit("services/changed.py", "NUMBER = 1\n")
    return [older, operator.deploy("dev")["release"]]


@pytest.fixture
def twice(intruder: BackDoor, releases: list[str]) -> Iterator[list[str]]:
    """Two releases of dev with a back door, the newer one running: their ids, the older one first."""
    operator = intruder.operator
    if operator.health("dev")["release"] != releases[1]:
        operator.deploy("dev")
    yield releases
    pid = operator.pid("dev")
    operator.on_node("systemctl", "restart", intruder.environment.service)
    operator.await_restart("dev", pid)  # it is honest again


def last_change(intruder: BackDoor) -> dict[str, Any]:
    """The newest line of the history of dev."""
    done = intruder.operator.script("history", "dev", "--json")
    change: dict[str, Any] = json.loads(done.stdout)["changes"][-1]
    return change


@pytest.mark.parametrize("verb", ["rollback", fault("deploy")])
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


def test_another_name_is_shown_as_a_lie(intruder: BackDoor, twice: list[str]) -> None:
    """The release that runs is known without the service; a change begins at that one."""
    operator = intruder.operator
    answers(intruder, "content['release'] = 'f00d00000000-f00d00000000'")
    status = operator.status("dev")
    assert (status["state"], status["release"]) == ("degraded", twice[1])
    assert status["problems"] == [
        f"helionyx-dev.service runs {twice[1]}, but answers as f00d00000000-f00d00000000"
    ]
    operator.change("restart", "dev")
    assert (last_change(intruder)["before"], last_change(intruder)["after"]) == (twice[1], twice[1])
    assert operator.status("dev")["problems"] == []


def test_invented_log_refuses_no_change(intruder: BackDoor, twice: list[str]) -> None:
    """What a log holds, and where it ends, is read in the log."""
    operator = intruder.operator
    invented = {"length": 10**9, "head": "f" * 64, "holds": {"Alien": [9]}}
    answers(intruder, f"content['log'] = {invented}")
    assert operator.change("rollback", "dev")["outcome"] == "done"
    assert last_change(intruder)["after"] == twice[0]
    known = json.loads(operator.on_node("cat", "/opt/helionyx/heads/dev.json"))
    assert known["position"] < 1000
    assert (known["position"], known["hash"]) == (
        last_change(intruder)["position"],
        last_change(intruder)["head"],
    )


FORGE = """
import pathlib
import apsw
import services.api.health as health
from services.event_log.records import chain_hash
from services.event_log.sqlite.schema import SCHEMA
data = pathlib.Path("/var/lib/helionyx/dev")
log = apsw.Connection(str(data / "events/events.db"))
log.set_busy_timeout(5000)
with log:
    for name in ("insert", "update", "delete"):
        log.execute(f"DROP TRIGGER events_{name}")
    bodies = [body for body, in log.execute("SELECT body FROM events ORDER BY position")]
    health.saved = getattr(health, "saved", bodies)
    bodies = %s
    log.execute("DELETE FROM events")
    head = bytes(32)
    for position, body in enumerate(bodies, 1):
        previous, head = head, chain_hash(head, position, body.encode())
        values = (position, previous, head, body)
        log.execute("INSERT INTO events (position, previous, hash, body) VALUES (?, ?, ?, ?)", values)
    log.execute(SCHEMA[SCHEMA.index("CREATE TRIGGER"):])
log.close()
(data / "events.head").unlink(missing_ok=True)
for file in (data / "projections").iterdir():
    file.unlink()
"""


@pytest.mark.parametrize(
    ("verb", "bodies", "found"),
    [
        pytest.param("deploy", "bodies[:-6]", "ends at position", id="cut"),
        fault(
            "rollback",
            "[body.replace('planned', 'paid') for body in bodies]",
            "has another event log",
            name="rewritten",
        ),
        pytest.param("restart", "bodies[:-6] + bodies[-3:] * 3", "has another event log", id="forked"),
    ],
)
def test_log_with_another_history_is_named(
    intruder: BackDoor, twice: list[str], verb: str, bodies: str, found: str
) -> None:
    """Every hash fits and the service vouches for it: the head that root has written down is another."""
    operator = intruder.operator
    operator.tell("dev", [f"planned {number}" for number in range(6)])
    operator.change("restart", "dev")  # the head is known behind these
    answers(intruder, "content['log'] = health.log = getattr(health, 'log', content['log'])")
    assert operator.status("dev")["problems"] == []
    intruder.run(FORGE % bodies)
    (problem,) = operator.status("dev")["problems"]
    if verb == "deploy":
        operator.commit("services/another.py", "NUMBER = 1\n")
    refused = operator.change(verb, "dev", code=2)
    if verb == "deploy":
        operator.undo()
    assert found in problem
    assert problem.startswith(refused["message"])
    assert operator.status("dev")["release"] == twice[1]
    intruder.run(FORGE % "health.saved")


def begin_beside(intruder: BackDoor, program: str, begun: str) -> None:
    """Begin a program as the user of dev, in no sandbox, and wait until the shell finds that it has begun."""
    begin = f'runuser -u {intruder.environment.user} -- setsid -f python3 -c "$1" > /dev/null 2>&1'
    intruder.operator.on_node("sh", "-c", f"{begin}; until {begun}; do sleep 0.05; done", "sh", program)


DRIP = """
import asyncio
import services.api.health as health
from starlette.responses import StreamingResponse
async def drops():
    while True:
        yield b" " * %d
        await asyncio.sleep(0.05)
health.honest = health._json
health._json = lambda *_: StreamingResponse(drops(), media_type="application/json")
"""


@pytest.mark.usefixtures("twice")
@pytest.mark.parametrize("size", [fault(1, name="drips"), pytest.param(1 << 20, id="floods")])
def test_answer_without_an_end_is_none(intruder: BackDoor, size: int) -> None:
    """It costs a look its patience, and no memory."""
    operator = intruder.operator
    intruder.run(DRIP % size)
    begun = time.monotonic()
    status = operator.status("dev")
    assert status["problems"] == ["0.0.0.0:8000 is not ready: no answer"]
    assert time.monotonic() - begun < 30


TRACER = """
import glob, os
os.chdir("/var/lib/helionyx/dev")
while not os.path.exists("back-door/stop"):
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{path}/cmdline", "rb") as words:
                if b"\\0services.event_log\\0" not in words.read():
                    continue
            open(f"{path}/mem", "r+b").close()
            outcome = "written to"
        except PermissionError:
            outcome = "denied"
        except OSError:  # it has just ended
            continue
        with open("back-door/outcomes", "a") as out:
            print(outcome, file=out)
    open("back-door/begun", "a").close()
"""


@pytest.mark.usefixtures("twice")
def test_reader_of_the_log_is_out_of_reach(intruder: BackDoor) -> None:
    """Whoever runs as the user of dev, in no sandbox, cannot change what the reader tells root."""
    operator = intruder.operator
    begin_beside(intruder, TRACER, f"test -e {intruder.place}/begun")
    operator.change("restart", "dev")
    operator.on_node("touch", f"{intruder.place}/stop")
    assert set(operator.on_node("cat", f"{intruder.place}/outcomes").split()) == {"denied"}
