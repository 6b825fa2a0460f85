"""Bad days: releases that do not come up, connections that go, processes that are killed, two at once."""

from __future__ import annotations

import json

import pytest

from .operator import Operator


def test_what_no_rehearsal_shows_is_switched_back(dev: Operator) -> None:
    """All of it: code, configuration, units and the listener; the data is whole, the fault is shown."""
    dev.tell("dev", ["before the broken one"])
    release, events = dev.health("dev")["release"], dev.events("dev")
    dev.configure("dev", "API_PORT=8000", "API_PORT=8020")
    dev.break_for_real()
    done = dev.script("deploy", "dev")
    assert done.returncode == 3, done.stdout + done.stderr
    assert (
        (done.stdout + done.stderr).splitlines()[-1].endswith("exit 3: failed, and everything is as it was")
    )
    assert "end rehearsal" in done.stdout
    assert "broken on purpose" in done.stdout, "its last words"
    after = dev.status("dev")
    assert (after["state"], after["release"]) == ("running", release)
    assert dev.events("dev") == events
    with pytest.raises(OSError, match="refused"):
        dev.health("dev", port=8020)
    assert "ListenStream=0.0.0.0:8000" in dev.on_node("cat", "/etc/systemd/system/helionyx-dev.socket")


def test_code_that_does_not_compile_is_found_before_the_switch(dev: Operator) -> None:
    """The running process is not touched, and the line is named."""
    pid = dev.pid("dev")
    dev.commit("services/changed.py", "def broken(:\n")
    result = dev.deploy("dev", code=3)
    assert any("services/changed.py:1: " in line for line in result["details"])
    assert dev.pid("dev") == pid


def test_failed_rehearsal_beside_a_damaged_service_touches_nothing(dev: Operator) -> None:
    """Exit code 3: the same process goes on, as little ready as before, and starts on boot as little."""
    dev.tell("dev", ["an orange", "a lemon"])
    log = "/var/lib/helionyx/dev/events/events.db"
    dev.on_node("systemctl", "stop", "helionyx-dev.socket", "helionyx-dev.service")
    dev.on_node("sed", "-i", "s/an orange/an 0range/", log)
    dev.on_node("systemctl", "start", "helionyx-dev.socket", "helionyx-dev.service")
    dev.on_node("systemctl", "disable", "--quiet", "helionyx-dev.socket", "helionyx-dev.service")
    dev.await_not_ready("dev")
    before = dev.status("dev")
    dev.commit("services/changed.py", "A = 1\n")
    result = dev.deploy("dev", code=3)
    assert "rehearsal" in result["message"] or "ready is False" in result["message"]
    assert dev.status("dev") | {"memory": 0} == before | {"memory": 0}


def test_release_that_answers_as_another_is_switched_back(dev: Operator) -> None:
    """Up is not enough: it has to be this release, in this environment."""
    before = dev.health("dev")["release"]
    mine = 'variables.get("HELIONYX_RELEASE")'
    dev.edit("services/bootstrap.py", mine, f'"HELIONYX_REHEARSAL" in variables and {mine}')
    result = dev.deploy("dev", code=3)
    assert "release is" in result["message"]
    assert dev.health("dev")["release"] == before


def test_disk_that_fails_in_a_step_is_taken_back(dev: Operator) -> None:
    """A read-only /opt in the middle: exit code 3, and the release before goes on."""
    pid = dev.pid("dev")
    dev.commit("services/changed.py", "READ_ONLY = True\n")
    where = "/opt/helionyx/dev/releases"
    dev.on_node("sh", "-c", f"mount --bind {where} {where} && mount -o remount,ro,bind {where}")
    try:
        result = dev.deploy("dev", code=3)
    finally:
        dev.on_node("umount", where)
    assert "Read-only file system" in result["message"]
    halves = "/opt/helionyx -name '.*.half' -o -name '.*.new'"
    staged = "/var/lib/helionyx-deploy/transactions -name '*.tar.gz'"
    assert not dev.on_node("sh", "-c", f"find {halves}; find {staged}")
    assert dev.pid("dev") == pid


@pytest.mark.faults
def test_two_at_once(dev: Operator) -> None:
    """One goes through; the other is told who is at work, and touches nothing."""
    dev.commit("services/changed.py", "TWO = 2\n")
    both = [dev.start("scripts/deploy/restart.sh", "dev", "--json") for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 2]), said
    if codes == [0, 2]:
        assert any("is locked: restart by" in text for text in said)
    assert dev.health("dev")["environment"] == "dev"


def test_second_deploy_follows_the_first_or_waits_for_it(dev: Operator) -> None:
    """Of the same release it has the same result; another release is deployed after it."""
    dev.commit("services/changed.py", "SECOND = 1\n")
    first = dev.start("scripts/deploy/deploy.sh", "dev", "--json", SOAK="4")
    while not dev.on_node("sh", "-c", "ls /run/systemd/system/helionyx-dev-rehearsal.service || true"):
        assert first.poll() is None
    second = dev.start("scripts/deploy/deploy.sh", "dev", SOAK="4")
    assert second.stdout is not None
    shown = next(line for line in second.stdout if "attached to" in line)
    assert "deploys this release already: attached to " in shown
    dev.commit("services/changed.py", "SECOND = 2\n")
    refused = dev.deploy("dev", code=2)
    assert "dev is locked: deploy by" in refused["message"]
    third = dev.deploy("dev", WAIT="60")
    result = json.loads(first.communicate(timeout=60)[0])
    said = second.communicate(timeout=60)[0]
    assert shown.split()[-1] == result["transaction"]
    assert (first.returncode, second.returncode) == (0, 0)
    assert f"dev runs {result['after']}" in said
    assert third["before"] == result["after"]
    assert dev.health("dev")["release"] == third["after"] != result["after"]


def test_drop_in_that_breaks_the_service_shows_before_the_switch(dev: Operator) -> None:
    """The rehearsal is changed as the service is, also for a restart; plan, status and doctor name it."""
    pid, unit = dev.pid("dev"), "/etc/systemd/system/helionyx-dev.service.d"
    path = f"{unit}/x.conf"
    text = "[Service]\\nExecStartPre=/bin/test -e /opt/helionyx/dev/current/nothing\\n"
    dev.on_node("sh", "-c", f"mkdir {unit} && printf '{text}' > {path} && systemctl daemon-reload")
    shown = dev.on_node("systemctl", "show", "--property=DropInPaths", "--value", "helionyx-dev.service")
    assert dev.change("plan", "dev")["drop_ins"] == shown.split() == [path]
    dev.commit("services/changed.py", "DROPPED_IN = 1\n")
    for verb in ("deploy", "restart"):
        failed = dev.change(verb, "dev", code=3)
        assert "did not come up in its rehearsal" in failed["message"]
        assert path in str(failed["warnings"])
    after = dev.status("dev")
    assert (after["pid"], after["state"]) == (pid, "running")
    assert after["notes"] == [f"{path} changes its units, and no deploy has put it there"]
    dev.on_node("sh", "-c", f"printf '[Service]\\nEnvironment=X=1\\nRestart=always\\n' > {path}")
    assert dev.deploy("dev")["outcome"] == "done"
    left = dev.on_node("sh", "-c", "ls -A /run/systemd/system.control || true")
    assert "rehearsal" not in left
