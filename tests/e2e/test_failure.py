"""Bad days: releases that do not come up, connections that go, processes that are killed, two at once."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .operator import Operator

pytestmark = pytest.mark.e2e

RUNNER = "services/api/runner.py"
BROKEN = {
    "cannot import": "import a_module_that_does_not_exist\n",
    "exits at once": "raise SystemExit('broken on purpose')\n",
}


@pytest.fixture
def dev(settled: Operator) -> Iterator[Operator]:
    """A person whose dev runs, and who is back on the same commit afterwards."""
    settled.deploy("dev")
    head = subprocess.run(
        ["git", "-C", str(settled.root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    yield settled
    subprocess.run(["git", "-C", str(settled.root), "reset", "--quiet", "--hard", head], check=True)
    settled.login = "deploy"


@pytest.mark.parametrize("kind", BROKEN)
def test_release_that_cannot_start_is_switched_back(dev: Operator, kind: str) -> None:
    """Exit code 3: the release before runs again, the data is whole, the fault is shown."""
    dev.tell("dev", ["before the broken one"])
    before, events = dev.status("dev"), dev.events("dev")
    dev.commit(RUNNER, BROKEN[kind])
    done = dev.script("deploy", "dev")
    assert done.returncode == 3, done.stdout + done.stderr
    assert (
        (done.stdout + done.stderr).splitlines()[-1].endswith("exit 3: failed, and everything is as it was")
    )
    assert "a_module_that_does_not_exist" in done.stdout or "broken on purpose" in done.stdout, (
        "its last words"
    )
    after = dev.status("dev")
    assert after["state"] == "running"
    assert after["release"] == before["release"]
    assert dev.events("dev") == events


def test_code_that_does_not_compile_is_found_before_the_switch(dev: Operator) -> None:
    """The running process is not touched, and the line is named."""
    before = dev.status("dev")
    dev.commit("services/changed.py", "def broken(:\n")
    result = dev.deploy("dev", code=3)
    assert any("services/changed.py:1: " in line for line in result["details"])
    assert dev.status("dev")["pid"] == before["pid"]


def test_release_that_answers_as_another_is_switched_back(dev: Operator) -> None:
    """Up is not enough: it has to be this release, in this environment."""
    before = dev.status("dev")["release"]
    dev.edit("services/bootstrap.py", 'variables.get("HELIONYX_RELEASE")', '"somebody"')
    result = dev.deploy("dev", code=3)
    assert "release is" in result["message"]
    assert dev.health("dev")["release"] == before


def test_configuration_that_fails_on_the_node_takes_units_and_port_back(dev: Operator) -> None:
    """What is switched back is all of it: code, configuration, units and the listener."""
    dev.configure("dev", "API_PORT=8000", "API_PORT=8020")
    dev.commit(RUNNER, "raise SystemExit('broken on purpose')\n")
    dev.deploy("dev", code=3)
    dev.configure("dev", "API_PORT=8020", "API_PORT=8000")
    assert dev.health("dev")["environment"] == "dev"
    with pytest.raises(OSError, match="refused"):
        dev.health("dev", port=8020)
    assert "ListenStream=0.0.0.0:8000" in dev.on_node("cat", "/etc/systemd/system/helionyx-dev.socket")


def test_first_deploy_that_fails_leaves_nothing(dev: Operator) -> None:
    """No unit, no release and no user of an environment that never came up."""
    dev.commit(RUNNER, "raise SystemExit('broken on purpose')\n")
    result = dev.deploy("staging", code=3)
    assert result["after"] is None
    assert dev.status("staging")["state"] == "absent"
    left = dev.node.run(
        [
            "sh",
            "-c",
            "ls -d /etc/systemd/system/helionyx-staging* /opt/helionyx/staging /var/lib/helionyx/staging",
        ]
    )
    assert not left.stdout
    assert "helionyx-staging" not in dev.on_node("cat", "/etc/passwd")
    assert "helionyx-staging" not in dev.on_node("systemctl", "list-units", "--all", "--failed")


def _shoot(dev: Operator, words: str) -> subprocess.Popen[str]:
    """On the node: kill the next transaction as soon as its record says `words`."""
    command = [*dev.node.ssh_command(), f"python3 - {shlex.quote(words)}"]
    shooter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert shooter.stdin is not None
    assert shooter.stdout is not None
    shooter.stdin.write((Path(__file__).parent / "shooter.py").read_text())
    shooter.stdin.close()
    assert shooter.stdout.readline() == "waiting\n"
    return shooter


@pytest.mark.parametrize(
    "verb", ["install-release", "check-release", "turn-current", "restart-service", "verify"]
)
def test_killed_transaction_arrives(dev: Operator, verb: str) -> None:
    """Shot in the middle of any step, it is started again, looks again, and goes on."""
    dev.commit("services/changed.py", f"KILLED = {verb!r}\n")
    with _shoot(dev, f'"verb": "{verb}"'):
        done = dev.script("deploy", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "this is its attempt 2" in done.stdout
    assert dev.deploy("dev")["outcome"] == "nothing"
    assert dev.status("dev")["unfinished"] == []


@pytest.mark.parametrize("words", ['"event": "failed"', '"event": "revert"'])
def test_killed_on_its_way_back_it_still_goes_back(dev: Operator, words: str) -> None:
    """The direction is remembered: a release that failed is not tried again."""
    before = dev.status("dev")["release"]
    dev.commit(RUNNER, BROKEN["exits at once"])
    with _shoot(dev, words):
        done = dev.script("deploy", "dev")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "this is its attempt 2" in done.stdout
    assert done.stdout.count("restart service helionyx-dev.service: failed") == 1
    assert dev.status("dev")["release"] == before
    assert dev.status("dev")["state"] == "running"


def test_shot_between_closing_and_opening_the_socket(dev: Operator) -> None:
    """The moment in which nobody listens: the next attempt opens the new port."""
    dev.configure("dev", "API_PORT=8000", "API_PORT=8030")
    with _shoot(dev, '"verb": "open-socket"'):
        done = dev.script("deploy", "dev")
    dev.configure("dev", "API_PORT=8030", "API_PORT=8000")
    assert done.returncode == 0, done.stdout + done.stderr
    assert dev.health("dev", port=8030)["environment"] == "dev"
    dev.deploy("dev")
    assert dev.health("dev")["environment"] == "dev"


@pytest.mark.parametrize("when", ["upload release", "install release", "check release"])
def test_lost_connection_is_taken_up_again(dev: Operator, when: str) -> None:
    """ssh shot on its way: the node goes on, and its end is told all the same."""
    dev.commit("services/changed.py", f"LOST = {when!r}\n")
    with subprocess.Popen(
        ["scripts/deploy/deploy.sh", "dev"],
        cwd=dev.root,
        env=dev.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as deploy:
        assert deploy.stdout is not None
        seen = ""
        for line in deploy.stdout:
            seen += line
            if when in line:
                _shoot_ssh(deploy.pid)
    assert "the connection was lost" in seen
    begun = "never begun" not in seen
    assert deploy.returncode == (0 if begun else 2), seen
    assert dev.deploy("dev")["outcome"] == ("nothing" if begun else "done")


def _shoot_ssh(parent: int) -> None:
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text().strip() == "ssh":
            subprocess.run(["kill", "-KILL", child], check=True)


@pytest.mark.parametrize("when", ["install release", "turn current", "restart service"])
def test_power_cut_on_its_way(dev: Operator, when: str) -> None:
    """After the boot a release answers with all data; the next deploy ends what was begun, and says so."""
    dev.tell("dev", ["before the power cut"])
    events = dev.events("dev")
    dev.commit("services/changed.py", f"CUT = {when!r}\n")
    with subprocess.Popen(
        ["scripts/deploy/deploy.sh", "dev"],
        cwd=dev.root,
        env=dev.environ | {"SSH_OPTIONS": f"{dev.environ['SSH_OPTIONS']} -o ServerAliveInterval=1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as deploy:
        assert deploy.stdout is not None
        for line in deploy.stdout:
            if when in line:
                dev.node.power_cut()
                break
        seen = deploy.stdout.read()
    assert deploy.returncode in (0, 4), seen
    assert dev.events("dev") == events
    result = dev.deploy("dev")
    assert dev.health("dev")["release"] == result["release"]
    after = dev.status("dev")
    assert after["unfinished"] == []
    assert result["release"] == after["release"] == after["releases"][0], "proven, and noted as such"


def test_full_disk_is_refused(dev: Operator) -> None:
    """Before anything is laid down, with what is there and what is needed."""
    dev.commit("services/changed.py", "FULL = True\n")
    state = "/var/lib/helionyx-deploy"
    dev.on_node("sh", "-c", f"cp -a {state} /root/state && mount -t tmpfs -o size=1m tmpfs {state}")
    try:
        result = dev.deploy("dev", code=2)
    finally:
        dev.on_node("sh", "-c", f"umount {state} && rm -rf /root/state")
    assert "MB free" in result["message"]
    assert dev.status("dev")["state"] == "running"


def test_disk_that_fails_in_a_step_is_taken_back(dev: Operator) -> None:
    """A read-only /opt in the middle: exit code 3, and the release before goes on."""
    before = dev.status("dev")
    dev.commit("services/changed.py", "READ_ONLY = True\n")
    where = "/opt/helionyx/dev/releases"
    dev.on_node("sh", "-c", f"mount --bind {where} {where} && mount -o remount,ro,bind {where}")
    try:
        result = dev.deploy("dev", code=3)
    finally:
        dev.on_node("umount", where)
    assert "Read-only file system" in result["message"]
    assert dev.status("dev")["pid"] == before["pid"]


def test_interrupted_the_node_finishes_by_itself(dev: Operator) -> None:
    """Ctrl-C ends the watching, not the work."""
    dev.commit("services/changed.py", "INTERRUPTED = True\n")
    with subprocess.Popen(
        ["scripts/deploy/deploy.sh", "dev"],
        cwd=dev.root,
        env=dev.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as deploy:
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


def test_two_at_once(dev: Operator) -> None:
    """One goes through; the other is told who is at work, and touches nothing."""
    dev.commit("services/changed.py", "TWO = 2\n")
    both = [
        subprocess.Popen(
            ["scripts/deploy/restart.sh", "dev", "--json"],
            cwd=dev.root,
            env=dev.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 2]), said
    if codes == [0, 2]:
        assert any("is being changed by" in text and "(restart)" in text for text in said)
    assert dev.status("dev")["state"] == "running"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"NODE": "no-such-host.invalid"}, "cannot be reached by ssh"),
        ({"SSH_OPTIONS": "-F /dev/null -o HostName=127.0.0.1 -p 1"}, "cannot be reached by ssh"),
    ],
)
def test_unreachable_node_is_told(dev: Operator, environ: dict[str, str], message: str) -> None:
    """Exit code 2, what ssh said, and what to try."""
    result = dev.deploy("dev", code=2, **environ)
    assert message in result["message"]
    assert result["hint"]


def test_sudo_that_wants_a_password_is_told(dev: Operator) -> None:
    """With the place where the rule is written down."""
    dev.on_node("sh", "-c", "mkdir -p /root/aside && mv /etc/sudoers.d/* /root/aside/")
    try:
        result = dev.deploy("dev", code=2)
    finally:
        dev.on_node("sh", "-c", "mv /root/aside/* /etc/sudoers.d/")
    assert "sudo" in result["message"]
    assert "DEPLOYMENT.md" in result["hint"]


def test_local_is_the_same_path_without_ssh(dev: Operator) -> None:
    """This machine is no systemd host, so the host half, run right here, refuses in its own words."""
    if Path("/run/systemd/system").is_dir():
        pytest.skip("systemd runs this machine, and a test must not deploy to it")
    result = dev.deploy("dev", code=2, NODE="local")
    assert "systemd does not run this node" in result["message"]
