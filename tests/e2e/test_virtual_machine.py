"""A node1 as a virtual machine: the same node, with a kernel and a clock of its own.

`make test` boots it and cuts its power. The rest deploys under software emulation, which takes minutes.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest

from node1 import Node, Way

from . import operator as people
from . import test_probation as probation
from .operator import Operator, git
from .test_kill import cut_power

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1500)]
LIMIT = 900  # seconds for one command under emulation, on a busy machine
WITHOUT_END = "[time.sleep(0.1) or b'x' * (10 << 20) for _ in iter(int, 1)]"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A virtual machine that nothing was deployed to when it was booted."""
    directory = tmp_path_factory.mktemp("machine") / "node"
    with Node.boot("e2e-machine", directory, way=Way.MACHINE) as node:
        yield node


@pytest.fixture(scope="module")
def emulated(machine: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A person who has deployed dev to it, and has patience."""
    root = tmp_path_factory.mktemp("emulated") / "checkout"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "LIMIT", LIMIT)
        patch.setattr(probation, "SECONDS", LIMIT)
        operator = Operator.at(root, machine)
        operator.deploy("dev")
        yield operator
    shutil.rmtree(root)


def test_virtual_machine_is_a_node(machine: Node) -> None:
    """Its own kernel and all controllers; every unit came up; the files have their owners and modes."""
    facts = "hostname; cat /sys/fs/cgroup/cgroup.controllers; systemctl list-units --failed --no-legend"
    name, controllers = machine.run(["sh", "-c", facts]).stdout.splitlines()
    assert name == "e2e-machine"
    assert {"cpu", "io", "memory", "pids"} <= set(controllers.split())
    files = [
        "/etc/shadow",
        "/home/deploy",
        "/usr/bin/sudo",
        "/etc/ssh/ssh_host_ed25519_key",
        "/etc/machine-id",
    ]
    assert machine.run(["stat", "--format=%U:%G %a", *files]).stdout.splitlines() == [
        *("root:shadow 640", "deploy:deploy 755", "root:root 4755", "root:root 600", "root:root 444")
    ]


def test_power_cut_keeps_synced_files_alone(machine: Node) -> None:
    """Whatever the kernel still has in its memory is gone, as on a server."""
    files = (
        "echo synced > /var/synced && sync && echo lost > /run/lost && cat /proc/sys/kernel/random/boot_id"
    )
    before = machine.run(["sh", "-c", files]).stdout
    machine.power_cut()
    after = machine.run(["sh", "-c", "cat /proc/sys/kernel/random/boot_id; cat /var/synced; ls /run/lost"])
    assert after.stdout.splitlines()[1:] == ["synced"]
    assert after.stdout.splitlines()[0] != before.strip()


@pytest.mark.faults
def test_walk_over_a_virtual_machine(emulated: Operator) -> None:
    """Deploy, break, roll back, reboot, and cut the power in the middle of a deploy."""
    first = emulated.health("dev")["release"]
    emulated.tell("dev", ["said before all of it"])
    emulated.commit("services/changed.py", "SECOND = 1\n")
    second = emulated.deploy("dev")["after"]
    emulated.break_for_real()
    assert emulated.deploy("dev", code=3)["outcome"] == "failed"
    assert emulated.health("dev")["release"] == second
    git(emulated.root, "reset", "--quiet", "--hard", "HEAD~1")
    assert emulated.change("rollback", "dev")["after"] == first
    emulated.node.reboot()
    emulated.await_ready("dev")
    cut_power(emulated, "install release")
    emulated.await_ready("dev")
    emulated.await_outcome()
    assert emulated.deploy("dev")["exit_code"] == 0
    assert emulated.health("dev")["release"] == second
    assert b"said before all of it" in emulated.events("dev")
    assert emulated.script("verify", "dev").returncode == 0


@pytest.mark.faults
def test_release_that_needs_memory_without_end_is_reverted(emulated: Operator) -> None:
    """The kernel holds it within its unit, and the node takes it back."""
    emulated.deploy("dev")
    before = emulated.health("dev")["release"]
    hoard = f"threading.Thread(target=lambda: {WITHOUT_END}, daemon=True).start"
    ready = probation.READY
    # Behind the verification, which takes long under emulation.
    later = probation.LATER.replace("call_later(2,", "call_later(60,").format(what=hoard)
    emulated.edit(probation.SERVING, ready, later + ready)
    emulated.deploy("dev", WATCH="600")
    change = probation.reverted(emulated)
    assert (change["outcome"], change["actor"]["name"], change["after"]) == ("done", "probation", before)
    assert change["reason"].startswith("reverted by probation: ")
    emulated.await_ready("dev")
    assert emulated.health("dev")["release"] == before
    emulated.undo()


@pytest.mark.faults
def test_clock_that_is_set_back_in_a_deploy_does_no_harm(emulated: Operator) -> None:
    """The deploy ends well, the audit verifies, and nothing took less than no time."""
    emulated.commit("services/clock.py", "HOUR = 1\n")
    output = ""
    with emulated.start("scripts/deploy/deploy.sh", "dev", SOAK="3") as deploy:
        assert deploy.stdout is not None
        for line in deploy.stdout:
            output += line
            if "check release" in line:
                emulated.on_node("date", "--set", "-1 hour")
    assert deploy.returncode == 0, output
    assert "check release" in output
    assert not re.search(r"-\d+\.\d+ s", output)
    assert emulated.script("verify", "dev").returncode == 0
    changes = json.loads(emulated.script("history", "dev", "--json").stdout)["changes"]
    assert changes[-1]["outcome"] == "done"
    assert all(change["seconds"] >= 0 for change in changes if change["seconds"] is not None)
    status = emulated.status("dev")
    assert (status["state"], status["problems"]) == ("running", [])
    emulated.tell("dev", ["said an hour before"])
    assert emulated.deploy("dev")["outcome"] == "nothing"
