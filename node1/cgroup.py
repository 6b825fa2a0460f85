"""A node's own cgroup: every process of it is inside, so that it can be ended without ever naming one."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from node1.error import Node1Error

KEEPER = "keeper"  # the supervisor
MACHINE = "machine"  # systemd-nspawn, and below it the node
LEGACY_MEMORY = Path("/sys/fs/cgroup/memory")  # the memory controller's own hierarchy, where cgroup v1 has it
MEMORY = 2 << 30  # bytes: a node that leaks ends its own processes, and not those of this machine


def mount_points() -> list[Path]:
    """The mount points of cgroup2: /sys/fs/cgroup, or /sys/fs/cgroup/unified beside cgroup v1."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, filesystem = line.partition(" - ")
        if filesystem.startswith("cgroup2 "):
            points.append(Path(mount.split()[4]))
    # A mount point that a later mount hides is still listed, hence the look at a file of it.
    return [point for point in points if (point / "cgroup.procs").exists()]


@dataclass(frozen=True)
class Cgroup:
    """The cgroup called `name` at the top of the cgroup2 hierarchy."""

    name: str

    @property
    def path(self) -> Path:
        """Its directory, as seen by the calling process."""
        points = mount_points()
        if not points:
            raise Node1Error("no cgroup2 is mounted", "mount -t cgroup2 cgroup2 /sys/fs/cgroup")
        return points[-1] / self.name

    def create(self) -> None:
        """Make it, with the controllers that the machine can give to it."""
        path = self.path
        _enable_controllers(path.parent)
        for child in (KEEPER, MACHINE):
            (path / child).mkdir(parents=True, exist_ok=True)
        _enable_controllers(path)
        # It is not there where cgroup v1 or a container holds the controller.
        limit = path / "memory.max"
        if limit.exists():
            limit.write_text(str(MEMORY))

    def limit_memory(self, more: int) -> None:
        """Let its processes take no more than `more` bytes on top of what they hold now."""
        limit = self.path / "memory.max"
        if limit.exists():
            limit.write_text(str(int((self.path / "memory.current").read_text()) + more))
            return
        if not LEGACY_MEMORY.is_dir():
            raise Node1Error("no memory controller is here for a node")
        # In cgroup v1 what a process holds stays with the group it was in: there `more` is all that counts.
        inside = Path(f"{LEGACY_MEMORY}{_own_legacy_group()}") / self.name
        inside.mkdir(exist_ok=True)
        (inside / "memory.limit_in_bytes").write_text(str(more))
        while outside := self._everything() - _processes(inside):
            for pid in outside:
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    (inside / "cgroup.procs").write_text(str(pid))

    def _everything(self) -> set[int]:
        """The process ids in it, without its supervisor."""
        return {
            pid for files in (self.path / MACHINE).rglob("cgroup.procs") for pid in _processes(files.parent)
        }

    def join(self, child: str) -> None:
        """Move the calling process into `child`."""
        (self.path / child / "cgroup.procs").write_text("0")

    def renew(self, child: str) -> None:
        """Make `child` anew: a machine that boots again must not find the last boot's cgroups."""
        _remove_tree(self.path / child, time.monotonic() + 5)
        (self.path / child).mkdir()

    def populated(self, child: str = "") -> bool:
        """Whether any process lives in it."""
        try:
            return "populated 1" in (self.path / child / "cgroup.events").read_text()
        except FileNotFoundError:
            return False

    def processes(self, child: str) -> list[int]:
        """The process ids directly in `child`."""
        try:
            return [int(line) for line in (self.path / child / "cgroup.procs").read_text().split()]
        except FileNotFoundError:
            return []

    def signal(self, child: str, number: signal.Signals) -> None:
        """Signal the processes in `child`, and none that has meanwhile got the process id of one."""
        for pid in self.processes(child):
            with contextlib.suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                try:
                    if pid in self.processes(child):
                        signal.pidfd_send_signal(handle, number)
                finally:
                    os.close(handle)

    def kill(self, child: str = "") -> None:
        """Kill everything in it, and all that these start meanwhile."""
        (self.path / child / "cgroup.kill").write_text("1")

    def end(self, timeout: float = 10) -> None:
        """Kill everything in it and remove it."""
        path, deadline = self.path, time.monotonic() + timeout
        if not path.exists():
            return
        self.kill()
        while self.populated():
            if time.monotonic() > deadline:
                raise Node1Error(f"processes in {path} live on {timeout:g} s after cgroup.kill")
            time.sleep(0.002)
        _remove_tree(path, deadline)
        for legacy in LEGACY_MEMORY.rglob(self.name):
            _remove_tree(legacy, deadline)


def _own_legacy_group() -> str:
    """The path of the calling process in the hierarchy of the memory controller of cgroup v1."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return path.rstrip("/")
    raise Node1Error("this process is in no cgroup of the memory controller")


def _processes(path: Path) -> set[int]:
    return set(map(int, (path / "cgroup.procs").read_text().split()))


def _enable_controllers(path: Path) -> None:
    available = (path / "cgroup.controllers").read_text().split()
    for controller in {"cpu", "io", "memory", "pids"} & set(available):
        # Refused where cgroup v1 or a container holds the controller: the node then has no such limits.
        with contextlib.suppress(OSError):
            (path / "cgroup.subtree_control").write_text(f"+{controller}")


def _remove_tree(path: Path, deadline: float) -> None:
    for directory, _, _ in os.walk(path, topdown=False):
        while True:
            try:
                Path(directory).rmdir()
            except FileNotFoundError:
                break
            except OSError:  # busy: its last process is dead but not yet gone
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
            else:
                break
