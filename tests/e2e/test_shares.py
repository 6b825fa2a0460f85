"""The machine that dev cannot take away from live, however much of it dev takes for itself.

A node in a container may lack the kernel's cgroup controllers. The attacks then try the settings that need
none. Where a controller is there, its own files are read.
"""

from __future__ import annotations

from deployment.host.values.layout import ENVIRONMENTS, Environment

from .back_door import BackDoor

MORE = 300 << 20  # bytes that the node has left, as a server of 500 MB has
CGROUPS = "/sys/fs/cgroup"
SERVICES = [Environment(name).service for name in ENVIRONMENTS]

# Forks until it is refused. The children wait for the pipe to close, and so end with the program.
BOMB = """
import os
read, write = os.pipe()
children, refused = [], 0
while len(children) < 400 and not refused:
    try:
        child = os.fork()
    except BlockingIOError:
        refused += 1
    else:
        if not child:
            os.close(write)
            os.read(read, 1)
            os._exit(0)
        children.append(child)
os.close(write)
for child in children:
    os.waitpid(child, 0)
say(len(children))
"""

# Small processes, each smaller than a service, that want far more memory together than there is.
CROWD = """
import os, time
CODE = "import time; held = bytearray(b'x' * (8 << 20)); time.sleep(20)"
crowd = [os.posix_spawn("/usr/bin/python3", ["python3", "-IS", "-c", CODE], {}) for _ in range(70)]
time.sleep(20)
"""


def test_units_have_their_shares(intruder: BackDoor) -> None:
    """Each environment runs in the one slice with limits of its own; live weighs most and is killed last."""
    names = "ControlGroup,MemoryMax,TasksMax,CPUWeight,IOWeight,LimitNPROC,Nice,OOMScoreAdjust"
    shown = intruder.operator.on_node("systemctl", "show", f"--property={names}", *SERVICES)
    found = [dict(line.split("=", 1) for line in unit.splitlines()) for unit in shown.strip().split("\n\n")]
    groups = [f"/helionyx.slice/{unit}" for unit in SERVICES]
    assert [unit["ControlGroup"] for unit in found] == groups
    assert [int(unit["MemoryMax"]) >> 20 for unit in found] == [256, 256, 512]
    for limit in ("TasksMax", "LimitNPROC"):
        assert [unit[limit] for unit in found] == ["128", "128", "256"]
    for weight in ("CPUWeight", "IOWeight"):
        assert [unit[weight] for unit in found] == ["100", "200", "1000"]
    assert [unit["Nice"] for unit in found] == ["15", "10", "0"]
    assert [unit["OOMScoreAdjust"] for unit in found] == ["600", "300", "-200"]
    given = intruder.operator.on_node("cat", f"{CGROUPS}/cgroup.controllers").split()
    files = {"memory": "memory.max", "pids": "pids.max", "cpu": "cpu.weight"}
    for name in set(given) & set(files):
        paths = [f"{CGROUPS}{group}/{files[name]}" for group in groups]
        dev, _, live = map(int, intruder.operator.on_node("cat", *paths).split())
        assert dev < live


def test_dev_cannot_fork_without_end(intruder: BackDoor) -> None:
    """It is refused one more process long before the machine has no more."""
    (count,) = map(int, intruder.run(BOMB))
    assert 64 < count < 128
    assert intruder.operator.ask("live", "/health/ready")[0] == 200


def test_a_crowd_of_dev_ends_nothing_but_dev(intruder: BackDoor) -> None:
    """Where the memory of the node runs out, the kernel kills processes of dev; live is changed as ever."""
    operator = intruder.operator
    operator.node.limit_memory(MORE)
    before = _processes(intruder)
    intruder.begin(CROWD)
    operator.await_restart("dev", int(before["dev"]))
    assert operator.ask("live", "/api/v1/messages", {"text": "said in the crowd"})[0] == 201
    after = _processes(intruder)
    assert after == before | {"dev": after["dev"]}
    assert operator.change("restart", "live")["outcome"] == "done"


def _processes(door: BackDoor) -> dict[str, str]:
    """The main process of each environment, and all journals."""
    shown = door.operator.on_node("systemctl", "show", "--property=MainPID", "--value", *SERVICES)
    journals = door.operator.on_node("pidof", "systemd-journald")
    return dict(zip(ENVIRONMENTS, shown.split(), strict=True)) | {"journald": journals.strip()}
