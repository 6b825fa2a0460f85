"""A bare login on the node: who that is there, how long it takes, and with which host key."""

from __future__ import annotations

import getpass
import re
import subprocess
import time
from dataclasses import dataclass

from ..settings import Settings
from .connection import ssh
from .lost import Lost, explain, not_installed, shown
from .messages import is_name
from .tail import Tail

LIMIT = 30.0  # seconds for all of it; ssh gives up connecting after ten
HOST_KEY = re.compile(r"Server host key: \S+ (SHA256:[0-9A-Za-z+/=]+)")
# The lines that `ssh -v` adds to those that matter when it breaks.
CHATTER = re.compile(r"debug\d: |OpenSSH_|Authenticated to |Transferred: |Bytes per second: ")


@dataclass(frozen=True)
class Login:
    """The name of the user on the node, the seconds that a login takes, and the host key's fingerprint."""

    user: str
    seconds: float = 0.0
    host_key: str = ""


def log_in(settings: Settings, node: str) -> Login:
    """Log in, ask for the user's name, and leave. Raises `Lost` where ssh does not get there."""
    if node == "local":
        return Login(getpass.getuser())
    started = time.monotonic()
    process = _start(settings, node)
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = Tail(process.stdout), Tail(process.stderr)
    try:
        code = process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Lost(
            f"no login on {node} within {LIMIT:g} s.",
            shown(node, settings.ssh_options, "-v", command="true"),
            about="ssh",
        ) from None
    lines = errors.text()
    if code:
        words = [line.strip() for line in lines.splitlines() if line.strip() and not CHATTER.match(line)]
        raise explain(node, code, words, settings.ssh_options)
    keys = HOST_KEY.findall(lines)  # those of jump hosts come first
    names = [name for name in output.text().split() if is_name(name)]
    return Login(names[-1] if names else "", time.monotonic() - started, keys[-1] if keys else "")


def _start(settings: Settings, node: str) -> subprocess.Popen[bytes]:
    """Start ssh with a command that prints the user's name."""
    try:
        return subprocess.Popen(  # with the whole environment, as the connection itself
            ssh(settings, node, "id -un", "-v"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise not_installed("ssh") from None
