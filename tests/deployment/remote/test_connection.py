"""The connection's command line, and what it says when it breaks."""

from __future__ import annotations

import io
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from deployment import arguments
from deployment.errors import DeployError
from deployment.host.node import sockets
from deployment.host.node.wire import Hangup, Wire
from deployment.host.releases import bytecode, halves, zipapp
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from deployment.remote import connection, program
from deployment.remote.connection import Connection


def test_remote_command_is_one_word_for_ssh() -> None:
    """ssh joins its arguments by spaces and hands them to a shell: ours arrive as they were."""
    request = arguments.read(["status"], {"SSH_OPTIONS": "-F x"})
    argv = connection.arguments(request, "node1", "abc")
    assert argv[:1] + argv[-3:-1] == ["ssh", "--", "node1"]
    assert shlex.split(argv[-1]) == program.command("abc")
    assert "BatchMode=yes" in argv


@pytest.mark.parametrize("version", ["(3, 9)", "(3, 10, 4)"])
def test_old_python_is_told_in_the_conversations_form(version: str) -> None:
    """Not as a traceback."""
    code = program.BOOTSTRAP.replace("import os, sys", f"import os, sys; sys.version_info = {version}", 1)
    done = subprocess.run(
        [sys.executable, "-SIc", code, "/opt", "0"], capture_output=True, timeout=30, check=True
    )
    said = json.loads(done.stdout)
    assert said["outcome"] == "refused"
    assert "3.11 or later is needed" in said["message"]


ECHO = {
    "__main__.py": b"",
    "host/__init__.py": b"",
    "host/entry.py": b"""
import os
def enter(arguments):
    os.write(1, os.read(0, 100))
    print(*arguments)
""",
}


def bootstrapped(place: Path, sent: bytes) -> bytes:
    """What a node says that keeps its host halves in `place`, and is sent this."""
    argv = [sys.executable, "-SIc", program.BOOTSTRAP, str(place), zipapp.digest(ECHO)]
    return subprocess.run(argv, input=sent, capture_output=True, timeout=30, check=True).stdout


def test_bootstrap_reads_the_program_and_not_a_byte_more(tmp_path: Path) -> None:
    """What follows on the connection belongs to the conversation."""
    content = program.build(ECHO)
    said = bootstrapped(tmp_path, f"{len(content)}\n".encode() + content + b"the rest\n")
    asked, rest, arguments = said.splitlines()
    assert json.loads(asked) == {"type": "program", "byte_code": bytecode.VERSION}
    assert rest == b"the rest"
    assert arguments.startswith(b"converse /proc/self/fd/")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep a host half that is run")
@pytest.mark.parametrize("fault", ["none", "damaged", "somebody's", "writable", "writable directory"])
def test_kept_program_is_run_if_it_is_whole_and_of_root(fault: str) -> None:
    """It is sent once; whatever anybody else could have put there is not run."""
    with tempfile.TemporaryDirectory(dir="/") as root:  # every directory above must be root's
        layout = Layout(Path(root))
        layout.host_halves.mkdir(parents=True)
        Path(root).chmod(0o755)
        sent = Path(root) / "sent.pyz"
        sent.write_bytes(program.build(ECHO))
        kept = halves.keep(layout, sent)
        assert halves.keep(layout, kept) == kept
        if fault == "damaged":
            damaged = bytearray(kept.read_bytes())
            damaged[1000] ^= 1
            kept.write_bytes(damaged)
        elif fault == "somebody's":
            os.chown(kept, 65534, 0)
        elif fault == "writable":
            kept.chmod(0o664)
        elif fault == "writable directory":
            layout.opt.chmod(0o777)
        content = program.build(ECHO)
        said = bootstrapped(
            layout.host_halves, (f"{len(content)}\n".encode() + content if fault != "none" else b"") + b"x\n"
        ).splitlines()
    assert said[-2] == b"x"
    assert (said[-1] == f"converse {kept}".encode()) == (fault == "none")
    assert any(b'"type": "program"' in line for line in said) == (fault != "none")


def test_program_brings_byte_code_for_the_same_python(tmp_path: Path) -> None:
    """Any other Python is sent the sources; either way what is kept is compiled, for this one."""
    layout, kept = Layout(tmp_path), []
    for version in (bytecode.VERSION, "00000000"):
        sent = tmp_path / "sent.pyz"
        sent.write_bytes(program.build(ECHO, version))
        with zipfile.ZipFile(sent) as archive:
            brought = {name for name in archive.namelist() if name.endswith(".pyc")}
        assert brought == ({f"{name}c" for name in ECHO} if version == bytecode.VERSION else set())
        kept.append(halves.keep(layout, sent))
    assert kept[0] == kept[1]
    with zipfile.ZipFile(kept[0]) as archive:
        assert set(archive.namelist()) == {*ECHO, *(f"{name}c" for name in ECHO)}


def test_host_halves_that_were_not_used_are_forgotten(tmp_path: Path) -> None:
    """Those that were used last stay: transactions that run still need theirs."""
    layout = Layout(tmp_path)
    sent = tmp_path / "sent.pyz"
    kept = []
    for number in range(halves.KEPT + 3):
        sent.write_bytes(program.build({**ECHO, "host/version.py": str(number).encode()}))
        kept.append(halves.keep(layout, sent))
        os.utime(kept[-1], (number, number))
        assert halves.keep(layout, kept[0]) == kept[0]
    assert set(layout.host_halves.iterdir()) == {kept[0], *kept[-halves.KEPT + 1 :]}
    with pytest.raises(StepFailed, match="cannot be stored: No such file"):
        halves.keep(layout, kept[1])


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


BESIDE = ("0.0.0.0:8002", "127.0.0.1:8000", "[::]:8002")


def test_program_beside_a_socket_is_named() -> None:
    """Whatever the family of its address; the socket itself is none, and neither are those on other ports."""
    opened = [sockets.Listener(address, int(address.rsplit(":", 1)[1]), "0") for address in BESIDE]
    assert sockets.beside(opened, "0.0.0.0:8002") == "a program that this user may not see on [::]:8002"
    assert sockets.beside(opened, "127.0.0.1:8000") is None
    assert sockets.beside(opened, None) is None


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
