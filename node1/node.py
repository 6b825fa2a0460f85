"""A node and its life: boot, reboot, power cut, end."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from types import TracebackType

import node1.engine as engine
import node1.host as host
import node1.preparation as preparation
import node1.registry as registry
import node1.shell as shell
from node1.cache import BUILD_SECONDS
from node1.choice import Way
from node1.engine import Engine
from node1.error import Node1Error
from node1.host import Progress
from node1.lock import locked
from node1.record import FILE, Record, erase, strangers
from node1.waiting import Waiting, last_line

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
SHUTDOWN_SECONDS = 15.0


def _silent(_line: str) -> None:
    """The progress of a caller who does not want to hear any."""


@dataclass(frozen=True)
class Node:
    """A Debian 12 host that runs on this machine. As a context manager, it ends with the block."""

    record: Record

    @classmethod
    def boot(
        cls,
        name: str,
        directory: Path,
        *,
        over: Path | None = None,
        way: Way | None = None,
        progress: Progress = _silent,
    ) -> "Node":
        """Boot the node in `directory`, or find it running; returns once its sshd answers.

        A new node begins with a bare disk, or with that of the snapshot `over`. Its name, address, keys and
        machine id are its own in both cases. A new node boots in the best way that works here, unless `way`
        names one. With Ctrl-C nothing runs on, and of a new node nothing remains.
        """
        if not NAME.fullmatch(name):
            raise Node1Error(
                f"{name!r} is no name for a node", "a letter, then letters, digits, dashes; 31 at most"
            )
        directory = directory.resolve()
        way = preparation.way_of(directory, way, progress)
        host.install(progress, host.TOOLS[way])
        with locked(directory / "lock", timeout=BUILD_SECONDS):
            known = _known(name, directory)
            if known is not None and known._answers_already():
                return known
            try:
                node = cls(preparation.prepared(way, name, directory, over, progress))
                node._start(progress)
            except KeyboardInterrupt:
                _abandon(directory, is_new=known is None)
                raise
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
        return self._engine.running

    @property
    def _engine(self) -> Engine:
        return engine.of(self.record)

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
        self._engine.limit_memory(more)

    def reboot(self) -> None:
        """Reboot from inside, in good order; returns once sshd answers again."""
        with self._held():
            mark = self._engine.boot_mark()
            self.run(["systemctl", "reboot"])
            shell.hang_up(self.record)
            self._await_boot(mark, _silent)

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
            self._engine.take_snapshot(directory.resolve())

    def destroy(self) -> None:
        """End the node and remove all that it was; nothing happens where that was done before."""
        if not (self.directory / FILE).exists():
            return
        with locked(self.directory / "lock", timeout=BUILD_SECONDS):
            self._remove()

    def _remove(self) -> None:
        self._cut()
        with registry.opened():
            registry.leave(self.record)
        self._engine.remove_disk()
        _empty(self.directory)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the lock of a node that is there."""
        Record.load(self.directory)
        with locked(self.directory / "lock", timeout=BUILD_SECONDS):
            Record.load(self.directory)  # again: who held the lock before may have removed it
            yield

    def _shut_down(self) -> bool:
        """Ask the node to shut down; returns whether it has done so in time."""
        shell.hang_up(self.record)
        self._engine.ask_to_shut_down()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while self.running and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self.running

    def _cut(self) -> None:
        shell.hang_up(self.record)
        self._engine.cut()

    def _start(self, progress: Progress) -> None:
        remark = self._engine.boot_remark
        progress(f"booting {self.name}{remark and f': {remark}'}")
        mark = self._engine.boot_mark()
        self._engine.start()
        self._await_boot(mark, progress)

    def _answers_already(self) -> bool:
        """Whether it runs and needs no boot; one that is just booting, or just ending, is waited for."""
        if self.running:
            self._await(lambda: self._is_up() or not self.running)
        return self.running

    def _is_up(self) -> bool:
        return self._engine.ssh_answers() and self._engine.is_whole

    def _await_boot(self, mark_before: str, progress: Progress) -> None:
        def is_booted() -> bool:
            return self._engine.ssh_answers() and self._engine.boot_mark() not in ("", mark_before)

        self._await(is_booted, while_running=True, progress=progress)

    def _await(
        self, event: Callable[[], bool], *, while_running: bool = False, progress: Progress = _silent
    ) -> None:
        begin = time.monotonic()
        waiting = Waiting(progress)
        while not event():
            seconds = time.monotonic() - begin
            if while_running and not self.running:
                raise Node1Error(f"{self.name} ended:\n{self._last_words()}", f"see {self.record.console}")
            if seconds > self._engine.boot_seconds:
                hint = f"see {self.record.console}; python -m node1 power-cut {self.name} boots it afresh"
                silence = f"{self.name} does not answer after {seconds:.0f} s"
                raise Node1Error(f"{silence}:\n{self._last_words()}", hint)
            waiting.show(seconds, self._last_line)
            time.sleep(self._engine.look_seconds)

    def _last_words(self) -> str:
        try:
            return "\n".join(self.record.console.read_text(errors="replace").splitlines()[-10:])
        except FileNotFoundError:
            return "(nothing on the console)"

    def _last_line(self) -> str:
        return last_line(self._last_words())


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


def _abandon(directory: Path, *, is_new: bool) -> None:
    """End a boot that was interrupted, and remove the node if it is new."""
    if not (directory / FILE).exists():
        _empty(directory)
    elif is_new:
        Node.load(directory)._remove()
    else:
        Node.load(directory)._cut()


def _empty(directory: Path) -> None:
    """Remove the files of a node, and the directory unless it holds something else."""
    erase(directory)
    (directory / "lock").unlink()
    # It stays where it holds something that is not ours, or another command waits for the lock.
    with contextlib.suppress(OSError):
        directory.rmdir()
