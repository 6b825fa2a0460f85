"""Changes that a service can make to the listening socket that systemd gives it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment.host.node import socket_options, sockets
from deployment.host.values.layout import Layout
from deployment.settings import ROOT

IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
SOCKET, IP, TCP = socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_TCP
NO_PERMISSION = (errno.EPERM, errno.ENOPROTOOPT, errno.ENOENT)  # of a container, or of a kernel without it


@contextlib.contextmanager
def listening(family: int = IPV4) -> Iterator[socket.socket]:
    """A socket as systemd opens it for an environment: as rendered by deployment/build/units.py."""
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as listener:
        listener.setsockopt(SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(*((IP, 15) if family == IPV4 else (socket.IPPROTO_IPV6, 78)), 1)
        listener.setsockopt(TCP, socket.TCP_NODELAY, 1)
        listener.bind(("127.0.0.1" if family == IPV4 else "::1", 0))
        listener.listen(4096)
        yield listener


def test_socket_that_nobody_has_changed() -> None:
    """No option differs, in either family of addresses, blocking or not, used or not."""
    with listening() as listener, listening(IPV6) as other:
        with socket.create_connection(listener.getsockname()):
            assert socket_options.changes(listener.fileno()) == ()
        other.setblocking(True)
        assert socket_options.changes(other.fileno()) == ()


@pytest.mark.parametrize(
    ("family", "level", "number", "value", "name"),
    [
        (IPV4, SOCKET, socket.SO_BINDTODEVICE, b"lo", "SO_BINDTODEVICE"),
        (IPV4, SOCKET, socket.SO_DONTROUTE, 1, "SO_DONTROUTE"),
        (IPV4, SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0), "SO_LINGER"),
        (IPV4, SOCKET, socket.SO_REUSEPORT, 1, "SO_REUSEPORT"),
        (IPV4, SOCKET, socket.SO_RCVBUF, 1, "SO_RCVBUF"),
        (IPV4, SOCKET, socket.SO_SNDBUF, 1, "SO_SNDBUF"),
        (IPV4, SOCKET, 44, 1, "SO option 44"),  # SO_LOCK_FILTER
        (IPV4, SOCKET, 47, 1, "SO option 47"),  # SO_MAX_PACING_RATE
        (IPV4, IP, socket.IP_TTL, 1, "IP_TTL"),
        (IPV4, IP, socket.IP_OPTIONS, bytes((1, 1, 1, 0)), "IP_OPTIONS"),
        (IPV4, IP, 21, 255, "IP option 21"),  # IP_MINTTL
        (IPV4, TCP, socket.TCP_MAXSEG, 88, "TCP_MAXSEG"),
        (IPV4, TCP, socket.TCP_DEFER_ACCEPT, 1, "TCP_DEFER_ACCEPT"),
        (IPV4, TCP, socket.TCP_WINDOW_CLAMP, 1, "TCP_WINDOW_CLAMP"),
        (IPV4, TCP, 37, 1_000_000, "TCP option 37"),  # TCP_TX_DELAY
        (IPV6, IP, socket.IP_TTL, 1, "IP_TTL"),
        (IPV6, socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1, "IPV6_UNICAST_HOPS"),
        (IPV6, socket.IPPROTO_IPV6, 73, 255, "IPV6 option 73"),  # IPV6_MINHOPCOUNT
    ],
)
def test_changed_option_is_named(family: int, level: int, number: int, value: int | bytes, name: str) -> None:
    """Whatever its level, its type and its value."""
    with listening(family) as listener:
        listener.setsockopt(level, number, value)
        assert name in socket_options.changes(listener.fileno())


def test_buffer_of_another_sysctl_is_no_change() -> None:
    """One that is big enough and grows by itself, as that of a socket from before `sysctl -w` does."""
    with listening() as listener:
        listener.setsockopt(SOCKET, socket.SO_RCVBUF, 100_000)
        listener.setsockopt(SOCKET, 72, 0)  # SO_BUF_LOCK: which lets it grow again
        assert socket_options.changes(listener.fileno()) == ()


def test_changed_flags_are_named() -> None:
    """Flags of the open file: systemd has the same one."""
    with listening() as listener:
        flags = fcntl.fcntl(listener, fcntl.F_GETFL)
        fcntl.fcntl(listener, fcntl.F_SETFL, flags | os.O_ASYNC)
        assert socket_options.changes(listener.fileno()) == ("file status flags",)


def test_filter_is_named() -> None:
    """By the number of its instructions: more than the kernel would have room for in a buffer."""
    drop = struct.pack("HBBI", 6, 0, 0, 0) * 200
    code = ctypes.create_string_buffer(drop)
    with listening() as listener:
        permitted(listener, SOCKET, 26, struct.pack("HL", 200, ctypes.addressof(code)))
        assert socket_options.changes(listener.fileno()) == ("SO option 26",)


@pytest.mark.parametrize("family", [IPV4, IPV6])
def test_signatures_are_named(family: int) -> None:
    """No call reads them: with one for all addresses but that of the node, nobody else gets an answer."""
    address = struct.pack("HHI", family, 0, 0) + bytes(120)
    key = struct.pack("BBHI", 1, 0, 4, 0) + b"abcd" + bytes(76)
    with listening(family) as listener, listening(family) as other:
        permitted(listener, TCP, 32, address + key)
        inode = os.fstat(listener.fileno()).st_ino
        if inode not in socket_options.signed(family):
            pytest.skip("the kernel shows signatures to CAP_NET_ADMIN alone")
        assert socket_options.changes(listener.fileno()) == ("TCP_MD5SIG",)
        assert socket_options.changes(other.fileno()) == ()


def permitted(listener: socket.socket, level: int, number: int, value: bytes) -> None:
    """Set an option, or skip the test where this machine does not have it, or not for this user."""
    try:
        listener.setsockopt(level, number, value)
    except OSError as error:
        if error.errno not in NO_PERMISSION:
            raise
        pytest.skip(f"option {number}: {error.strerror}")


def test_socket_that_listens_no_more(tmp_path: Path) -> None:
    """One that was shut down is in no table of the kernel; one that systemd has closed is no change."""
    dev = Layout(tmp_path).of("dev")
    assert socket_options.altered(dev, [], "127.0.0.1:8000") == ("SO_ACCEPTCONN",)
    assert socket_options.altered(dev, [], None) == ()
    dropin = tmp_path / "etc/systemd/system/helionyx-dev.socket.d/keepalive.conf"
    dropin.parent.mkdir(parents=True)
    dropin.write_text("[Socket]\nKeepAlive=yes\n")
    assert socket_options.altered(dev, [], "127.0.0.1:8000") == ()


def test_socket_that_systemd_does_not_hold(tmp_path: Path) -> None:
    """Nothing is known of it, and no descriptor stays open."""
    with listening() as listener:
        inode = str(os.fstat(listener.fileno()).st_ino)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        opened = [sockets.Listener(address, listener.getsockname()[1], inode)]
        before = len([*Path("/proc/self/fd").iterdir()])
        assert socket_options.altered(Layout(tmp_path).of("dev"), opened, address) == ()
        assert len([*Path("/proc/self/fd").iterdir()]) == before


# All ports of the loopback address are taken by connections, as a service can do it.
NO_PORT_LEFT = """
import contextlib, socket
from deployment.host.node import socket_options, sockets
from tests.deployment.host.node.test_socket_options import listening
with listening() as listener:
    taken = []
    with contextlib.suppress(OSError):
        while True:
            taken.append(socket.create_connection(listener.getsockname()))
    print(len(taken), socket_options.changes(listener.fileno()), sockets.is_local("127.0.0.1"))
    print(sockets.is_local("192.0.2.1"))
"""


def test_look_needs_no_port_that_a_service_can_take() -> None:
    """Else no look at any environment would come to an end. connect() tries an even number of ports."""
    few = "ip link set lo up && echo 40000 40005 > /proc/sys/net/ipv4/ip_local_port_range"
    script = ["sh", "-c", f'{few} && exec "$@"', "sh", sys.executable, "-c", NO_PORT_LEFT]
    around = ["unshare", "--map-root-user", "--net", "--", *script]
    done = subprocess.run(around, capture_output=True, text=True, timeout=30, cwd=ROOT, check=False)
    if done.returncode and "unshare" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout.split("\n")[:2] == ["5 () True", "False"], done.stderr
