"""The options of a listening socket that systemd holds, compared with those of a new one: ADR 15.

A service can change the socket that it is given, and systemd keeps it. A socket that is bound to the loopback
device, for one, stays so over a restart and a rollback. The node asks over that device and notices nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from ..values.layout import Environment
from . import dropins
from .sockets import Listener

PIDFD_GETFD = 438  # the same number on each machine; Python has no name for it
SYSTEMD = 1
BACKLOG = 4096  # this, and the options of `_new`, are those of the socket unit: see deployment/build/units.py
FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
# Addresses that no machine has, see RFC 5737 and 3849: no service can take all ports of one of these.
NOWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
LONGEST = 256  # bytes of an option
PATIENCE = 2.0  # seconds for an answer of the kernel
# The levels, with the beginning of their names and a number above those of their options.
LEVELS = {
    socket.SOL_SOCKET: ("SO_", 100),
    socket.IPPROTO_IP: ("IP_", 64),
    socket.IPPROTO_TCP: ("TCP_", 64),
    socket.IPPROTO_IPV6: ("IPV6_", 90),
}
# The kernel takes the room for a filter in instructions, not in bytes: without room it tells their number.
FILTER = (socket.SOL_SOCKET, 26)
BUFFERS = ((socket.SOL_SOCKET, socket.SO_SNDBUF), (socket.SOL_SOCKET, socket.SO_RCVBUF))
BUFFER = 16 << 10  # bytes: a bigger buffer may come of a sysctl, and grows with its connection
# What is not compared: facts and counters; what a sysctl changes and no caller notices; SO_ERROR, which a
# look would clear, and TCP_ZEROCOPY_RECEIVE, which moves data.
OTHERS = {
    *((socket.SOL_SOCKET, number) for number in (4, 46, 49, 55, 56, 57)),
    (socket.IPPROTO_IP, 52),
    *((socket.IPPROTO_TCP, number) for number in (11, 13, 24, 26, 35)),
}

# See sock_diag(7), and include/uapi/linux/inet_diag.h of the kernel: signatures are in no option.
BY_FAMILY, DUMP, LISTENING, INFO = 20, 0x301, 1 << 10, 1 << 1
ANSWER, INODE, SIGNATURES = 72, 68, 18  # the length of an answer, the place of its inode, an attribute


def altered(environment: Environment, opened: list[Listener], listen: str | None) -> tuple[str, ...]:
    """The names of the options that somebody has changed in the socket of an environment, open at `listen`.

    None where drop-ins change its unit, and where root may not look, as in some containers.
    """
    if listen is None or dropins.of(environment.layout, environment.socket):
        return ()
    inodes = [item.inode for item in opened if item.address == listen]
    if not inodes:  # by shutdown(), for one
        return ("SO_ACCEPTCONN",)
    with _held(inodes[0]) as descriptor:
        return () if descriptor is None else changes(descriptor)


def changes(descriptor: int) -> tuple[str, ...]:
    """The names of the options in which a listening socket differs from a new one."""
    with socket.socket(fileno=os.dup(descriptor)) as held, _new(held.family) as new:
        actual, expected = _options(held), _options(new)
        names = [_name(*option) for option in actual if actual[option] != expected[option]]
        # NonBlocking= of the service changes O_NONBLOCK.
        flags = [fcntl.fcntl(item, fcntl.F_GETFL) & ~os.O_NONBLOCK for item in (held, new)]
        names += ["file status flags"] if flags[0] != flags[1] else []
        names += ["TCP_MD5SIG"] if os.fstat(descriptor).st_ino in signed(held.family) else []
    return tuple(names)


@contextlib.contextmanager
def _held(inode: str) -> Iterator[int | None]:
    """A descriptor for the socket that systemd holds; None where that cannot be had."""
    from ctypes import CDLL  # 2 ms, and needed in changes alone

    descriptor = -1
    with contextlib.suppress(OSError):
        number = _number(Path(f"/proc/{SYSTEMD}/fd"), f"socket:[{inode}]")
        process = os.pidfd_open(SYSTEMD)
        try:
            descriptor = -1 if number is None else CDLL(None).syscall(PIDFD_GETFD, process, number, 0)
        finally:
            os.close(process)
    if descriptor < 0:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _number(descriptors: Path, target: str) -> int | None:
    """The number of the descriptor that leads to `target`."""
    with os.scandir(descriptors) as links:
        for link in links:
            with contextlib.suppress(FileNotFoundError):  # it was closed while we looked
                if os.readlink(link.path) == target:  # noqa: PTH115  there may be many
                    return int(link.name)
    return None


def _new(family: int) -> socket.socket:
    """A listening socket, made as systemd makes that of an environment."""
    kind = socket.AddressFamily(family)
    new = socket.socket(kind, socket.SOCK_STREAM)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    new.setsockopt(*FREEBIND[kind], 1)
    new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    new.bind((NOWHERE[kind], 0))
    new.listen(BACKLOG)
    return new


def _options(asked: socket.socket) -> dict[tuple[int, int], bytes | int]:
    """The value of each option; the number of the error where there is none."""
    from ctypes import CDLL, byref, c_char, c_uint, get_errno

    # Not by `socket.getsockopt`: the kernel would write past the end of its buffer, see `FILTER`, and some
    # options are answers to what the buffer holds.
    ask = CDLL(None, use_errno=True).getsockopt
    values: dict[tuple[int, int], bytes | int] = {}
    for option in ((level, number) for level, (_, end) in LEVELS.items() for number in range(end)):
        if option in OTHERS:
            continue
        buffer, length = (c_char * LONGEST)(), c_uint(0 if option == FILTER else LONGEST)
        failed = ask(asked.fileno(), *option, buffer, byref(length))
        values[option] = get_errno() if failed else buffer.raw[: length.value]
    for option in BUFFERS:
        values[option] = min(int.from_bytes(bytes(values[option]), "little"), BUFFER)
    return values


def _name(level: int, number: int) -> str:
    beginning, _ = LEVELS[level]
    known = [name for name in dir(socket) if name.startswith(beginning) and getattr(socket, name) == number]
    return known[0] if known else f"{beginning.rstrip('_')} option {number}"


def signed(family: int) -> set[int]:
    """The inodes of the listening sockets that take signed packets alone, from some addresses: RFC 2385."""
    options: set[int] = set()
    request = struct.pack("=IHHIIBBBBI48x", 72, BY_FAMILY, DUMP, 1, 0, family, 6, INFO, 0, LISTENING)
    with contextlib.suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diagnosis:
        diagnosis.settimeout(PATIENCE)
        diagnosis.send(request)
        kind = BY_FAMILY
        while kind == BY_FAMILY:
            for kind, message in _records(diagnosis.recv(64 << 10), "=IH", 16):
                if kind == BY_FAMILY and SIGNATURES in dict(_records(message[ANSWER:], "=HH", 4)):
                    options.add(struct.unpack_from("=I", message, INODE)[0])
    return options


def _records(data: bytes, header: str, size: int) -> Iterator[tuple[int, bytes]]:
    """The kind and the content of each record of a netlink message, or of the attributes in one."""
    while len(data) >= size:
        length, kind = struct.unpack_from(header, data)
        yield kind, data[size:length]
        data = data[(length + 3) & ~3 or size :]
