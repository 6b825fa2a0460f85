"""The machine that nodes boot on: what it must be, and what it may lack."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import node1.cgroup as cgroup
from node1.error import CANNOT_RUN_HERE, Node1Error
from node1.run import PATH, run

Progress = Callable[[str], None]

OTHERWISE = "run it as root on Linux (sudo), or deploy to a server of your own: make deploy ENV=dev NODE=host"

KERNEL = (5, 14)

# A command, and the Debian package that brings it.
TOOLS = {
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}


def require() -> None:
    """Raise, with one line that says what is missing, where no node can boot."""
    for missing in _missing():
        raise Node1Error(f"node1 cannot boot here: {missing}", OTHERWISE, CANNOT_RUN_HERE)


def _missing() -> Iterable[str]:
    if sys.platform != "linux":
        yield f"it needs Linux, and this is {sys.platform}"
        return
    if os.geteuid() != 0:
        yield f"it needs root, and this is user {os.geteuid()}"
        return
    if not _kernel_has("overlay"):
        yield "this kernel has no overlay filesystem"
    points = cgroup.mount_points()
    if not points:
        yield "no cgroup2 is mounted"
    elif not os.access(points[-1], os.W_OK):
        yield f"{points[-1]} is read-only"
    elif _kernel() < KERNEL:
        yield f"it needs Linux 5.14 for cgroup.kill, and this is {os.uname().release}"
    if shutil.which("unshare", path=PATH):
        trial = run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False)
        if trial.returncode != 0:
            yield f"it may not make namespaces ({trial.stderr.strip()})"


def _kernel_has(filesystem: str) -> bool:
    if not _is_listed(filesystem) and shutil.which("modprobe", path=PATH):
        run(["modprobe", filesystem], check=False)
    return _is_listed(filesystem)


def _is_listed(filesystem: str) -> bool:
    lines = Path("/proc/filesystems").read_text().splitlines()
    return any(line.split()[-1] == filesystem for line in lines)


def _kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def install(progress: Progress, tools: dict[str, str]) -> None:
    """Install the packages of those `tools` that the machine lacks; a path counts as a tool too."""
    packages = sorted({package for tool, package in tools.items() if not _is_there(tool)})
    if not packages:
        return
    listed = " ".join(packages)
    if not shutil.which("apt-get", path=PATH):
        raise Node1Error(f"this machine lacks {listed}", "install them, then try again", CANNOT_RUN_HERE)
    progress(f"installing {listed}")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    # The lists of a fresh machine are empty or old, and fetching them is only then worth the time.
    if run([*command, *packages], timeout=300, check=False).returncode != 0:
        run(["apt-get", "update"], timeout=300)
        run([*command, *packages], timeout=300)


def _is_there(tool: str) -> bool:
    return Path(tool).exists() if tool.startswith("/") else shutil.which(tool, path=PATH) is not None
