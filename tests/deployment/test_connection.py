"""The connection's command line, and what it says when it breaks."""

from __future__ import annotations

import io
import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deployment import connection, program, settings
from deployment.connection import Connection
from deployment.errors import DeployError
from deployment.host import sockets
from deployment.host.wire import Hangup, Wire


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (
            255,
            ["ssh: connect to host node1 port 22: Connection refused"],
            "node1 cannot be reached by ssh: ssh: connect",
        ),
        (255, ["@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"], "the host key of node1 has changed"),
        (255, ["Host key verification failed."], "the host key of node1 is not known here"),
        (1, ["sudo: a password is required"], "sudo on node1 wants a password"),
        (127, ["sh: 1: exec: /usr/bin/python3: not found"], "node1 lacks /usr/bin/python3"),
        (1, ["Traceback (most recent call last):", "ValueError: x"], "the program on node1 ended"),
    ],
)
def test_broken_connection_is_explained(code: int, words: list[str], message: str) -> None:
    """One sentence of ours, with the last words of whoever ended it."""
    error = connection.explain("node1", code, words)
    assert error.message.startswith(message)
    assert error.hint or error.details == tuple(words)


def test_remote_command_is_one_word_for_ssh() -> None:
    """ssh joins its arguments by spaces and hands them to a shell: ours arrive as they were."""
    request = settings.read(["status"], {"SSH_OPTIONS": "-F x"})
    argv = connection.arguments(request, "node1", 17)
    assert argv[:1] + argv[-3:-1] == ["ssh", "--", "node1"]
    assert shlex.split(argv[-1]) == program.command(17)
    assert "BatchMode=yes" in argv


@pytest.mark.parametrize("version", ["(3, 9)", "(3, 10, 4)"])
def test_old_python_is_told_in_the_conversations_form(version: str) -> None:
    """Not as a traceback."""
    code = program.BOOTSTRAP.replace("import os, sys", f"import os, sys; sys.version_info = {version}", 1)
    done = subprocess.run([sys.executable, "-SIc", code, "0"], capture_output=True, timeout=30, check=True)
    said = json.loads(done.stdout)
    assert said["outcome"] == "refused"
    assert "3.11 or later is needed" in said["message"]


def test_bootstrap_reads_the_program_and_not_a_byte_more(tmp_path: Path) -> None:
    """What follows on the connection belongs to the conversation."""
    main = tmp_path / "__main__.py"
    main.write_text("import os, sys; os.write(1, os.read(0, 100)); print(sys.argv[1])")
    archive = tmp_path / "program.zip"
    subprocess.run([sys.executable, "-m", "zipfile", "-c", str(archive), str(main)], check=True, timeout=30)
    content = archive.read_bytes()
    done = subprocess.run(
        [sys.executable, "-SIc", program.BOOTSTRAP, str(len(content))],
        input=content + b"the rest\n",
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == b"the rest\nconverse\n"


def test_wire_takes_blobs_between_lines(tmp_path: Path) -> None:
    """A line, a blob of a stated size, a line; a blob that was damaged is found."""
    reading, writing = os.pipe()
    os.write(writing, b'{"a": 1}\nBLOB{"b": 2}\nBL')
    os.close(writing)
    wire = Wire(reading, 1)
    assert wire.hear() == {"a": 1}
    digest = "bd8d9f7f1b0d4d7d7a8c8ba3b1ab0a5b7d2a3e0f9d1c8e5f6a7b8c9d0e1f2a3b"
    with pytest.raises(Exception, match="arrived damaged"):
        wire.receive(tmp_path / "x.tar.gz", 4, digest)
    assert wire.hear() == {"b": 2}
    with pytest.raises(Hangup):
        wire.receive(tmp_path / "x.tar.gz", 4, digest)
    os.close(reading)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_listener_and_its_holder_are_found(family: socket.AddressFamily) -> None:
    """Read from the kernel's tables: this very process, by name and id."""
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        found = [item for item in sockets.listeners() if item.port == port]
        host = "127.0.0.1" if family == socket.AF_INET else "[::1]"
        assert [item.address for item in found] == [f"{host}:{port}"]
        assert f"(pid {os.getpid()})" in sockets.holder(found[0].inode)


def test_file_that_became_shorter_is_not_sent_as_the_whole() -> None:
    """Nobody waits for what never comes."""

    class Told(Connection):
        def __init__(self) -> None:
            self.sent = b""

        def say(self, **_: object) -> None:
            """Whatever."""

        def _send(self, data: bytes) -> None:
            self.sent += data

        def __del__(self) -> None:
            """There is no process."""

    told = Told()
    with pytest.raises(DeployError, match="has become shorter"):
        told.blob(io.BytesIO(b"short"), 9, "0", lambda _: None)
    told.sent = b""
    told.blob(io.BytesIO(b"longer than it was"), 6, "0", lambda _: None)
    assert told.sent == b"longer"
