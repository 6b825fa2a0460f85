"""The listening socket: systemd's where it passes one, else one of our own."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping

from services.errors import HelionyxError

FIRST_INHERITED = 3
"""The file descriptor at which systemd's begin."""

BACKLOG = 4096
"""The most connections that wait to be accepted."""


class Listener(socket.socket):
    """A socket that listens with a BACKLOG of its own, whatever asyncio says: there that is also how many
    connections are accepted in one turn of the loop, and how many lines it logs when it can accept none.
    """

    def listen(self, _backlog: int = BACKLOG) -> None:
        """Listen, unless systemd has made it listen already: in its sandbox the service may not."""
        if not self.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            super().listen(BACKLOG)


class ListenError(HelionyxError):
    """There is nothing to listen on."""


def inherited(variables: MutableMapping[str, str]) -> list[socket.socket]:
    """The sockets that systemd passes to this process, or none. Raises ListenError for what does not listen.

    Takes the variables that say so out: they concern nobody else.
    """
    pid, count = variables.get("LISTEN_PID"), variables.get("LISTEN_FDS", "0")
    for name in [name for name in variables if name.startswith("LISTEN_")]:
        del variables[name]
    if pid != str(os.getpid()):
        return []
    return [_adopt(number) for number in range(FIRST_INHERITED, FIRST_INHERITED + int(count))]


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens on the address `host` and `port`. Raises ListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named: asyncio sets TCP_NODELAY only then, without which an answer takes 40 ms.
    listener = Listener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        hint = (
            "another process listens there"
            if error.errno == errno.EADDRINUSE
            else "look at API_HOST and API_PORT"
        )
        raise ListenError(f"cannot listen on {_address(host, port)}: {error.strerror}", hint) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """The address of `listener` as text: 127.0.0.1:8000, [::1]:8000, /run/x.socket, @abstract."""
    name = listener.getsockname()
    if isinstance(name, tuple):
        return _address(name[0], name[1])
    return name if isinstance(name, str) else f"@{os.fsdecode(name[1:])}"


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _adopt(number: int) -> socket.socket:
    try:
        listener = Listener(fileno=number)
        listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise ListenError(f"expected a socket as file descriptor {number}: {error.strerror}") from None
    if not listening:
        raise ListenError(f"expected file descriptor {number} to be a listening socket, and it is not")
    listener.set_inheritable(False)
    listener.setblocking(False)
    return listener
