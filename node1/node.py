"""A node and its life: boot, reboot, power cut, end."""

import contextlib
import os
import re
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CompletedProcess
from types import TracebackType

import node1.base as base
import node1.disk as disk
import node1.host as host
import node1.keys as keys
import node1.network as network
import node1.registry as registry
import node1.shell as shell
import node1.snapshot as snapshot
from node1.cgroup import KEEPER, MACHINE
from node1.error import Node1Error
from node1.host import Progress
from node1.lock import locked
from node1.record import FILE, Record, erase, strangers
from node1.run import run

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
BOOT_SECONDS = 60.0
SHUTDOWN_SECONDS = 15.0


def _silent(_line: str) -> None:
    """The progress of a caller who does not want to hear any."""


@dataclass(frozen=True)
class Node:
    """A Debian 12 host that runs on this machine. As a context manager, it ends with the block."""

    record: Record

    @classmethod
    def boot(
        cls, name: str, directory: Path, *, over: Path | None = None, progress: Progress = _silent
    ) -> "Node":
        """Boot the node in `directory`, or find it running; returns once its sshd answers.

        A new node begins with a bare disk, or with that of the snapshot `over`. Its name, address, keys and
        machine id are its own in both cases.
        """
        if not NAME.fullmatch(name):
            raise Node1Error(
                f"{name!r} is no name for a node", "a letter, then letters, digits, dashes; 31 at most"
            )
        host.require()
        host.install(progress, host.TOOLS)
        directory = directory.resolve()
        with locked(directory / "lock", timeout=base.BUILD_SECONDS):
            node = _known(name, directory)
            if node is None or not node._answers_already():
                node = cls(_prepared(name, directory, over, progress))
                node._start(progress)
            return node

    @classmethod
    def load(cls, directory: Path) -> "Node":
        """The node in `directory`, running or not."""
        return cls(Record.load(directory.resolve()))

    def __enter__(self) -> "Node":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy()

    @property
    def name(self) -> str:
        """Its name: the hostname inside, and what ssh calls it."""
        return self.record.name

    @property
    def address(self) -> str:
        """Its IP address, reachable from this machine on every port."""
        return self.record.address

    @property
    def directory(self) -> Path:
        """The directory of its keys, its ssh configuration, its console log and (as a rule) its disk."""
        return self.record.directory

    @property
    def ssh_config(self) -> Path:
        """The OpenSSH configuration: `ssh -F` it to NAME for root, to NAME-deploy for the user deploy."""
        return self.record.ssh_config

    @property
    def running(self) -> bool:
        """Whether it is kept running, be it that it is just booting."""
        return self.record.cgroup.populated(KEEPER)

    def ssh_command(self) -> list[str]:
        """The argv that logs in as root."""
        return shell.login(self.record)

    def run(
        self, argv: Sequence[str], *, input: str | None = None, timeout: float = 60
    ) -> CompletedProcess[str]:
        """Run a command inside as root; its exit code is the caller's to judge (255: ssh itself failed)."""
        return shell.run_inside(self.record, argv, input=input, timeout=timeout)

    def limit_memory(self, more: int) -> None:
        """Let all that runs in it take no more than `more` bytes of memory on top of what it holds now."""
        self.record.cgroup.limit_memory(more)

    def reboot(self) -> None:
        """Reboot from inside, in good order; returns once sshd answers again."""
        with self._held():
            boots = self.record.boots
            self.run(["systemctl", "reboot"])
            self._await_boot(boots)

    def power_cut(self) -> None:
        """Kill everything in the node at once, and boot it again."""
        with self._held():
            self._cut()
            self._start(_silent)

    def stop(self) -> None:
        """Shut the node down in good order, or by force if that takes too long; its disk remains."""
        with self._held():
            self._shut_down()
            self._cut()

    def snapshot(self, directory: Path) -> None:
        """Shut the node down in good order and copy its disk to `directory`, for others to boot over.

        The snapshot is whole or not there. It must stay where it is for as long as a node or another snapshot
        over it lives. It is never changed, whatever becomes of these and of this node.
        """
        with self._held():
            if not self._shut_down():
                raise Node1Error(f"{self.name} does not shut down within {SHUTDOWN_SECONDS:g} s")
            self._cut()
            snapshot.take(self.record, directory.resolve())

    def destroy(self) -> None:
        """End the node and remove all that it was; nothing happens where that was done before."""
        if not (self.directory / FILE).exists():
            return
        with locked(self.directory / "lock", timeout=base.BUILD_SECONDS):
            self._cut()
            with registry.opened():
                registry.leave(self.record)
            disk.remove(self.record.disk)
            erase(self.directory)
            (self.directory / "lock").unlink()
            # It stays where it holds something that is not ours, or another command waits for the lock.
            with contextlib.suppress(OSError):
                self.directory.rmdir()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the lock of a node that is there."""
        Record.load(self.directory)
        with locked(self.directory / "lock", timeout=base.BUILD_SECONDS):
            Record.load(self.directory)  # again: who held the lock before may have removed it
            yield

    def _shut_down(self) -> bool:
        """Ask the node to shut down; returns whether it has done so in time."""
        shell.hang_up(self.record)
        self.record.cgroup.signal(KEEPER, signal.SIGTERM)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while self.running and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self.running

    def _cut(self) -> None:
        shell.hang_up(self.record)
        self.record.cgroup.end()
        network.disconnect(self.record)

    def _start(self, progress: Progress) -> None:
        progress(f"booting {self.name}")
        self.record.cgroup.create()
        boots = self.record.boots
        namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            # Until the node is set up, the supervisor dies with its starter; then it lives on by itself.
            fenced = [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "unshare",
                "--mount",
                "--net",
                "--propagation=private",
            ]
            command = [sys.executable, "-m", "node1.supervisor", str(self.directory), str(namespace)]
            path = {"PYTHONPATH": str(Path(__file__).parents[1])}
            run([*fenced, *command], pass_fds=[namespace], env=path)
        finally:
            os.close(namespace)
        self._await_boot(boots)

    def _answers_already(self) -> bool:
        """Whether it runs and needs no boot; one that is just booting, or just ending, is waited for."""
        if self.running:
            self._await(lambda: (self._ssh_answers() and self._is_whole()) or not self.running)
        return self.running

    def _is_whole(self) -> bool:
        # Without its systemd-nspawn it may go on to answer for a moment, until the supervisor has ended it.
        return self.record.cgroup.populated(f"{MACHINE}/supervisor")

    def _await_boot(self, boots_before: int) -> None:
        self._await(lambda: self.record.boots > boots_before and self._ssh_answers(), while_running=True)

    def _await(self, event: Callable[[], bool], *, while_running: bool = False) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while not event():
            if while_running and not self.running:
                raise Node1Error(f"{self.name} ended:\n{self._last_words()}", f"see {self.record.console}")
            if time.monotonic() > deadline:
                hint = f"see {self.record.console}; python -m node1 power-cut {self.name} boots it afresh"
                silence = f"{self.name} does not answer after {BOOT_SECONDS:g} s"
                raise Node1Error(f"{silence}:\n{self._last_words()}", hint)
            time.sleep(0.01)

    def _ssh_answers(self) -> bool:
        # From the host's end of the link: while that is not up, another route might lead who knows where.
        source = (self.record.host_address, 0)
        try:
            with socket.create_connection((self.address, 22), timeout=2, source_address=source) as connection:
                answers = connection.recv(4) == b"SSH-"
                # Said goodbye to in good order, sshd writes no error into the node's journal.
                connection.sendall(b"SSH-2.0-node1\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
                return answers
        except OSError:
            return False

    def _last_words(self) -> str:
        try:
            return "\n".join(self.record.console.read_text(errors="replace").splitlines()[-10:])
        except FileNotFoundError:
            return "(nothing on the console)"


def _known(name: str, directory: Path) -> Node | None:
    """The node that `directory` holds already; an error if it holds something else."""
    if not (directory / FILE).exists():
        if others := strangers(directory):
            raise Node1Error(f"{directory} holds something else: {others[0]}", "name an empty directory")
        return None
    node = Node.load(directory)
    if node.name != name:
        raise Node1Error(f"{directory} is the directory of {node.name}, not of {name}", "name another one")
    return node


def _prepared(name: str, directory: Path, over: Path | None, progress: Progress) -> Record:
    """All that a boot needs, made where it is missing; nothing that an earlier boot left running."""
    with registry.opened():
        registry.end_orphans()
        record = _again(directory) if (directory / FILE).exists() else _anew(name, directory, over)
        registry.enter(record)
        used = {other.base for other in registry.records()}
    base.ensure(record.base, progress, used=used)
    keys.make(record)
    disk.seed(record)
    return record


def _again(directory: Path) -> Record:
    record = Record.load(directory)
    record.cgroup.end()
    network.disconnect(record)
    return replace(record, address=registry.address_for(directory, record.address))


def _anew(name: str, directory: Path, over: Path | None) -> Record:
    place = disk.choose(directory)
    # A `down` that was killed half-way may have left these.
    disk.remove(place)
    erase(directory)
    address = registry.address_for(directory)
    below = snapshot.lay_under(place, over.resolve()) if over else base.digest()
    return Record(name, directory, address, secrets.token_hex(16), below, place)
