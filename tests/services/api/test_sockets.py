"""The sockets: systemd's, of each kind, and our own."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from services.api.sockets import ListenError, _adopt, bound, inherited
from tests.services.instance import configure, listener, starting


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_a_socket_without_a_port(tmp_path: Path, abstract: bool) -> None:
    """A Unix socket of systemd's is answered on like any other, and is named as systemd names it."""
    path = f"\0{tmp_path}/s" if abstract else f"{tmp_path}/s"
    with listener(Path(path)) as sock, starting(configure(tmp_path), sock=sock) as instance:
        ready = instance.notified()
        assert instance.call("POST", "/api/v1/messages", {"text": "a"}).status == 201
        assert len(instance.call("GET", "/api/v1/messages").json["messages"]) == 1
        assert instance.stop()[0] == 0
        entries = instance.entries()
    name = path.replace("\0", "@")
    assert ready == ["READY=1", f"STATUS=ready, release checkout on {name}"]
    assert entries[0]["address"] == name
    assert [entry["message"] for entry in entries] == ["started", "answered", "answered", "stopped"]


def test_sockets_for_another_process() -> None:
    """LISTEN_FDS is for LISTEN_PID alone, and nobody else gets to see it."""
    variables = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x", "ENV": "dev"}
    assert inherited(variables) == []
    assert variables == {"ENV": "dev"}


def test_an_adopted_socket() -> None:
    """It is not handed on to children, does not block, and keeps its protocol."""
    with listener() as sock:
        sock.setblocking(True)
        with _adopt(os.dup(sock.fileno())) as adopted:
            assert not adopted.get_inheritable()
            assert not os.get_blocking(adopted.fileno())
            assert (adopted.family, adopted.proto) == (socket.AF_INET, socket.IPPROTO_TCP)


def test_what_does_not_listen_is_refused() -> None:
    """A connected socket, or no socket at all, is a clear error."""
    one, two = socket.socketpair()
    with one, two, pytest.raises(ListenError, match="to be a listening socket"):
        _adopt(os.dup(one.fileno()))
    with Path("/dev/null").open() as file, pytest.raises(ListenError, match="expected a socket"):
        _adopt(os.dup(file.fileno()))


def test_ipv6() -> None:
    """An IPv6 literal is an address like another."""
    with bound("::1", 0) as made:
        assert made.family == socket.AF_INET6
    with pytest.raises(ListenError, match=r"cannot listen on \[2001:db8::1\]:80"):
        bound("2001:db8::1", 80)
