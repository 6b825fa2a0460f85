"""A disk that is full from any phase of a change on: what was there before serves, at least to be read."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from itertools import count

import pytest

from deployment.host.values.layout import Environment
from deployment.host.values.step import Step
from deployment.settings import ROOT

from .faults import fault
from .operator import LIMIT, Operator
from .small_disk import filled, small_disk
from .states import States

PHASES = {
    "deploy": (
        *("attempt", "install-release", "check-release", "rehearse", "end-rehearsal", "start-bridge"),
        *("turn-current", "restart-service", "end-bridge", "verify", "second look"),
    ),
    "restart": ("attempt", "restart-service", "verify"),
    "rollback": ("attempt", "turn-current", "restart-service", "verify"),
    "restore": (
        "attempt",
        "install-log",
        "close-socket",
        "switch-log",
        "open-socket",
        "restart-service",
        "verify",
    ),
}
SAMPLE = {("deploy", "turn-current", "kept")}
CHANGES = count(1)


def cases() -> Iterator[object]:
    """Each phase of each verb, filled and left alone, and with every freed byte taken."""
    for verb, phases in PHASES.items():
        for phase in phases:
            for how in ("once", "kept"):
                case = (verb, phase, how)
                yield pytest.param(*case) if case in SAMPLE else fault(*case, name="-".join(case))


@pytest.fixture(scope="module")
def small(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person who has deployed all environments to a node with a small disk, and goes on."""
    deployed, directory = states.deployed("dev", "staging", "live"), tmp_path_factory.mktemp("small")
    with (
        small_disk(directory / "disk") as disk,
        states.boot("e2e-small", disk / "node", deployed.snapshot) as node,
    ):
        operator = deployed.operator(node, directory / "checkout")
        operator.change("restart", "dev")  # which makes the reserve
        yield operator
    shutil.rmtree(directory / "checkout")


def fill(operator: Operator, environment: Environment) -> None:
    """Let an environment's user fill the disk with a file among its data."""
    path = f"/var/lib/helionyx/{environment.name}/fill"
    write = f"dd if=/dev/zero of={path} bs=64k 2>&1 | grep 'No space left'"
    operator.on_node("runuser", "-u", environment.user, "--", "sh", "-c", write)


def chapter(heading: str) -> str:
    """The commands of a chapter of the guide, as one script."""
    text = (ROOT / "docs/DEPLOYMENT.md").read_text().partition(f"### {heading}\n")[2].partition("\n#")[0]
    return "".join(line.removeprefix("    ") + "\n" for line in text.splitlines() if line.startswith("    "))


def change_something(operator: Operator) -> None:
    """Commit a change, so that there is something to deploy."""
    operator.commit("services/changed.py", f"CHANGE = {next(CHANGES)}\n")


def words_of(phase: str) -> str:
    """What a record says when a phase begins."""
    if phase == "attempt":
        return '"event": "attempt"'
    if phase == "second look":
        return '"state": "done", "title": "verify'
    return f'"state": "begin", "title": "{Step(phase).title}'


def await_recorded(operator: Operator, text: str, environment: str = "dev") -> None:
    """Say something until it is recorded."""
    end = time.monotonic() + LIMIT
    while operator.ask(environment, "/api/v1/messages", {"text": text})[0] != 201:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("verb", "phase", "how"), list(cases()))
def test_a_disk_that_is_full_from_a_phase_on(small: Operator, verb: str, phase: str, how: str) -> None:
    """Dev can be read meanwhile, a result is on record, and all goes on once there is room."""
    await_recorded(small, f"todo: before {verb} {phase} {how}")
    environ = {}
    if verb == "restore":
        file = small.root / "data.backup"
        file.unlink(missing_ok=True)
        backup = small.script("backup", "dev", TO=str(file))
        assert backup.returncode == 0, backup.stderr
        small.tell("dev", ["todo: newer than the backup"])
        environ = {"BACKUP": str(file)}
    elif verb == "rollback":
        change_something(small)
        small.deploy("dev")
    elif verb == "deploy":
        change_something(small)
    before = small.status("dev")
    wanted = before["previous"] if verb == "rollback" else before["release"]
    events = small.events("dev")
    with filled(small, words_of(phase), kept=how == "kept"):
        done = small.script(verb, "dev", "--json", **environ)
        assert done.returncode in (0, 2, 3), done.stdout + done.stderr
        result = json.loads(done.stdout)
        during = small.status("dev")
        assert (during["unfinished"], during["changing"]) == ([], None)
        assert during["state"] in ("degraded", "running"), during
        assert small.ask("dev", "/health/ready")[0] == 200
        assert small.ask("dev", "/api/v1/todos")[0] == 200
        release = small.health("dev")["release"]
        if done.returncode:
            assert release == before["release"]
            assert small.events("dev") == events
        else:
            assert release == result["after"]
    await_recorded(small, "todo: there is room")
    again = {**environ, "RELEASE": wanted} if verb == "rollback" else environ
    small.change(verb, "dev", **again)
    assert small.status("dev")["state"] == "running"


def test_an_environment_that_fills_the_disk(small: Operator) -> None:
    """The others record into their reserves, and verbs that bring nothing work; it is removed."""
    fill(small, Environment("staging"))
    small.tell("live", [f"todo: number {number}" for number in range(20)])
    status = small.status("live")
    assert status["state"] == "degraded"
    assert [text for text in status["problems"] if "the disk is full" in text]
    change_something(small)
    assert "MB free" in small.deploy("live", code=2)["message"]
    for verb in ("restart", "stop", "start"):
        small.change(verb, "live")
    todos = json.loads(small.ask("live", "/api/v1/todos")[1])["todos"]
    assert "number 19" in [todo["text"] for todo in todos]
    small.change("stop", "staging")
    small.change("remove", "staging", DATA="delete", CONFIRM="staging")
    await_recorded(small, "there is room", "live")
    assert small.status("live")["state"] == "running"


def test_a_file_system_of_its_own(small: Operator) -> None:
    """As the guide says: dev can fill that, and no more; its verbs work all the same."""
    small.tell("dev", ["todo: milk"])
    small.change("stop", "dev")
    # A node of the tests may mount no file: a file system in memory stands for it.
    in_memory = {
        "mkfs.ext4 -q -m 0 ": "test -f ",
        "-l 2G": "-l 1M",
        "/var/lib/helionyx-dev.img /var/lib/helionyx/dev ext4 loop": "x /var/lib/helionyx/dev tmpfs size=64m",
    }
    commands = chapter("A file system of its own for dev")
    for old, new in in_memory.items():
        assert commands.count(old) == 1
        commands = commands.replace(old, new)
    small.on_node("sh", "-e", "-c", commands)
    small.change("start", "dev")
    assert b"milk" in small.ask("dev", "/api/v1/todos")[1]
    fill(small, Environment("dev"))
    assert small.status("live")["state"] == "running"
    small.tell("live", ["there is room here"])
    small.change("restart", "dev")
    assert b"milk" in small.ask("dev", "/api/v1/todos")[1]
    problems = small.status("dev")["problems"]
    assert [text for text in problems if "the disk is full: /var/lib/helionyx/dev has" in text]
    small.on_node("rm", "/var/lib/helionyx/dev/fill")
    await_recorded(small, "there is room")
