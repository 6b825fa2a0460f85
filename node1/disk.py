"""A node's disk: an overlay whose lower layer is the base root and whose upper layer is the node's own."""

import os
import shutil
import tempfile
from pathlib import Path

import node1.directories as directories
import node1.keys as keys
import node1.snapshot as snapshot
from node1.error import Node1Error
from node1.record import DISK, Record, key_of
from node1.run import run

LAYERS = ("upper", "work", "root")
REDIRECTS = "redirect_dir=on"  # lets a directory of a lower layer be renamed, as on any other file system


def choose(directory: Path) -> Path:
    """A place for the node's layers: its directory, or, where that filesystem refuses, a place that works."""
    key = key_of(directory)
    in_memory = Path("/dev/shm/helionyx-node1") / key  # noqa: S108
    candidates = [directory / DISK, directories.state() / "disks" / key, in_memory]
    refusals = []
    for layers in candidates:
        refusal = _refusal(layers)
        if not refusal:
            return layers
        refusals.append(f"{layers.parent}: {refusal}")
    listed = "\n".join(refusals)
    raise Node1Error(
        f"no filesystem here can hold a node's disk:\n{listed}", "use --dir on ext4, xfs or tmpfs"
    )


def _refusal(place: Path) -> str:
    """Why an overlay cannot have its upper layer at `place`; empty if it can."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="trial-", dir=place) as trial:
            layers = [Path(trial, name) for name in ("lower", "upper", "work", "root")]
            for layer in layers:
                layer.mkdir()
            os.setxattr(layers[1], "trusted.overlay.opaque", b"y")
            os.removexattr(layers[1], "trusted.overlay.opaque")
            options = f"lowerdir=lower,upperdir=upper,workdir=work,{REDIRECTS}"
            mount = ["mount", "-t", "overlay", "overlay", "-o", options, "root"]
            run(["unshare", "--mount", "--propagation", "private", *mount], cwd=Path(trial))
    except (OSError, Node1Error) as error:
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()
        return str(error)
    return ""


def mount(record: Record, base: Path) -> Path:
    """Mount the disk in the caller's mount namespace; returns where."""
    root = record.disk / "root"
    # Relative layers: a comma or a colon in the directory's name would otherwise end the option.
    lower = snapshot.lower_layers(record.disk, base)
    options = f"lowerdir={lower},upperdir=upper,workdir=work,{REDIRECTS}"
    run(["mount", "-t", "overlay", "overlay", "-o", options, root], cwd=record.disk)
    return root


def seed(record: Record) -> None:
    """Give a new disk what makes this node itself; a disk that has it is left alone."""
    upper = record.disk / "upper"
    if (upper / "etc/machine-id").exists():
        return
    for layer in LAYERS:
        _directory(record.disk / layer)
    _directory(upper / "etc")
    _directory(upper / "etc/ssh")
    for name, (mode, text) in own_files(record).items():
        _file(upper / name, text, mode)


def own_files(record: Record) -> dict[str, tuple[int, str]]:
    """The files that make a node itself, with their modes; the last one says that all the rest is there."""
    host_key = record.directory / keys.HOST_KEY
    return {
        "etc/ssh/ssh_host_ed25519_key": (0o600, host_key.read_text()),
        "etc/ssh/ssh_host_ed25519_key.pub": (0o644, keys.public(host_key)),
        "etc/ssh/operator_keys": (0o644, keys.public(record.directory / keys.CLIENT_KEY)),
        "etc/hostname": (0o644, f"{record.name}\n"),
        "etc/hosts": (0o644, f"127.0.0.1 localhost\n127.0.1.1 {record.name}\n::1 localhost\n"),
        "etc/machine-id": (0o444, f"{record.machine_id}\n"),
    }


def remove(place: Path) -> None:
    """Remove the disk at `place` and all that a node wrote to it."""
    if place.exists():
        shutil.rmtree(place)


def _directory(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)  # whatever the caller's umask is: this becomes a directory of the node


def _file(path: Path, text: str, mode: int) -> None:
    path.write_text(text)
    path.chmod(mode)
