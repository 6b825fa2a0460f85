"""The author of a change, for the node's history."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path

from ..errors import DeployError
from ..host.values.printable import printable
from ..run import run

LONGEST = 200  # characters of a name


def actor(root: Path) -> dict[str, str]:
    """The name that git knows, or else the login name; and where the request comes from."""
    login, host = _login(), socket.gethostname()
    name = printable(_git_name(root) or login, LONGEST)
    return {"name": name, "from": printable(f"{login}@{host}", LONGEST)}


def _git_name(root: Path) -> str:
    try:
        name = run(["git", "-C", str(root), "config", "user.name"], expect=(0, 1))
        return name.decode(errors="surrogateescape").strip()
    except DeployError:  # no git, no repository: the login name will do
        return ""


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "unknown"
