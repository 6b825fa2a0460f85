"""Commands in a node as root, through one connection that stays open: a login costs ten times as much."""

import shlex
import socket
from collections.abc import Sequence
from subprocess import CompletedProcess

from node1.record import CONNECTION, Record
from node1.run import run

# Named relative to the node's directory: the path of a socket has 108 bytes at most. The connection ends when
# nobody has used it for a minute, and within seconds where the node has gone without a word.
SHARED = ("-S", CONNECTION, "-o", "ControlMaster=auto", "-o", "ControlPersist=60")
ALIVE = ("-o", "ServerAliveInterval=3", "-o", "ServerAliveCountMax=1")


def login(record: Record, *options: str) -> list[str]:
    """The argv that logs in as root."""
    return ["ssh", "-F", str(record.ssh_config), *options, record.name]


def run_inside(
    record: Record, argv: Sequence[str], *, input: str | None, timeout: float
) -> CompletedProcess[str]:
    """Run a command inside as root; its exit code is the caller's to judge (255: ssh itself failed)."""
    command = [*login(record, *SHARED, *ALIVE), shlex.join(argv)]
    return run(command, stdin=input, timeout=timeout, check=False, cwd=record.directory)


def hang_up(record: Record) -> None:
    """End the connection, if there is one."""
    if (record.directory / CONNECTION).exists():
        run(login(record, "-S", CONNECTION, "-O", "exit"), check=False, cwd=record.directory)
        (record.directory / CONNECTION).unlink(missing_ok=True)


def answers(record: Record, source: str = "") -> bool:
    """Whether the node's sshd answers, asked from the address `source`."""
    own = (source, 0) if source else None
    try:
        with socket.create_connection((record.address, record.port), 2, source_address=own) as connection:
            is_ssh = connection.recv(4) == b"SSH-"
            # Said goodbye to in good order, sshd writes no error into the node's journal.
            connection.sendall(b"SSH-2.0-node1\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
            return is_ssh
    except OSError:
        return False
