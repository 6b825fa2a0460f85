"""The keys of a node and the OpenSSH configuration that pins them. They last as long as the node."""

import os
from pathlib import Path

from node1.record import Record, replace
from node1.run import run

CLIENT_KEY = "id_ed25519"
HOST_KEY = "host_key"

# OpenSSH 9 prefers a key exchange that resists quantum computers. It costs 0.15 s of processor time a login.
CONFIG = """\
Host {name} {name}-deploy
    HostName {address}
    Port {port}
    IdentityFile {key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    UpdateHostKeys no
    BatchMode yes
    ConnectTimeout 10
    KexAlgorithms ^curve25519-sha256

Host {name}
    User root

Host {name}-deploy
    User deploy
"""


def make(record: Record) -> None:
    """Make the keys that are not there yet, and the files that lead ssh to this node and to no other."""
    for name in (CLIENT_KEY, HOST_KEY):
        _make_key(record.directory / name, f"{name} of {record.name}")
    known = record.directory / "known_hosts"
    kind, host_key = public(record.directory / HOST_KEY).split()[:2]
    address = record.address if record.port == 22 else f"[{record.address}]:{record.port}"
    replace(known, f"{record.name},{address} {kind} {host_key}\n")
    names = {"name": record.name, "address": record.address, "port": record.port}
    key = _quoted(record.directory / CLIENT_KEY)
    replace(record.ssh_config, CONFIG.format(**names, key=key, known_hosts=_quoted(known)))
    _give_to_caller(record)


def public(key: Path) -> str:
    """The public half of `key`."""
    return key.with_name(f"{key.name}.pub").read_text()


def _make_key(path: Path, comment: str) -> None:
    if path.exists() and path.with_name(f"{path.name}.pub").exists():
        return
    path.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def _quoted(path: Path) -> str:
    escaped = str(path).replace("%", "%%")
    return f'"{escaped}"'


def _give_to_caller(record: Record) -> None:
    """Under sudo, let the person who called it use ssh without sudo."""
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if user and group:
        for path in (record.directory, record.ssh_config, record.directory / CLIENT_KEY):
            os.chown(path, int(user), int(group))
