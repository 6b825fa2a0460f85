"""The part of a node that differs between its two ways to boot: a container and a virtual machine."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from node1.choice import Way
from node1.container import Container
from node1.host import Progress
from node1.record import Record
from node1.vm.machine import VirtualMachine


class Engine(Protocol):
    """All that a node needs of the machine or the container below it."""

    @property
    def boot_seconds(self) -> float:
        """The longest time that a boot may take."""

    @property
    def look_seconds(self) -> float:
        """The time between two looks at a node that boots."""

    @property
    def boot_remark(self) -> str:
        """A remark on the time that a boot takes, if that is long; else empty."""

    @property
    def running(self) -> bool:
        """Whether it is kept running, be it that it is just booting."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it has ended by itself."""

    def boot_mark(self) -> str:
        """A value that differs after each boot; empty where it cannot be read."""

    def again(self) -> Record:
        """End what an earlier boot left, and return the record for the next one."""

    def make_disk(self, progress: Progress, used: Collection[str]) -> None:
        """Make the disk, and the base below it, where they are missing."""

    def start(self) -> None:
        """Start the boot."""

    def ssh_answers(self) -> bool:
        """Whether the node's sshd answers."""

    def ask_to_shut_down(self) -> None:
        """Ask the node to shut down in good order."""

    def cut(self) -> None:
        """Kill everything in the node at once."""

    def limit_memory(self, more: int) -> None:
        """Let all that runs in it take no more than `more` bytes of memory on top of what it holds now."""

    def take_snapshot(self, directory: Path) -> None:
        """Copy the disk of a node that does not run to `directory`."""

    def remove_disk(self) -> None:
        """Remove the disk."""


ENGINES: dict[Way, type[Container] | type[VirtualMachine]] = {
    Way.CONTAINER: Container,
    Way.MACHINE: VirtualMachine,
}


def of(record: Record) -> Engine:
    """The engine of a node."""
    return ENGINES[record.way](record)


def anew(way: Way, name: str, directory: Path, over: Path | None) -> Record:
    """The record of a new node in `directory`, with a disk of its own or one over a snapshot."""
    return ENGINES[way].anew(name, directory, over)


def end(key: str) -> None:
    """End whatever runs of the node with this key, whose record is gone."""
    for engine in ENGINES.values():
        engine.end(key)
