"""Processes of an environment's user, whatever they call themselves."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deployment.host.node import processes, sockets, threads
from deployment.host.node.run import run
from deployment.host.values.errors import StepFailed
from tests.deployment.shelves import DEV

PROGRAM = """
import ctypes, os, socket, sys
os.setuid(int(sys.argv[2]))
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]))
listener = socket.create_server(("127.0.0.1", 0))
print(os.stat(listener.fileno()).st_ino, flush=True)
sys.stdin.read()
"""
NAME, SHOWN = b"\xff\n\x1b[2J", r"\xff\u000a\u001b[2J"
NOBODY = 54321

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")


@contextmanager
def strays(count: int = 1, name: bytes = NAME) -> Iterator[list[tuple[int, str]]]:
    """Processes of a user of their own with an odd name, each with a socket: their pids and the inodes."""
    argv = [sys.executable, "-IS", "-c", PROGRAM, name.hex(), str(NOBODY), "x" * 100_000]
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(child.wait, 10)
            stack.callback(child.kill)
            assert child.stdout is not None
            found.append((child.pid, child.stdout.readline().strip()))
        yield found


def test_stray_is_named_whatever_bytes_it_has_chosen() -> None:
    """Nothing in its name ends a line, moves a terminal, or is too strange to be told."""
    with strays() as [(pid, inode)]:
        assert processes.of(DEV, NOBODY) == (f"{SHOWN} (pid {pid})",)
        assert sockets.holder(inode) == f"{SHOWN} (pid {pid})"
    assert processes.of(DEV, NOBODY) == ()


KILLER = """
import os, signal, sys
os.setuid(int(sys.argv[1]))
print("ready", flush=True)
while True:
    try:
        os.kill(-1, getattr(signal, sys.argv[2]))
    except ProcessLookupError:
        pass
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
@pytest.mark.parametrize("wins", [True, False])
def test_process_that_signals_all_others_of_its_user_is_ended(
    name: str, monkeypatch: pytest.MonkeyPatch, *, wins: bool
) -> None:
    """Also where it wins against the command that has the same user for a moment."""

    def lose(*_: object, **__: object) -> str:
        raise StepFailed("killed by SIGKILL: setpriv")

    if wins:
        monkeypatch.setattr(processes, "run", lose)
    argv = [sys.executable, "-IS", "-c", KILLER, str(NOBODY), name]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as killer:
        try:
            assert killer.stdout is not None
            assert killer.stdout.readline() == "ready\n"
            assert processes.end(DEV, NOBODY) == (f"python (pid {killer.pid})",)
            assert killer.wait(10) == -signal.SIGKILL
        finally:
            killer.kill()


@pytest.mark.parametrize("end", ["\v", "\f", "\r", "\x1c", "\x85", "\u2028"])
def test_stray_cannot_forge_its_user_or_state_by_its_name(end: str) -> None:
    """The kernel escapes a newline in the name in front of them, and nothing else that ends a line."""
    user, state = (f"{end}{field}".encode() for field in ("Uid:\t0", "State:\tR"))
    with strays(name=user) as [(pid, _)]:
        assert processes.user_of(Path(f"/proc/{pid}")) == NOBODY
        assert len(processes.of(DEV, NOBODY)) == 1
    with strays(name=state) as [(pid, _)]:
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
        assert processes.is_stopped(pid)


@pytest.mark.parametrize(
    ("group", "is_ours"),
    [
        ("0::/system.slice/helionyx-dev.service", True),
        ("0::/helionyx.slice/helionyx-dev.service", True),
        ("0::/helionyx.slice/helionyx-dev-rehearsal.service", True),
        ("0::/helionyx.slice/helionyx-dev-next.service", True),
        ("0::/docker/0123/helionyx.slice/helionyx-dev.service", True),
        ("1:name=systemd:/system.slice/helionyx-dev.service\n0::/system.slice/helionyx-dev.service", True),
        ("0::/system.slice/helionyx-dev.service/within", True),
        ("0::/system.slice/helionyx-dev.service2", False),
        ("0::/user.slice/user-999.slice/user@999.service/app.slice/helionyx-dev.service", False),
        ("0::/system.slice/ssh.service", False),
    ],
)
def test_unit_of_a_process_is_one_of_the_system_manager(tmp_path: Path, group: str, is_ours: bool) -> None:
    """A user's own manager starts units of any name, in its own part of the tree."""
    (tmp_path / "cgroup").write_text(f"{group}\n")
    assert processes.is_of_units(tmp_path, DEV) is is_ours


def test_program_that_root_runs_as_the_user_is_no_stray() -> None:
    """Two verbs may look at once, and one that looks goes on while such a program reads the log."""
    user = pwd.getpwnam("daemon").pw_name
    call = threads.Call(run, ["sh", "-c", "echo $$; exec sleep 0.5"], user=user, apart=True)
    while not (running := _children_of(os.getpid())):
        pass
    looked_at = processes.of(DEV, pwd.getpwnam(user).pw_uid)
    assert str(running[0]) == call.result().strip()
    assert looked_at == ()


def _children_of(pid: int) -> list[int]:
    """The processes that another one has started and that are of a user of their own by now."""
    found = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [child for child in found if _is_child(child, pid)]


def _is_child(child: int, pid: int) -> bool:
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{child}/status").read_text().splitlines())
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields["PPid"]) == pid and fields["Uid"].split()[0] != "0"


def test_of_many_strays_the_first_are_named() -> None:
    """And the others counted."""
    with strays(processes.SHOWN + 2):
        *named, last = processes.of(DEV, NOBODY)
        assert (len(named), last) == (processes.SHOWN, "2 more")


def test_process_that_has_ended_is_passed_over(tmp_path: Path) -> None:
    """While it is looked at, it may go."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "fd").symlink_to("socket:[7]")
    assert sockets.holder("7", tmp_path) == "a program that this user may not see"


def test_program_that_is_setuid_root_is_of_whoever_has_started_it() -> None:
    """Such as `su`, which waits for a password: its user cannot be removed, and its locks are not of root."""
    user = pwd.getpwnam("daemon").pw_uid
    reading, writing = os.pipe()
    if not (pid := os.fork()):
        os.setresuid(user, 0, 0)
        os.write(writing, b"1")
        signal.pause()
    try:
        assert os.read(reading, 1) == b"1"
        assert Path(f"/proc/{pid}").stat().st_uid == 0
        assert processes.user_of(Path(f"/proc/{pid}")) == user
        assert [name for name in processes.of(DEV, user) if f"(pid {pid})" in name]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reading)
        os.close(writing)


def test_process_that_is_stopped_is_known() -> None:
    """As long as it is; one that has ended is not."""
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not processes.is_stopped(process.pid)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        assert processes.is_stopped(process.pid)
        process.kill()
    assert not processes.is_stopped(process.pid)


def test_memory_of_a_process_is_its_own() -> None:
    """What it has written, and not the files that it shares with others."""
    program = "import sys; hoard = b'x' * (64 << 20); print(flush=True); sys.stdin.read()"
    argv = [sys.executable, "-SI", "-c", program]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 64 << 20 <= processes.memory(process.pid) < 96 << 20
        process.communicate(timeout=10)
        assert processes.memory(process.pid) == 0
