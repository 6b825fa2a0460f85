"""Locks that code which has taken over dev holds: those of the deployment, and those on its own log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .back_door import BackDoor
from .faults import fault
from .operator import Operator

LOCKS = "/run/helionyx-deploy"
HOLD = """
import fcntl, os, pathlib, time
place = pathlib.Path("/run/helionyx-deploy")
names = ["dev.lock", "staging.lock", "live.lock", "live-backup.lock", "host.lock", "gate.lock", "."]
held = []
for name in names:
    try:
        held.append(os.open(place / name, os.O_RDONLY))
        fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        say(name)
    except OSError:
        pass
for descriptor in held:
    os.close(descriptor)
"""
PRIVATE = {"d 700 root", "f 600 root"}
SECONDS = 20  # for a verb that waits for nobody; version 0.3.0 waited for as long as the lock was held
AS_DEV = ("runuser", "-u", "helionyx-dev", "--")
# Processes that have the directory and every lock open and locked; the last line names them.
FLOCKS = f"""
cd {LOCKS}
for name in . *.lock; do flock --nonblock $name sleep 300 > /dev/null 2>&1 & done
until test $(pgrep --count --uid helionyx-dev --exact sleep) = $(ls -d . *.lock | wc -l); do sleep 0.02; done
"""


@pytest.fixture(scope="module", autouse=True)
def made(intruder: BackDoor) -> None:
    """Have a change make the locks: after a boot there are none."""
    intruder.operator.change("backup", "live")


@contextmanager
def open_to_all(operator: Operator) -> Iterator[None]:
    """Let processes of dev hold the locks of an earlier version, which all could read."""
    earlier = f"cd {LOCKS} && rm -f gate.lock && touch live.lock host.lock && chmod 755 . && chmod 644 *.lock"
    operator.on_node("sh", "-c", earlier)
    operator.on_node(*AS_DEV, "timeout", "20", "sh", "-c", FLOCKS)
    try:
        yield
    finally:
        operator.on_node("pkill", "--uid", "helionyx-dev", "--exact", "sleep")
        operator.on_node("sh", "-c", f"chmod 700 {LOCKS} && chmod 600 {LOCKS}/*.lock")


def modes(operator: Operator, *names: str) -> set[str]:
    """Type, mode and owner of the directory and of the locks of these names."""
    paths = [LOCKS, *(f"{LOCKS}/{name}.lock" for name in names)]
    return set(operator.on_node("find", *paths, "-maxdepth", "0", "-printf", "%y %m %u\n").splitlines())


def test_the_service_of_dev_gets_no_lock(intruder: BackDoor) -> None:
    """From its sandbox it opens neither the locks nor their directory."""
    operator = intruder.operator
    assert list(intruder.run(HOLD)) == []
    assert modes(operator, "live-backup", "host", "gate") == PRIVATE


def test_locks_that_are_held_from_before_are_taken(intruder: BackDoor) -> None:
    """On a node of an earlier version dev holds them all, also that of live and the one that all share."""
    operator = intruder.operator
    with open_to_all(operator):
        assert operator.status("live")["state"] == "running"
        begun = time.monotonic()
        operator.change("restart", "live")
        assert time.monotonic() - begun < SECONDS
        assert modes(operator, "live", "host", "gate") == PRIVATE


def test_process_of_root_s_that_holds_a_lock_is_named(intruder: BackDoor) -> None:
    """With its pid, and the change is refused."""
    operator = intruder.operator
    pid = operator.on_node(
        "sh", "-c", f"flock {LOCKS}/live.lock sleep 300 > /dev/null 2>&1 & echo $!"
    ).strip()
    try:
        refused = operator.change("restart", "live", code=2)
        assert f"the lock of live is held by flock (pid {pid}) of root, running for" in refused["message"]
    finally:
        operator.on_node("pkill", "--parent", pid)


LOG = "/var/lib/helionyx/dev/events/events.db"
# A child of the service keeps readers out: the byte that each of them locks when it begins, see the SQLite
# documentation of its locks. Says the pid of the child.
PENDING = f"""
import fcntl, os, time
child = os.fork()
if not child:
    os.setsid()
    file = os.open("{LOG}", os.O_RDWR)
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 1 << 30)
            os.write(os.open("{LOG}.held", os.O_CREAT | os.O_WRONLY), b"x")
            time.sleep(600)
        except OSError:
            time.sleep(0.001)
while not os.path.exists("{LOG}.held"):
    time.sleep(0.01)
os.unlink("{LOG}.held")
say(child)
"""
# The service closes its log, and takes a lease on it: whoever opens it then waits, for up to 45 s.
LEASE = f"""
import ctypes, fcntl, os, signal, time
ctypes.CDLL(None).signal(int(signal.SIGIO), 1)  # SIG_IGN: the kernel tells the holder that somebody waits
nothing, leased = os.open(os.devnull, os.O_RDWR), None
while leased is None:
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + name) == "{LOG}":
                os.dup2(nothing, int(name))
        except OSError:
            pass
    leased = os.open("{LOG}", os.O_RDONLY)
    try:
        fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        os.close(leased)
        leased = None
say(os.getpid())
"""


@pytest.mark.faults
def test_process_of_the_service_that_locks_its_log_is_named(intruder: BackDoor) -> None:
    """A rollback is refused soon, with the way to end that process. Version 0.3.0 failed after a minute."""
    operator = intruder.operator
    (pid,) = intruder.run(PENDING)
    begun = time.monotonic()
    refused = operator.change("rollback", "dev", code=2)
    assert time.monotonic() - begun < SECONDS
    assert "stayed locked for longer than the time limit; locked by python3" in refused["message"]
    assert f"(pid {pid})" in refused["message"]
    assert "make stop ENV=dev" in refused["hint"]
    operator.on_node("kill", "-KILL", pid)
    assert operator.status("dev")["problems"] == []


@pytest.mark.parametrize("program", [fault(PENDING, name="lock"), fault(LEASE, name="lease")])
def test_locked_log_is_its_own_trouble(intruder: BackDoor, program: str) -> None:
    """One look with one limit; the others are shown as ever; a stop goes through at once, and ends it."""
    operator = intruder.operator
    (pid,) = intruder.run(program)
    begun = time.monotonic()
    shown = json.loads(operator.script("status", "--json").stdout)["environments"]
    assert time.monotonic() - begun < SECONDS  # 121 s in version 0.3.0
    states = {item["environment"]: (item["state"], item["problems"]) for item in shown}
    assert (states.pop("dev")[0], set(map(str, states.values()))) == ("degraded", {str(("running", []))})
    (problem,) = shown[0]["problems"]
    assert problem.startswith("event log could not be read: ")
    assert problem.endswith(f"(pid {pid})")
    begun = time.monotonic()
    operator.change("stop", "dev", code=0)
    assert time.monotonic() - begun < 2 * SECONDS  # of which the service has 20 to stop
    operator.change("start", "dev")
    assert operator.status("dev")["problems"] == []
