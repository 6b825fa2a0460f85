"""The share of the machine that an environment gets: how much memory, how many processes, how often its turn.

Live weighs most, so that it goes on while another environment takes all that it can get. `.env.<env>` can say
other values than these. A rehearsal weighs least among the services of its environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..values.layout import Environment

SLICE = (
    "helionyx.slice"  # of everything that belongs to Helionyx: beside it, the rest of the machine has its own
)
LIMITED_BY = {"MEMORY_LIMIT": "memory", "TASKS_LIMIT": "pids", "CPU_WEIGHT": "cpu", "IO_WEIGHT": "io"}
"""The keys of a configuration, and the cgroup controllers by which systemd gives what they say."""
CONTROLLERS = tuple(sorted(LIMITED_BY.values()))
UNITS = {"M": 1 << 20, "G": 1 << 30}
SWAPPED = 64  # MiB: an idle service can be swapped out whole, and nothing can fill the swap space
TITLE = "# Its share of the machine. MEMORY_LIMIT, TASKS_LIMIT, CPU_WEIGHT and IO_WEIGHT change it."

MEMORY = 512  # MiB, of a transaction with all programs that it runs
TRANSACTION = f"""\
Slice={SLICE}
MemoryMax={MEMORY}M
TasksMax=64
# A program of a release that the kernel kills is a failed step: the transaction goes on to its result.
OOMPolicy=continue
CPUWeight=500
IOWeight=500
"""
"""Settings of the unit that carries a change out. A log of a million events takes it 45 MB."""

REHEARSAL = """\
CPUWeight=20
IOWeight=20
OOMScoreAdjust=900
"""


@dataclass(frozen=True)
class Shares:
    """The most that an environment may take, and its weight beside the others."""

    memory: str  # such as 512M
    tasks: int  # processes and threads
    cpu: int
    io: int
    nice: int
    oom: int  # which of all processes the kernel kills first: up to 1000

    def lines(self) -> dict[str, str]:
        """The settings of the service unit."""
        limit = size(self.memory)
        return {
            "Slice": SLICE,
            # Close to the limit it is slowed down, at the limit a process of it is killed.
            "MemoryHigh": f"{limit // 8 * 7 >> 20}M",
            "MemoryMax": f"{limit >> 20}M",
            "MemorySwapMax": f"{SWAPPED}M",
            "TasksMax": str(self.tasks),
            "CPUWeight": str(self.cpu),
            "IOWeight": str(self.io),
            # These three need no controller.
            "LimitNPROC": str(self.tasks),
            "Nice": str(self.nice),
            "OOMScoreAdjust": str(self.oom),
        }


DEFAULTS = {
    "live": Shares("512M", 256, cpu=1000, io=1000, nice=0, oom=-200),
    "staging": Shares("256M", 128, cpu=200, io=200, nice=10, oom=300),
    "dev": Shares("256M", 128, cpu=100, io=100, nice=15, oom=600),
}


def of(environment: Environment, config: Mapping[str, Any]) -> Shares:
    """The shares of an environment with this configuration; a release from before them says none."""
    default = DEFAULTS[environment.name]
    return replace(
        default,
        memory=config.get("memory_limit") or default.memory,
        tasks=config.get("tasks_limit") or default.tasks,
        cpu=config.get("cpu_weight") or default.cpu,
        io=config.get("io_weight") or default.io,
    )


def size(text: str) -> int:
    """The bytes of a size such as 512M or 2G."""
    return int(text[:-1]) * UNITS[text[-1]]


def block(shares: Shares) -> str:
    """The lines of the service unit, under their title."""
    return "\n".join([TITLE, *(f"{key}={value}" for key, value in shares.lines().items())])


def renewed(unit: str, shares: Shares) -> str:
    """A service unit with other shares; one from before there were any stays as it is."""
    if TITLE not in unit:
        return unit
    for key, value in shares.lines().items():
        unit = re.sub(rf"^{key}=.*$", f"{key}={value}", unit, flags=re.MULTILINE)
    return unit
