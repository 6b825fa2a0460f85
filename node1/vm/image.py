"""The image of a virtual machine: the packages of a node, and a kernel. Neither root nor a mount is needed.

mmdebstrap unpacks and configures the packages under fakechroot. `pack.py` makes the file system under
fakeroot: it sees the owners that the files shall have.
"""

import hashlib
import json
import os
import sys
from collections.abc import Collection
from pathlib import Path

import node1.base as base
import node1.cache as cache
import node1.host as host
import node1.sources as sources
from node1.choice import ARCHITECTURE
from node1.host import Progress
from node1.run import run

PREFIX = "vm-"
DISK = "image"
KERNEL = "vmlinuz"
GIGABYTES = 4  # sparse: it takes as much as is written to it

PACKAGES = (
    *(package for package in base.PACKAGES if package != "systemd-container"),
    "kmod",
    "linux-image-cloud-amd64",  # has ext4 and nvme built in: it boots without an initrd
)
MASKED = (
    *base.MASKED,
    # The devices are those of the kernel, and their modules are listed. That saves seconds under emulation.
    "systemd-udevd.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udev-trigger.service",
    "systemd-udev-settle.service",
    "getty@tty1.service",
    "serial-getty@ttyS0.service",
    "systemd-pstore.service",
    "systemd-binfmt.service",
    "systemd-firstboot.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "kmod-static-nodes.service",
    *(f"modprobe@{module}.service" for module in ("configfs", "dm_mod", "drm", "efi_pstore", "fuse", "loop")),
    *(f"dev-{name}.mount" for name in ("hugepages", "mqueue")),
    *(f"sys-kernel-{name}.mount" for name in ("config", "debug", "tracing")),
    "sys-fs-fuse-connections.mount",
)
# Of qemu's user-mode network: the node reaches nothing, and this machine reaches its ports.
NETWORK = """\
[Unit]
DefaultDependencies=no
Before=network-pre.target sysinit.target
Wants=network-pre.target
After=systemd-modules-load.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip link set eth0 up
ExecStart=/usr/sbin/ip address add 10.0.2.15/24 dev eth0
ExecStart=/usr/sbin/ip route add default via 10.0.2.2
[Install]
WantedBy=sysinit.target
"""
FILES = {
    **base.FILES,
    "etc/fstab": (0o644, ""),  # the kernel mounts the root file system
    "etc/modules-load.d/node1.conf": (0o644, "virtio_pci\nvirtio_net\nvirtio_rng\n"),
    "etc/systemd/system/node1-network.service": (0o644, NETWORK),
}
LINKS = {
    "etc/systemd/system/sysinit.target.wants/node1-network.service": "../node1-network.service",
}
EXCLUDED = ("/etc/kernel/postinst.d/*", "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
"""Files of packages that are left out: the first would make an initrd."""


def digest() -> str:
    """The name of the image that this recipe makes: whatever changes the result changes the digest."""
    recipe = [sources.SUITE, ARCHITECTURE, PACKAGES, MASKED, FILES, LINKS, EXCLUDED, base.USER, GIGABYTES]
    return PREFIX + hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]


def ensure(name: str, progress: Progress, *, used: Collection[str]) -> Path:
    """The directory of the image called `name`, built now if it is this recipe's and is not there yet."""
    is_current = name == digest()
    return cache.ensure(
        base.path_of(name), _build, progress, is_current=is_current, tools=host.BUILD, used=used
    )


def _build(directory: Path, progress: Progress) -> None:
    progress("building the image of the virtual machine (once, one to three minutes)")
    directory.mkdir()
    archive = directory / "root.tar"
    own = {"TMPDIR": str(directory)}
    options = [f"--include={','.join(PACKAGES)}", "--variant=minbase", "--mode=fakechroot"]
    options += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    options.append(f'--customize-hook=chroot "$1" {" ".join(base.USER)}')
    command: list[str | Path] = ["mmdebstrap", *options, *base.bootstrap_options(archive)]
    run(command, timeout=cache.BUILD_SECONDS, env=own, hint=base.SOURCES_HINT, as_group=True)
    pack: list[str | Path] = [sys.executable, "-m", "node1.vm.pack", archive, directory]
    path = {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": os.environ.get("HOME", "/")}
    run(["fakeroot", "--", *pack], timeout=cache.BUILD_SECONDS, env=own | path, as_group=True)
    archive.unlink()
