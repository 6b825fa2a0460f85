"""The record of a node between two commands: node.json in its directory."""

import hashlib
import ipaddress
import json
import os
from dataclasses import dataclass
from pathlib import Path

from node1.cgroup import Cgroup
from node1.choice import Way
from node1.error import Node1Error

FILE = "node.json"
DISK = "disk"
CONNECTION = "connection"  # the socket of the one that commands inside share
# All that a node's directory may hold: what else lies there is somebody's, and no place for a node.
FILES = (
    FILE,
    CONNECTION,
    "boots",
    "console.log",
    "host_key",
    "host_key.pub",
    "id_ed25519",
    "id_ed25519.pub",
    "known_hosts",
    "lock",
    "ssh_config",
)


@dataclass(frozen=True)
class Record:
    """One node: its name, its directory, and what was chosen for it when it was made."""

    name: str
    directory: Path
    address: str
    machine_id: str
    base: str  # the digest of the base root
    disk: Path  # where the overlay's own layers lie, or the image of a virtual machine
    way: Way = Way.CONTAINER
    port: int = 22  # of sshd, at the address

    @property
    def key(self) -> str:
        """Tells this node from every other on the machine, of whatever checkout."""
        return key_of(self.directory)

    @property
    def host_address(self) -> str:
        """The host's end of the node's link."""
        return str(ipaddress.IPv4Address(self.address) - 1)

    @property
    def link(self) -> str:
        """The name of the host's end (an interface name has 15 characters at most)."""
        return f"hn1-{self.key}"

    @property
    def cgroup(self) -> Cgroup:
        """The cgroup that holds every process of this node, if it is a container."""
        return cgroup_of(self.key)

    @property
    def ssh_config(self) -> Path:
        """The OpenSSH configuration file that reaches this node."""
        return self.directory / "ssh_config"

    @property
    def console(self) -> Path:
        """The output of the node's console, and of its supervisor."""
        return self.directory / "console.log"

    @property
    def boots(self) -> int:
        """The number of boots so far: it tells a node that came back from one that has not left."""
        try:
            return int((self.directory / "boots").read_text())
        except FileNotFoundError:
            return 0

    def save(self) -> None:
        """Write it, whole or not at all."""
        names = ("name", "address", "port", "way", "machine_id", "base", "disk")
        facts = {name: str(getattr(self, name)) for name in names}
        replace(self.directory / FILE, json.dumps(facts, indent=2) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Record":
        """Read the record in `directory`."""
        try:
            facts = json.loads((directory / FILE).read_text())
            return cls(
                name=facts["name"],
                directory=directory,
                address=str(ipaddress.IPv4Address(facts["address"])),
                machine_id=facts["machine_id"],
                base=facts["base"],
                disk=Path(facts["disk"]),
                way=Way(facts.get("way", Way.CONTAINER)),
                port=int(facts.get("port", 22)),
            )
        except FileNotFoundError:
            raise Node1Error(f"there is no node in {directory}", "boot one: python -m node1 up") from None
        except (ValueError, KeyError) as error:
            hint = "remove that directory and boot a new node"
            raise Node1Error(f"{directory / FILE} is not a node's record: {error!r}", hint) from error


def key_of(directory: Path) -> str:
    """The key of the node in `directory`."""
    return hashlib.sha256(os.fsencode(directory)).hexdigest()[:10]


def cgroup_of(key: str) -> Cgroup:
    """The cgroup of the container with this key."""
    return Cgroup(f"helionyx-node1-{key}")


def strangers(directory: Path) -> list[str]:
    """The files in `directory` that are no node's."""
    names = (path.name for path in directory.iterdir() if not _is_unfinished(path))
    return sorted(set(names) - {*FILES, DISK})


def erase(directory: Path) -> None:
    """Remove a node's files from `directory`: all but its disk, which may be elsewhere, and the lock."""
    for path in directory.iterdir():
        if (path.name in FILES and path.name != "lock") or _is_unfinished(path):
            path.unlink()


def _is_unfinished(path: Path) -> bool:
    """Whether it was to become one of a node's files: ssh makes its socket with a random ending first."""
    return path.name.startswith(f"{CONNECTION}.") or (
        path.name.startswith(".") and path.name.endswith(".new")
    )


def replace(path: Path, text: str, mode: int = 0o644) -> None:
    """Publish `text` at `path` by rename, so that no reader and no crash sees half of it."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:  # noqa: PTH123
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
