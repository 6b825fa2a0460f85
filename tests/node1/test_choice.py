"""The way to boot a node: chosen from observed facts, and refused with one line where there is none."""

from dataclasses import replace

import pytest

from node1 import Node1Error, Way
from node1.choice import CAPABILITIES, Facts, choose, require

ROOT = Facts()
USER = Facts(user=1000, capabilities=0, can_install=False)
DOCKER = Facts(capabilities=0xA80425FB)  # the capabilities of an ordinary container
BARE = ("fakechroot", "qemu-system-x86")


@pytest.mark.parametrize(
    ("facts", "way", "reason"),
    [
        (ROOT, Way.CONTAINER, ""),
        (replace(ROOT, lacks=BARE), Way.CONTAINER, ""),
        (replace(ROOT, architecture="aarch64"), Way.CONTAINER, ""),
        (USER, Way.MACHINE, "it needs root, and this is user 1000"),
        (DOCKER, Way.MACHINE, "root is without CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF here"),
        (replace(DOCKER, lacks=BARE), Way.MACHINE, "root is without"),
        (replace(ROOT, has_overlay=False), Way.MACHINE, "this kernel has no overlay filesystem"),
        (replace(ROOT, cgroup2=""), Way.MACHINE, "no cgroup2 is mounted"),
        (replace(ROOT, cgroup2_is_writable=False), Way.MACHINE, "/sys/fs/cgroup is read-only"),
        (replace(ROOT, kernel=(5, 10)), Way.MACHINE, "it needs Linux 5.14 for cgroup.kill, and this is 5.10"),
        (replace(ROOT, namespaces="it may not make namespaces"), Way.MACHINE, "it may not make namespaces"),
    ],
)
def test_container_is_chosen_where_it_can_boot_else_a_virtual_machine(
    facts: Facts, way: Way, reason: str
) -> None:
    """With the reason, which a person can do something about."""
    choice = choose(facts)
    assert choice.way == way
    assert choice.reason.startswith(reason)
    assert bool(choice.reason) == bool(reason)


@pytest.mark.parametrize("name", CAPABILITIES)
def test_container_takes_each_of_its_capabilities(name: str) -> None:
    """An ordinary container lacks some, others lack others."""
    without = replace(ROOT, capabilities=ROOT.capabilities & ~(1 << CAPABILITIES[name]))
    assert choose(without).reason == f"root is without {name} here"


@pytest.mark.parametrize(
    ("facts", "parts"),
    [
        (Facts(system="darwin"), ["it needs Linux, and this is darwin"]),
        (replace(USER, architecture="aarch64"), ["user 1000", "it needs x86_64, and this is aarch64"]),
        (replace(USER, lacks=BARE), ["user 1000", "lacks fakechroot qemu-system-x86"]),
        (replace(DOCKER, lacks=BARE, can_install=False), ["CAP_SYS_ADMIN", "lacks fakechroot"]),
    ],
)
def test_machine_that_can_do_neither_is_refused_with_one_line(facts: Facts, parts: list[str]) -> None:
    """And with a hint that has all ways out."""
    with pytest.raises(Node1Error) as refusal:
        choose(facts)
    error = refusal.value
    assert error.exit_code == 2
    assert "\n" not in error.message
    for part in parts:
        assert part in error.message
    for way_out in ("make run", "NODE=my-host", "NODE=local"):
        assert way_out in error.hint
    assert ("sudo apt-get install fakechroot qemu-system-x86" in error.hint) == bool(facts.lacks)


def test_node_that_is_there_is_refused_for_its_own_way_alone() -> None:
    """A container of root's cannot be ended by anybody else, whatever else could boot."""
    require(ROOT, Way.CONTAINER)
    require(USER, Way.MACHINE)
    with pytest.raises(Node1Error, match="no container can boot here: it needs root, and this is user 1000"):
        require(USER, Way.CONTAINER)
