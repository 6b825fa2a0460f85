"""Locks of the deployment that code which has taken over dev tries to hold, or to keep others waiting at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .back_door import BackDoor
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
