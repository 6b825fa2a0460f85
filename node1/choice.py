"""The choice between the two ways to boot a node: a container, or else a virtual machine."""

from dataclasses import dataclass
from enum import StrEnum

from node1.error import CANNOT_RUN_HERE, Node1Error

KERNEL = (5, 14)
CAPABILITIES = {
    "CAP_SYS_CHROOT": 18,
    "CAP_SYS_ADMIN": 21,
    "CAP_NET_ADMIN": 12,
    "CAP_MKNOD": 27,
    "CAP_PERFMON": 38,
    "CAP_BPF": 39,
}
"""The capabilities that a container takes, and their numbers in the kernel."""
ARCHITECTURE = "x86_64"  # the only one whose virtual machine was ever booted
ELSEWHERE = (
    "make run serves on this machine; NODE=my-host deploys to a server of yours, NODE=local to this machine"
)


class Way(StrEnum):
    """A way to boot a node."""

    CONTAINER = "container"
    MACHINE = "virtual machine"


@dataclass(frozen=True)
class Facts:
    """Observations of this machine, and of the rights of the caller on it."""

    system: str = "linux"
    architecture: str = ARCHITECTURE
    user: int = 0
    capabilities: int = (1 << 64) - 1  # the effective ones, a bit each
    has_overlay: bool = True
    cgroup2: str = "/sys/fs/cgroup"  # where it is mounted; empty if it is not
    cgroup2_is_writable: bool = True
    kernel: tuple[int, ...] = KERNEL
    namespaces: str = ""  # the complaint of an attempt to make some
    lacks: tuple[str, ...] = ()  # the packages that a virtual machine takes, and that are not installed
    can_install: bool = True

    @property
    def is_root(self) -> bool:
        """Whether the caller is root."""
        return self.user == 0


@dataclass(frozen=True)
class Choice:
    """The way that was chosen, and the reason if it is not the first one."""

    way: Way
    reason: str = ""


def choose(facts: Facts) -> Choice:
    """Choose a container where one can be made, else a virtual machine.

    Raises `Node1Error` with one line where neither can boot.
    """
    no_container = obstacle_of_container(facts)
    if not no_container:
        return Choice(Way.CONTAINER)
    no_machine = obstacle_of_machine(facts)
    if not no_machine:
        return Choice(Way.MACHINE, no_container)
    message = f"node1 cannot boot here: no {Way.CONTAINER}: {no_container}; no {Way.MACHINE}: {no_machine}"
    raise Node1Error(message, _hint(facts), CANNOT_RUN_HERE)


def require(facts: Facts, way: Way) -> None:
    """Raise `Node1Error` with one line where a node of this `way` can neither boot nor be ended."""
    obstacle = obstacle_of_container(facts) if way == Way.CONTAINER else obstacle_of_machine(facts)
    if obstacle:
        raise Node1Error(f"no {way} can boot here: {obstacle}", _hint(facts), CANNOT_RUN_HERE)


def obstacle_of_container(facts: Facts) -> str:
    """The first reason why no container can boot; empty if one can."""
    if facts.system != "linux":
        return f"it needs Linux, and this is {facts.system}"
    if not facts.is_root:
        return f"it needs root, and this is user {facts.user}"
    missing = [name for name, bit in CAPABILITIES.items() if not facts.capabilities >> bit & 1]
    if missing:
        return f"root is without {', '.join(missing)} here"
    if not facts.has_overlay:
        return "this kernel has no overlay filesystem"
    return _obstacle_of_cgroup(facts) or facts.namespaces


def _obstacle_of_cgroup(facts: Facts) -> str:
    if not facts.cgroup2:
        return "no cgroup2 is mounted"
    if not facts.cgroup2_is_writable:
        return f"{facts.cgroup2} is read-only"
    if facts.kernel < KERNEL:
        return f"it needs Linux 5.14 for cgroup.kill, and this is {'.'.join(map(str, facts.kernel))}"
    return ""


def obstacle_of_machine(facts: Facts) -> str:
    """The first reason why no virtual machine can boot; empty if one can."""
    if facts.system != "linux":
        return f"it needs Linux, and this is {facts.system}"
    if facts.architecture != ARCHITECTURE:
        return f"it needs {ARCHITECTURE}, and this is {facts.architecture}"
    if facts.lacks and not facts.can_install:
        return f"this machine lacks {' '.join(facts.lacks)}"
    return ""


def _hint(facts: Facts) -> str:
    """The ways out: to install packages where that is all that is missing, else to do without a node1."""
    is_fixable = facts.system == "linux" and facts.architecture == ARCHITECTURE and facts.lacks
    install = f"sudo apt-get install {' '.join(facts.lacks)}; or without node1: " if is_fixable else ""
    return f"{install}{ELSEWHERE}"
