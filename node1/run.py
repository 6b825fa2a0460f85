"""The one way to run another program: an argv list, a closed stdin, a known environment, a time limit."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from node1.error import Node1Error

# An ordinary user's PATH, and sudo's on some distributions, lacks the sbin directories: ip and modprobe.
PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin".lstrip(":")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
PASSED_ON = ("HOME", "TMPDIR", *PROXIES)
TAIL_CHARACTERS = 2000


def environment() -> dict[str, str]:
    """The environment of a child process."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": PATH, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **passed}


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    timeout: float = 60,
    check: bool = True,
    pass_fds: Sequence[int] = (),
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    hint: str = "",
    as_group: bool = False,
) -> CompletedProcess[str]:
    """Run `argv` to its end; a failure or an overrun is an error that shows the command, to be replayed.

    With `as_group`, an overrun or Ctrl-C kills all that it has started, too.
    """
    words = [str(word) for word in argv]
    command = shlex.join(words)
    piped = subprocess.DEVNULL if stdin is None else subprocess.PIPE
    options = {"stdin": piped, "pass_fds": pass_fds, "cwd": cwd, "start_new_session": as_group}
    child = _started(words, hint, env=environment() | (env or {}), **options)
    with child:
        try:
            out, err = _communicate(child, stdin, timeout, as_group)
        except subprocess.TimeoutExpired:
            raise Node1Error(f"no end after {timeout:g} s: {command}", hint) from None
    if check and child.returncode != 0:
        last = (err.strip() or out.strip())[-TAIL_CHARACTERS:]
        raise Node1Error(f"exit code {child.returncode}: {command}\n{last}".rstrip(), hint)
    return CompletedProcess(words, child.returncode, out, err)


def _started(words: list[str], hint: str, **options: Any) -> subprocess.Popen[str]:
    """Start a program whose output is read as text. Raises `Node1Error` if there is no such program."""
    try:
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **options
        )
    except FileNotFoundError as error:
        raise Node1Error(f"command not found: {words[0]}", hint) from error


def _communicate(
    child: subprocess.Popen[str], stdin: str | None, timeout: float, as_group: bool
) -> tuple[str, str]:
    """Return the output of a child, and kill it where that does not end. Raises `TimeoutExpired`."""
    try:
        return child.communicate(stdin, timeout=timeout)
    except BaseException:
        if as_group:
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        # A grandchild may hold the pipes open: its output is not worth waiting for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=1)
        raise
