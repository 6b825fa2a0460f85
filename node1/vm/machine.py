"""A node as a virtual machine: qemu, an image of its own and an address in 127/8."""

import secrets
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import node1.base as base
import node1.registry as registry
import node1.shell as shell
import node1.vm.address as address
import node1.vm.disk as disk
import node1.vm.image as image
import node1.vm.qemu as qemu
from node1.choice import Way
from node1.error import Node1Error
from node1.host import Progress
from node1.record import DISK, Record, erase, key_of

BOOT_ID = ("cat", "/proc/sys/kernel/random/boot_id")
LOGIN_SECONDS = 20.0
EMULATED = "about half a minute in software emulation (KVM cannot be used here)"


@dataclass(frozen=True)
class VirtualMachine:
    """The virtual machine of a node."""

    record: Record

    boot_seconds = 300.0  # a quiet machine boots in 20 s under emulation, a busy one in a minute
    look_seconds = 0.2

    @classmethod
    def anew(cls, name: str, directory: Path, over: Path | None) -> Record:
        """The record of a new node, with a disk of its own."""
        if over:
            raise _no_snapshots(over)
        layers = directory / DISK
        shutil.rmtree(layers, ignore_errors=True)  # of a `down` that was killed half-way
        erase(directory)
        own = _address(directory)
        digest = image.digest()
        return Record(name, directory, own, secrets.token_hex(16), digest, layers, Way.MACHINE, address.SSH)

    @classmethod
    def end(cls, key: str) -> None:
        """End the machine of the node with this key."""
        qemu.kill(key)

    @property
    def boot_remark(self) -> str:
        """A remark on the time under emulation."""
        return "" if qemu.is_accelerated() else EMULATED

    @property
    def running(self) -> bool:
        """Whether its qemu runs."""
        return bool(qemu.pid_of(self.record.key))

    @property
    def is_whole(self) -> bool:
        """Whether it runs: it is one process."""
        return self.running

    def boot_mark(self) -> str:
        """The boot id of its kernel."""
        if not self.running:
            return ""
        try:
            done = shell.run_inside(self.record, BOOT_ID, input=None, timeout=LOGIN_SECONDS)
        except Node1Error:  # it reboots just now
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def again(self) -> Record:
        """Choose another address if a port of the old one is taken."""
        qemu.kill(self.record.key)
        return replace(self.record, address=_address(self.record.directory, self.record.address))

    def make_disk(self, progress: Progress, used: Collection[str]) -> None:
        """Build the image if it is not there, and copy it for a new node."""
        built = image.ensure(self.record.base, progress, used=used)
        disk.make(self.record, built / image.DISK)

    def start(self) -> None:
        """Start qemu."""
        qemu.start(self.record, base.path_of(self.record.base) / image.KERNEL)

    def ssh_answers(self) -> bool:
        """Whether sshd answers at the forwarded port."""
        return shell.answers(self.record)

    def ask_to_shut_down(self) -> None:
        """Let systemd shut the machine down."""
        shell.run_inside(self.record, ["systemctl", "poweroff"], input=None, timeout=LOGIN_SECONDS)
        shell.hang_up(self.record)

    def cut(self) -> None:
        """Kill qemu."""
        qemu.kill(self.record.key)

    def limit_memory(self, more: int) -> None:
        """Refuse it: its memory is fixed."""
        raise Node1Error(f"the memory of a virtual machine cannot be limited to {more} bytes more")

    def take_snapshot(self, directory: Path) -> None:
        """Refuse it."""
        raise _no_snapshots(directory)

    def remove_disk(self) -> None:
        """Remove the image of this node."""
        shutil.rmtree(self.record.disk, ignore_errors=True)


def _no_snapshots(directory: Path) -> Node1Error:
    return Node1Error(f"a virtual machine has no snapshots such as {directory}", "boot a node of its own")


def _address(directory: Path, preferred: str = "") -> str:
    """The address for the node in `directory`: the `preferred` one while its ports are free."""
    others = registry.addresses_but(key_of(directory))
    if preferred and preferred not in others and not address.busy_port(preferred):
        return preferred
    return address.choose(others)
