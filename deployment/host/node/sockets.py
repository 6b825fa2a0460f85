"""Listening sockets and their processes, read from the kernel's own tables."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..values.manifest import listen_address
from . import processes

MAPPED = bytes(10) + b"\xff\xff"  # the prefix of an IPv6 address that stands for an IPv4 address: RFC 4291
CLOSED = "0"  # the inode of a connection that no process has open, or has not accepted yet
LISTEN = "0A"  # TCP_LISTEN of the kernel's include/net/tcp_states.h, as /proc/net/tcp prints it


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket."""

    address: str
    port: int
    inode: str


def listeners(proc: Path = Path("/proc")) -> list[Listener]:
    """All listening TCP sockets of this network namespace."""
    sockets_ = []
    for column in _rows(proc):
        if column[3] == LISTEN:
            host, port = _decode(column[1])
            sockets_.append(Listener(listen_address(host, port), port, column[9]))
    return sockets_


def _rows(proc: Path) -> Iterator[list[str]]:
    """The columns of each TCP socket of this network namespace: of connections there may be many."""
    for table in ("tcp", "tcp6"):
        path = proc / "net" / table
        if path.exists():
            with path.open(encoding="ascii") as lines:
                yield from itertools.islice(map(str.split, lines), 1, None)


def beside(opened: list[Listener], own: str | None) -> str | None:
    """A program that listens on the port of the socket `own`, on another address than that."""
    if own is None:
        return None
    port = own.rsplit(":", 1)[1]
    others = [item for item in opened if str(item.port) == port and item.address != own]
    return f"{holder(others[0].inode)} on {others[0].address}" if others else None


def is_local(host: str) -> bool:
    """Whether an address is one of this machine's: no other can be bound, whatever ports are left of it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return True


def as_ipv4(host: str) -> str | None:
    """The IPv4 address that `::ffff:1.2.3.4`, in whatever form, stands for; None for all others."""
    if ":" not in host:
        return None
    packed = socket.inet_pton(socket.AF_INET6, host)
    return socket.inet_ntop(socket.AF_INET, packed[12:]) if packed[:12] == MAPPED else None


def other_end(connection: socket.socket, pid: int, proc: Path = Path("/proc")) -> str | None:
    """The program at the other end of a connection within this machine; None where it is the process `pid`.

    The connection has to be open still, and its other end accepted. Where this user may not see what the
    process has open, as root of a container without CAP_SYS_PTRACE, nothing speaks against it.
    """
    ours, theirs = _plain(connection.getsockname()), _plain(connection.getpeername())
    inodes = [column[9] for column in _rows(proc) if (_end(column[1]), _end(column[2])) == (theirs, ours)]
    if not inodes or inodes[0] == CLOSED:
        return "a program that has closed the connection"
    try:
        is_its = _holds(proc / str(pid), f"socket:[{inodes[0]}]")
    except PermissionError:
        is_its = True
    return None if is_its else holder(inodes[0], proc)


def holder(inode: str, proc: Path = Path("/proc")) -> str:
    """The program that holds a socket, such as `nginx (pid 812)`."""
    name = f"socket:[{inode}]"
    for entry in sorted(proc.iterdir(), key=lambda path: (len(path.name), path.name)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if entry.name.isdigit() and _holds(entry, name):
                return processes.named(entry)
    return "a program that this user may not see"


def _holds(entry: Path, name: str) -> bool:
    """Whether a process has a socket open. Raises `PermissionError`."""
    try:
        with os.scandir(entry / "fd") as links:
            return any(os.readlink(link.path) == name for link in links)  # noqa: PTH115  a million of them
    except (FileNotFoundError, ProcessLookupError):
        return False  # it ended while we looked


def _end(column: str) -> tuple[str, int]:
    return _plain(_decode(column))


def _plain(address: tuple[Any, ...]) -> tuple[str, int]:
    """Host and port of one end of a connection; an IPv4 address in whatever form as itself."""
    host, port = str(address[0]), int(address[1])
    return as_ipv4(host) or host, port


def _decode(column: str) -> tuple[str, int]:
    """`0100007F:1F40` to (`127.0.0.1`, 8000): 32-bit words in the byte order of the machine."""
    address, port = column.split(":")
    words = [struct.pack("=I", int(address[i : i + 8], 16)) for i in range(0, len(address), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)
