"""The one way to run a command on the node: argv list, closed stdin, fixed environment, and limits.

A command has a limit in seconds and in bytes of output, and a command that reads files of a service has one
in bytes of memory too: whatever lies in such a file or a journal, root takes no more of it than that.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..values.errors import StepFailed

NOGROUP = 65534  # the kernel's own number for nobody: see /proc/sys/kernel/overflowgid
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0"}
OUTPUT = 1 << 20  # bytes of stdout, and of stderr; JSON of that size takes about 40 MB once it is parsed
CHUNK = 1 << 16
LINES, COLUMNS = 20, 4000  # lines of the last words of a command that failed, and characters of each
LOOK = 0.25  # seconds between two looks whether another process has stopped a command
STOPPED = "no release does that: look at the processes of that user on the node"
LIMITS = threading.Lock()  # held while the limits of this process are those of a command
DYING = 5.0  # seconds for a killed command to end: one that waits for a broken disk does not


class TimedOut(StepFailed):
    """A command took longer than its limit."""


def run(
    argv: list[str],
    *,
    input: bytes = b"",
    stdin: IO[bytes] | None = None,
    user: str | None = None,
    apart: bool = False,
    cwd: Path | None = None,
    timeout: float = 60.0,
    expect: tuple[int, ...] = (0,),
    memory: int | None = None,
    cut: bool = False,
) -> str:
    """Return stdout of the command.

    Raises `StepFailed` with the command, its exit code and its last words when the code is not one of
    `expect`, when a signal has killed or stopped it, when it takes longer than `timeout` seconds, or when it
    writes more than `OUTPUT` bytes. With `cut`, a command that has written so much is ended, and the bytes
    until then are returned. `memory` is a limit in bytes for the data of the command. `user` drops root for
    the command's run, and has to be there. `apart` gives it a group that no other process of that user has:
    the kernel lets none of them trace it.
    """
    with _limited(memory):
        group = NOGROUP if apart else user
        child = _started(argv, subprocess.PIPE if stdin is None else stdin, user, group, cwd)
    ended = _attended(child, input, timeout)
    command = shlex.join(argv)
    if ended.stopped:
        raise StepFailed(f"stopped by another process of its user: {command}", STOPPED)
    if ended.late:
        raise TimedOut(f"no end after {timeout:g} s: {command}")
    if ended.flooded and not cut:
        raise StepFailed(f"more than {OUTPUT >> 20} MB of output from: {command}")
    if not ended.flooded and ended.code not in expect:
        raise _failure(ended, command, user)
    return _text(ended.out)


def _failure(ended: _Ended, command: str, user: str | None) -> StepFailed:
    lines = (_text(ended.err).strip() or _text(ended.out).strip()).splitlines()[-LINES:]
    was_killed = ended.code == -signal.SIGKILL and user is not None
    return StepFailed(
        f"{_end_of(ended.code)}: {command}",
        STOPPED if was_killed else "",
        details=tuple(line[:COLUMNS] for line in lines),
    )


def _text(output: bytearray) -> str:
    return bytes(output[:OUTPUT]).decode(errors="replace")


def _end_of(code: int | None) -> str:
    """The end of a command in words; the code of one that was killed is the negative number of a signal."""
    if code is None or code >= 0:
        return f"exit code {code} from"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        name = f"signal {-code}"
    return f"killed by {name}"


def _started(
    argv: list[str], stdin: int | IO[bytes], user: str | None, group: str | int | None, cwd: Path | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=ENVIRONMENT,
            cwd=cwd or "/",
            user=user,
            group=group,
            extra_groups=[] if user else None,
            process_group=0,
        )
    except FileNotFoundError:
        raise StepFailed(f"{argv[0]} is not installed on the node.", "install it there") from None
    except PermissionError as error:
        raise StepFailed(
            f"{argv[0]} cannot be started on the node: {error.strerror}.",
            "a file system that is mounted noexec does this, or a rule of sudo or AppArmor",
        ) from error
    except BlockingIOError as error:  # a limit of processes, of the node or of the user
        who, whose = (f" as {user}", user) if user else ("", "root")
        raise StepFailed(
            f"{argv[0]} cannot be started{who} on the node: too many processes run.",
            f"as root on the node: ps -u {whose}, and end what should not run",
        ) from error
    except OSError as error:  # such as no memory left
        raise StepFailed(f"{argv[0]} cannot be started on the node: {error.strerror}.") from error
    except KeyError:  # the user's: somebody has deleted it
        raise StepFailed(f"there is no user {user} on the node.", "make deploy makes it again") from None


@dataclass
class _Ended:
    """A command that has ended, or was ended for being late or stopped, or for flooding one of its pipes."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    code: int | None = None
    late: bool = False
    stopped: bool = False

    @property
    def flooded(self) -> bool:
        return max(len(self.out), len(self.err)) > OUTPUT


