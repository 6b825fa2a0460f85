"""The base root: a minimal Debian 12 that every node's disk is laid over. Built once, never changed."""

import hashlib
import json
import platform
from collections.abc import Collection, Mapping
from pathlib import Path

import node1.cache as cache
import node1.directories as directories
import node1.host as host
import node1.sources as sources
from node1.error import Node1Error
from node1.host import Progress
from node1.run import run

CACHE = directories.cache()
TOOLS = host.BUILD
SOURCES_HINT = "its packages come from this machine's own apt sources: does apt-get update work?"

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "systemd-container",  # systemd-nspawn itself is run out of the base: hosts need not have it
    "dbus",
    "libpam-systemd",
    "libnss-systemd",
    "openssh-server",
    "sudo",
    "python3",
    "iproute2",
    "nftables",
    "ca-certificates",
    "curl",
    "tcsh",  # a login shell that reads a command line in another way than sh
)

MASKED = (
    # They would reach for package mirrors, which a node without a route cannot.
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    # They look after disks of the host, not of a node.
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "dpkg-db-backup.timer",
    # Nobody can log in on the console.
    "console-getty.service",
)

SSHD = """\
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/operator_keys .ssh/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
"""

FILES = {
    "etc/ssh/sshd_config.d/node1.conf": (0o644, SSHD),
    # Else sshd answers while /run/nologin still turns everybody but root away.
    "etc/systemd/system/ssh.service.d/node1.conf": (0o644, "[Unit]\nAfter=systemd-user-sessions.service\n"),
    "etc/sudoers.d/deploy": (0o440, "deploy ALL=(ALL:ALL) NOPASSWD: ALL\n"),
    # PAM complains in the journal, at each login, where there is none.
    "etc/default/locale": (0o644, "LANG=C.UTF-8\n"),
    "etc/resolv.conf": (0o644, "# This host is offline.\n"),
    "etc/hostname": (0o644, "node1\n"),
    "etc/machine-id": (0o444, ""),
}

DIRECTORIES = ("var/log/journal",)
USER = ("useradd", "--create-home", "--shell", "/bin/bash", "deploy")


def digest() -> str:
    """Names the base that this recipe makes: whatever changes the result changes the digest."""
    recipe = [sources.SUITE, platform.machine(), PACKAGES, MASKED, FILES, DIRECTORIES, USER]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]


def path_of(name: str) -> Path:
    """The directory of the base called `name`."""
    return CACHE / name


def ensure(name: str, progress: Progress, *, used: Collection[str]) -> Path:
    """The base called `name`, built now if it is this recipe's and is not there yet."""
    is_current = name == digest()
    return cache.ensure(path_of(name), _build, progress, is_current=is_current, tools=TOOLS, used=used)


def _build(root: Path, progress: Progress) -> None:
    progress("building the base root (once, about half a minute)")
    _bootstrap(root)
    _customize(root)


def _bootstrap(root: Path) -> None:
    # In namespaces of their own, so that neither a mount nor a process outlives a builder that is killed.
    fenced = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--mount-proc", "--pid", "--fork"]
    builder = [*fenced, "--kill-child", "mmdebstrap", "--variant=minbase", "--mode=root"]
    packages = f"--include={','.join(PACKAGES)}"
    run([*builder, packages, *bootstrap_options(root)], timeout=cache.BUILD_SECONDS, hint=SOURCES_HINT)


def bootstrap_options(target: Path) -> list[str]:
    """The last words of a command line of mmdebstrap: the sources of packages, and the result's place."""
    # Snapshots and offline mirrors serve release files that are past their date.
    options = ["--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Check-Valid-Until "false"']
    return [*options, sources.SUITE, str(target), *sources.of_machine()]


def _customize(root: Path) -> None:
    run(["chroot", root, *USER])
    customize(root, FILES, MASKED)


def customize(root: Path, files: Mapping[str, tuple[int, str]], masked: Collection[str]) -> None:
    """Write files over those of the packages, and mask units."""
    # Each node brings its own; what the packages made at build time must not be shared.
    for host_key in (root / "etc/ssh").glob("ssh_host_*"):
        host_key.unlink()
    for name in DIRECTORIES:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, (mode, text) in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(mode)
    for unit in masked:
        mask = root / "etc/systemd/system" / unit
        mask.unlink(missing_ok=True)
        mask.symlink_to("/dev/null")


def nspawn(base: Path) -> list[str | Path]:
    """The base's own systemd-nspawn, run by the base's own loader and libraries: the host's may differ."""
    loaders = sorted(base.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*"))
    if len(loaders) != 1:
        hint = f"remove {base}, then try again"
        raise Node1Error(f"the base {base} has {len(loaders)} dynamic loaders", hint)
    library = loaders[0].parent
    search = f"{library}:{library / 'systemd'}"
    return [loaders[0], "--library-path", search, base / "usr/bin/systemd-nspawn"]
