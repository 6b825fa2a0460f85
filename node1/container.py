"""A node as a container: systemd-nspawn, an overlay, a cgroup and a network namespace of its own."""

import os
import secrets
import signal
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import node1.base as base
import node1.disk as disk
import node1.network as network
import node1.registry as registry
import node1.shell as shell
import node1.snapshot as snapshot
from node1.cgroup import KEEPER, MACHINE, mount_points
from node1.host import Progress
from node1.record import Record, cgroup_of, erase, key_of
from node1.run import run


@dataclass(frozen=True)
class Container:
    """The container of a node."""

    record: Record

    boot_seconds = 60.0
    look_seconds = 0.01
    boot_remark = ""

    @classmethod
    def anew(cls, name: str, directory: Path, over: Path | None) -> Record:
        """The record of a new node, with an empty upper layer."""
        layers = disk.choose(directory)
        # A `down` that was killed half-way may have left these.
        disk.remove(layers)
        erase(directory)
        address = _address(directory)
        below = snapshot.lay_under(layers, over.resolve()) if over else base.digest()
        return Record(name, directory, address, secrets.token_hex(16), below, layers)

    @classmethod
    def end(cls, key: str) -> None:
        """End the container of the node with this key."""
        if mount_points():
            cgroup_of(key).end()

    @property
    def running(self) -> bool:
        """Whether its supervisor runs."""
        return self.record.cgroup.populated(KEEPER)

    @property
    def is_whole(self) -> bool:
        """Whether its systemd-nspawn runs: without, it may answer until the supervisor has ended it."""
        return self.record.cgroup.populated(f"{MACHINE}/supervisor")

    def boot_mark(self) -> str:
        """The number of boots so far."""
        return str(self.record.boots)

    def again(self) -> Record:
        """End what an earlier boot left, and choose another address if the old one is taken."""
        self.record.cgroup.end()
        network.disconnect(self.record)
        return replace(self.record, address=_address(self.record.directory, self.record.address))

    def make_disk(self, progress: Progress, used: Collection[str]) -> None:
        """Build the base if it is not there, and give a new disk the files of this node."""
        base.ensure(self.record.base, progress, used=used)
        disk.seed(self.record)

    def start(self) -> None:
        """Start the supervisor; returns once it has set the node up."""
        self.record.cgroup.create()
        namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            # Until the node is set up, the supervisor dies with its starter; then it lives on by itself.
            own = ["unshare", "--mount", "--net", "--propagation=private"]
            fenced = ["setpriv", "--pdeathsig", "KILL", *own]
            command = [sys.executable, "-m", "node1.supervisor", str(self.record.directory), str(namespace)]
            path = {"PYTHONPATH": str(Path(__file__).parents[1])}
            run([*fenced, *command], pass_fds=[namespace], env=path)
        finally:
            os.close(namespace)

    def ssh_answers(self) -> bool:
        """Whether sshd answers at the host's end of the link: another route might lead anywhere."""
        return shell.answers(self.record, source=self.record.host_address)

    def ask_to_shut_down(self) -> None:
        """Ask the supervisor to shut the node down."""
        self.record.cgroup.signal(KEEPER, signal.SIGTERM)

    def cut(self) -> None:
        """Kill every process of the node and take its link away."""
        self.record.cgroup.end()
        network.disconnect(self.record)

    def limit_memory(self, more: int) -> None:
        """Limit the memory of the cgroup."""
        self.record.cgroup.limit_memory(more)

    def take_snapshot(self, directory: Path) -> None:
        """Copy the upper layer."""
        snapshot.take(self.record, directory)

    def remove_disk(self) -> None:
        """Remove the layers."""
        disk.remove(self.record.disk)


def _address(directory: Path, preferred: str = "") -> str:
    """The address for the node in `directory`: the `preferred` one while it is free."""
    others = registry.addresses_but(key_of(directory))
    if preferred and preferred not in others and network.is_free(preferred):
        return preferred
    return network.choose(others)
