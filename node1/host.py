"""The machine that nodes boot on: the facts about it, and the packages that it may lack."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import node1.cgroup as cgroup
from node1.choice import Choice, Facts, Way, choose, obstacle_of_container
from node1.choice import require as require_way
from node1.error import CANNOT_RUN_HERE, Node1Error
from node1.run import PATH, run

Progress = Callable[[str], None]

# A command or a file, and the Debian package that brings it.
SSH = {"ssh": "openssh-client", "ssh-keygen": "openssh-client"}
BUILD = {
    "mmdebstrap": "mmdebstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
CONTAINER = {
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    **SSH,
}
MACHINE = {
    "qemu-system-x86_64": "qemu-system-x86",
    "fakechroot": "fakechroot",
    "fakeroot": "fakeroot",
    "mke2fs": "e2fsprogs",
    "debugfs": "e2fsprogs",
    **SSH,
}
TOOLS = {Way.CONTAINER: CONTAINER, Way.MACHINE: MACHINE}


def choice() -> Choice:
    """Choose the way to boot a node here. Raises `Node1Error` where there is none."""
    return choose(observe())


def require(way: Way) -> None:
    """Raise `Node1Error`, with one line, where no node of this `way` can boot."""
    require_way(observe(), way)


def observe() -> Facts:
    """Observe this machine; nothing is installed or changed, but that the kernel may load a module."""
    if sys.platform != "linux":
        return Facts(system=sys.platform)
    points = cgroup.mount_points()
    facts = Facts(
        architecture=platform.machine(),
        user=os.geteuid(),
        capabilities=_capabilities(),
        cgroup2=str(points[-1]) if points else "",
        cgroup2_is_writable=bool(points) and os.access(points[-1], os.W_OK),
        kernel=_kernel(),
        lacks=lacking(MACHINE | BUILD),
        can_install=_can_install(),
    )
    if obstacle_of_container(facts):
        return facts
    return replace(facts, has_overlay=_kernel_has("overlay"), namespaces=_namespaces())


def _capabilities() -> int:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)[0], 16)


def _namespaces() -> str:
    """Complaint of the kernel about new namespaces; empty if they can be made, or cannot be tried yet."""
    if not shutil.which("unshare", path=PATH):
        return ""
    trial = run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False)
    return f"it may not make namespaces ({trial.stderr.strip()})" if trial.returncode != 0 else ""


def _kernel_has(filesystem: str) -> bool:
    if not _is_listed(filesystem) and shutil.which("modprobe", path=PATH):
        run(["modprobe", filesystem], check=False)
    return _is_listed(filesystem)


def _is_listed(filesystem: str) -> bool:
    lines = Path("/proc/filesystems").read_text().splitlines()
    return any(line.split()[-1] == filesystem for line in lines)


def _kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get", path=PATH) is not None


def install(progress: Progress, tools: dict[str, str]) -> None:
    """Install the packages of those `tools` that the machine lacks; a path counts as a tool too."""
    packages = lacking(tools)
    if not packages:
        return
    listed = " ".join(packages)
    if not _can_install():
        hint = f"install it, for example: sudo apt-get install {listed}"
        raise Node1Error(f"this machine lacks {listed}", hint, CANNOT_RUN_HERE)
    progress(f"installing {listed}")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    # The lists of a fresh machine are empty or old, and fetching them is only then worth the time.
    if run([*command, *packages], timeout=300, check=False).returncode != 0:
        run(["apt-get", "update"], timeout=300)
        run([*command, *packages], timeout=300)


def lacking(tools: dict[str, str]) -> tuple[str, ...]:
    """The packages of those `tools` that are not installed."""
    return tuple(sorted({package for tool, package in tools.items() if not _is_there(tool)}))


def _is_there(tool: str) -> bool:
    return Path(tool).exists() if tool.startswith("/") else shutil.which(tool, path=PATH) is not None
