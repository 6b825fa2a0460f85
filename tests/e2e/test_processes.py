"""Processes of the user of dev, outside of its unit, that signal whatever else runs as that user."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deployment.host.values.layout import Environment

from .back_door import BackDoor
from .faults import fault
from .operator import Operator

DEV = Environment("dev")
SIGNALS = """
import os, signal, sys, time
parent = os.getpid()
if os.fork(): os._exit(0)
while os.getppid() == parent: time.sleep(0.001)  # it is no victim: runuser would say that it was killed
os.setsid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
for descriptor in range(3):
    os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
while True:
    try:
        os.kill(-1, getattr(signal, sys.argv[1]))
    except ProcessLookupError:
        pass
    time.sleep(0.001)
"""
LINGERS = """
import ctypes, os, signal, socket, threading, time
def ask() -> None:
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect(os.environ["NOTIFY_SOCKET"])
            notify.send(b"STATUS=lingers\\nSTOPPING=1\\nEXTEND_TIMEOUT_USEC=600000000")
        time.sleep(0.1)
ctypes.CDLL(None).signal(int(signal.SIGTERM), 1)  # SIG_IGN
threading.Thread(target=ask, daemon=True).start()
"""


@contextmanager
def sending(operator: Operator, name: str) -> Iterator[str]:
    """Let a process of dev send a signal to all others of its user, over and over; yields its pid."""
    pid = operator.on_node("runuser", "-u", "helionyx-dev", "--", "python3", "-c", SIGNALS, name).strip()
    try:
        yield pid
    finally:
        operator.on_node("kill", "-KILL", pid)


@pytest.fixture
def quick(intruder: BackDoor) -> Iterator[Operator]:
    """A node on which the service of dev has 2 seconds to stop, in place of 20, and 8 to start."""
    operator = intruder.operator
    place = "/run/systemd/system/helionyx-dev.service.d"
    limits = "[Service]\\nTimeoutStopSec=2\\nTimeoutStartSec=8\\n"
    put = f"mkdir -p {place} && printf '{limits}' > {place}/quick.conf"
    operator.on_node("sh", "-c", f"{put} && systemctl daemon-reload")
    yield operator
    operator.on_node("sh", "-c", f"rm -r {place} && systemctl daemon-reload")


def test_stop_does_not_wait_for_what_others_have_stopped(quick: Operator) -> None:
    """The service and every program that reads its log are stopped by SIGSTOP, again and again."""
    with sending(quick, "SIGSTOP"):
        begun = time.monotonic()
        assert quick.change("stop", "dev")["outcome"] == "done"
        assert time.monotonic() - begun < 40  # version 0.3.0 took 426 s
    quick.change("start", "dev")


@pytest.mark.parametrize("verb", [fault("stop"), fault("restart")])
def test_no_service_gets_more_time_to_stop(quick: Operator, intruder: BackDoor, verb: str) -> None:
    """One that ignores SIGTERM, and asks systemd again and again to wait for it, is killed."""
    before = quick.status("dev")["pid"]
    intruder.run(LINGERS)
    begun = time.monotonic()
    quick.change(verb, "dev")
    assert time.monotonic() - begun < 60  # the extension is ten minutes, each time
    if verb == "stop":
        quick.change("start", "dev")
    quick.await_restart("dev", before)


@pytest.mark.parametrize("state", ["running", fault("starting"), fault("rehearsed")])
def test_no_service_keeps_the_node_from_a_reboot(intruder: BackDoor, state: str) -> None:
    """A program that ignores SIGTERM, and asks systemd for more time, is killed; the others come back."""
    operator = intruder.operator
    # The limit that is in force for this boot alone: 0.1 s, in place of 25.
    unit, place = DEV.shutdown, f"/run/systemd/system/{DEV.shutdown}.d"
    lines = f"sed -n '/^ExecStop/{{s/sleep 25/sleep 0.1/;p}}' /etc/systemd/system/{unit}"
    quick = f"mkdir -p {place} && (printf '[Service]\\nExecStop=\\n'; {lines}) > {place}/quick.conf"
    operator.on_node("sh", "-c", quick)
    operator.on_node("systemctl", "daemon-reload")
    if state == "running":
        intruder.run(LINGERS)
    else:
        _linger(operator, DEV.service if state == "starting" else f"{DEV.rehearsal_stem}.service")
    operator.node.reboot()  # which waits for a minute
    for environment in ("dev", "live"):
        operator.await_ready(environment)


@pytest.mark.faults
def test_no_job_waits_for_a_service_for_ever(intruder: BackDoor) -> None:
    """Neither that of a boot, for one that is never ready, nor that of `systemctl stop`."""
    operator = intruder.operator
    place, unit = f"/run/systemd/system/{DEV.service}.d", DEV.service
    quick = f"mkdir -p {place} && printf '[Unit]\\nJobRunningTimeoutSec=2\\n' > {place}/quick.conf"
    operator.on_node("sh", "-c", quick)
    _linger(operator, unit)
    jobs = "while systemctl list-jobs --no-legend | grep -q .; do sleep 0.05; done"
    operator.on_node("timeout", "30", "sh", "-c", jobs)
    assert operator.on_node("systemctl", "show", "--property=SubState", "--value", unit) == "start\n"
    stopped = operator.node.run(["timeout", "30", "systemctl", "stop", unit])
    assert "timed out" in stopped.stderr
    end = f"rm -r {place} && systemctl daemon-reload && systemctl kill --signal=KILL {unit}"
    operator.on_node("sh", "-c", f"{end} && systemctl restart {unit}")
    operator.await_ready("dev")


def _linger(operator: Operator, unit: str) -> None:
    """Start a unit that never becomes ready, and goes on to ask for more time."""
    place, program = f"/run/systemd/system/{unit}.d", f"/var/lib/helionyx/dev/{unit}.py"
    operator.node.run(["sh", "-c", f"cat > {program}"], input=f"{LINGERS}\nthreading.Event().wait()\n")
    lines = f"[Service]\nType=notify\nRestart=no\nExecStart=\nExecStart=/usr/bin/python3 -IS {program}\n"
    operator.on_node("sh", "-c", f"mkdir -p {place} && printf '{lines}' > {place}/lingers.conf")
    if unit != DEV.service:
        operator.on_node("cp", f"/etc/systemd/system/{DEV.service}", f"/run/systemd/system/{unit}")
    operator.on_node("systemctl", "daemon-reload")
    operator.on_node("systemctl", "restart", "--no-block", unit)
    asked = f"systemctl show --property=StatusText {unit} | grep -q lingers"
    operator.on_node("timeout", "30", "sh", "-c", f"until {asked}; do sleep 0.05; done")


def test_deploy_says_who_may_have_killed_it(intruder: BackDoor) -> None:
    """It fails, as every process of its user is killed, and soon; live does not notice."""
    operator = intruder.operator
    before = operator.pid("live")
    operator.commit("services/killed.py", "")
    with sending(operator, "SIGKILL") as pid:
        begun = time.monotonic()
        done = operator.script("deploy", "dev")
        assert time.monotonic() - begun < 90
        assert done.returncode in (3, 4), done.stdout
        assert "killed by SIGKILL: " in done.stdout + done.stderr
        assert f"can end or stop any: python3 (pid {pid})" in done.stdout + done.stderr
    assert operator.pid("live") == before
