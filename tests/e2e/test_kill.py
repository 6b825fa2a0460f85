"""Connections that go and processes that are killed, at any step: the node finishes what it has begun."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

import pytest

from deployment.host.values.step import Step

from .faults import fault
from .operator import Operator

REHEARSED = "ls -d /run/systemd/system/helionyx* /var/lib/helionyx-sandbox/*.copy /run/helionyx-deploy/*.json"
"""Shows what a rehearsal puts down, in which nothing is left."""


def shoot(dev: Operator, words: str) -> subprocess.Popen[str]:
    """On the node: kill the next transaction as soon as its record says `words`."""
    command = [*dev.node.ssh_command(), f"python3 - {shlex.quote(words)}"]
    shooter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert shooter.stdin is not None
    assert shooter.stdout is not None
    shooter.stdin.write((Path(__file__).parent / "shooter.py").read_text())
    shooter.stdin.close()
    assert shooter.stdout.readline() == "waiting\n"
    return shooter


def told(title: str, state: str = "begin") -> str:
    """What a record says when a step begins or is done. The plan in front of it names each step as well."""
    return f'"state": "{state}", "title": "{title}'


@pytest.mark.parametrize(
    "verb",
    [
        *(fault("install-release"), fault("check-release"), fault("rehearse"), fault("soak")),
        *(fault("end-rehearsal"), fault("start-bridge"), "turn-current", fault("restart-service")),
        *(fault("end-bridge"), fault("verify")),
    ],
)
def test_killed_transaction_arrives(dev: Operator, verb: str) -> None:
    """Shot in the middle of any step, it is started again, looks again, and goes on."""
    dev.commit("services/changed.py", f"KILLED = {verb!r}\n")
    with shoot(dev, told(Step(verb).title)):
        done = dev.script("deploy", "dev", SOAK="0.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this is its attempt 2" in done.stdout
    assert dev.deploy("dev")["outcome"] == "nothing"
    assert not dev.node.run(["sh", "-c", REHEARSED]).stdout
    assert dev.status("dev")["unfinished"] == []


@pytest.mark.parametrize("words", [fault('"event": "failed"'), '"event": "revert"'])
def test_killed_on_its_way_back_it_still_goes_back(dev: Operator, words: str) -> None:
    """The direction is remembered: a release that failed is not tried again."""
    before = dev.health("dev")["release"]
    dev.break_for_real()
    with shoot(dev, words):
        done = dev.script("deploy", "dev")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "this is its attempt 2" in done.stdout
    assert done.stdout.count("restart service helionyx-dev.service: failed") == 1
    status = dev.status("dev")
    assert (status["release"], status["state"]) == (before, "running")
    assert not dev.node.run(["sh", "-c", REHEARSED]).stdout


def test_shot_between_closing_and_opening_the_socket(dev: Operator) -> None:
    """The moment in which nobody listens: the next attempt opens the new port."""
    dev.configure("dev", "API_PORT=8000", "API_PORT=8030")
    with shoot(dev, told("open socket")):
        done = dev.script("deploy", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert dev.health("dev", port=8030)["environment"] == "dev"


@pytest.mark.parametrize("when", [fault("upload release"), "install release", fault("check release")])
def test_lost_connection_is_taken_up_again(dev: Operator, when: str) -> None:
    """ssh shot on its way: the node goes on, and its end is told all the same."""
    dev.commit("services/changed.py", f"LOST = {when!r}\n")
    with dev.start("scripts/deploy/deploy.sh", "dev") as deploy:
        assert deploy.stdout is not None
        seen = ""
        for line in deploy.stdout:
            seen += line
            if when in line:
                _shoot_ssh(deploy.pid)
    assert "the connection was lost" in seen
    begun = "did not start" not in seen
    assert deploy.returncode == (0 if begun else 2), seen
    assert dev.deploy("dev")["outcome"] == ("nothing" if begun else "done")


def _shoot_ssh(parent: int) -> None:
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text().strip() == "ssh":
            subprocess.run(["kill", "-KILL", child], check=True)


def cut_power(dev: Operator, words: str) -> None:
    """Deploy, cut the node's power once the output has `words`, and boot it again."""
    patient = f"{dev.environ['SSH_OPTIONS']} -o ServerAliveInterval=1"
    with dev.start("scripts/deploy/deploy.sh", "dev", SSH_OPTIONS=patient) as deploy:
        assert deploy.stdout is not None
        for line in deploy.stdout:
            if words in line:
                dev.node.power_cut()
                break
        deploy.kill()


@pytest.mark.parametrize("when", [fault("install release"), "activate release", fault("restart service")])
def test_power_cut_on_its_way(dev: Operator, when: str) -> None:
    """After the boot the node brings the deploy to its end by itself, with all data."""
    dev.tell("dev", ["before the power cut"])
    events = dev.events("dev")
    dev.commit("services/changed.py", f"CUT = {when!r}\n")
    cut_power(dev, when)
    ended = dev.await_outcome()
    assert (ended["outcome"], ended["after"]) == ("done", dev.health("dev")["release"])
    assert dev.events("dev") == events
    assert not unit_files(dev)
    assert dev.deploy("dev")["outcome"] == "nothing"


def test_release_that_does_not_start_after_a_power_cut_is_taken_back(dev: Operator) -> None:
    """The node boots into it, and nobody types anything."""
    before = dev.health("dev")["release"]
    dev.break_for_real()
    cut_power(dev, "enable units")
    ended = dev.await_outcome()
    assert (ended["outcome"], ended["after"]) == ("failed", before)
    assert dev.health("dev")["release"] == before
    status = dev.status("dev")
    assert (status["state"], status["unfinished"]) == ("running", [])
    assert not unit_files(dev)


def unit_files(dev: Operator) -> str:
    """The files of units of transactions, and the links that start them at boot."""
    return dev.on_node("find", "/etc/systemd", "/run/systemd/system", "-name", "helionyx-deploy-*")


def test_interrupted_the_node_finishes_by_itself(dev: Operator) -> None:
    """Ctrl-C ends the watching, not the work."""
    dev.commit("services/changed.py", "INTERRUPTED = True\n")
    with dev.start("scripts/deploy/deploy.sh", "dev") as deploy:
        assert deploy.stdout is not None
        seen = ""
        for line in deploy.stdout:
            seen += line
            if "install release" in line:
                subprocess.run(["kill", "-INT", "--", f"-{deploy.pid}"], check=True)
    assert deploy.returncode == 130, seen
    assert seen.splitlines()[-1] == "exit 130: interrupted"
    end = time.monotonic() + 20
    while dev.status("dev")["changing"] and time.monotonic() < end:
        time.sleep(0.1)
    assert dev.deploy("dev")["outcome"] == "nothing"
