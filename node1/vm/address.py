"""The address of a virtual machine: one of this machine's own in 127/8, whose ports lead into it."""

import socket
from collections.abc import Collection

from node1.error import Node1Error

SSH = 2222  # an ordinary user may not bind port 22
INSIDE = {SSH: 22, 8000: 8000, 8001: 8001, 8002: 8002}
"""The ports at the address, and those of the node that they lead to: sshd and the three environments."""
POOL = [f"127.213.0.{last}" for last in range(2, 255)]


def choose(taken: Collection[str]) -> str:
    """An address that no other node has, and where all ports are free."""
    busy = 0
    for address in POOL:
        if address in taken:
            continue
        busy = busy_port(address)
        if not busy:
            return address
    if busy:
        hint = f"ss -ltnp 'sport = {busy}' names the program: stop it, then try again"
        raise Node1Error(f"port {busy} of this machine is in use", hint)
    raise Node1Error(f"no free address in {POOL[0]} to {POOL[-1]}", "python -m node1 list; then down")


def busy_port(address: str) -> int:
    """The first port that cannot be bound at the address; 0 if there is none."""
    for port in INSIDE:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((address, port))
            except OSError:
                return port
    return 0