def _attended(child: subprocess.Popen[bytes], input: bytes, timeout: float) -> _Ended:
    """Feed a command and read its output until it ends, and kill it where it passes a limit.

    A process that it leaves behind may hold its pipes for ever: nobody waits for their end.
    """
    ended = _Ended()
    exit_ = os.pidfd_open(child.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(exit_, selectors.EVENT_READ)
            for pipe, into in ((child.stdout, ended.out), (child.stderr, ended.err)):
                _register(selector, pipe, selectors.EVENT_READ, into)
            _register(selector, child.stdin, selectors.EVENT_WRITE, bytearray(input))
            ended.late = not _exchanged(selector, exit_, ended, child.pid, time.monotonic() + timeout)
        if ended.late or ended.stopped or ended.flooded:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, with all that it began
                os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            ended.code = child.wait(DYING)
    finally:
        os.close(exit_)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
    return ended


def _register(selector: selectors.BaseSelector, pipe: IO[bytes] | None, event: int, data: bytearray) -> None:
    if pipe is not None:
        os.set_blocking(pipe.fileno(), False)
        selector.register(pipe, event, data)


def _exchanged(selector: selectors.BaseSelector, exit_: int, ended: _Ended, pid: int, end: float) -> bool:
    """Move bytes until the command ends, is stopped or floods a pipe.

    Returns False when the time is over before.
    """
    over = False
    while not ended.flooded:
        ready = selector.select(0 if over else max(0.0, min(LOOK, end - time.monotonic())))
        if over and not ready:  # all that it has written was read
            return True
        if _is_stopped(pid):
            ended.stopped = True
            return True
        for key, events in ready:
            if key.fd == exit_:
                selector.unregister(exit_)
                over = True
            elif events == selectors.EVENT_READ:
                _take(selector, key)
            else:
                _give(selector, key)
        if not over and time.monotonic() >= end:
            return False
    return True


def _is_stopped(pid: int) -> bool:
    """Whether a child was stopped: whoever has its user can do that, and has no reason to let it go on."""
    try:
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG) is not None
    except ChildProcessError:  # it has ended
        return False


def _take(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    data = os.read(key.fd, CHUNK)
    key.data.extend(data)
    if not data:
        selector.unregister(key.fileobj)


def _give(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Write some of the input, and close the pipe behind the last of it."""
    pipe: Any = key.fileobj
    try:
        del key.data[: os.write(key.fd, key.data[:CHUNK])]
    except BrokenPipeError:  # the command reads no more of it
        key.data.clear()
    if not key.data:
        selector.unregister(pipe)
        pipe.close()


@contextlib.contextmanager
def _limited(memory: int | None) -> Iterator[None]:
    """Let what is started meanwhile have at most so much data.

    A process inherits the limit. To set that of another user's process takes a right that root of a
    container does not have. One thread at a time: two could restore each other's limit and keep it.
    """
    if memory is None:
        yield
        return
    with LIMITS:
        before = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, before)
