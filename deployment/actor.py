"""Who asks for a change, for the node's history."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path

from .errors import DeployError
from .run import run


def actor(root: Path) -> dict[str, str]:
    """The name that git knows, or else the login name; and where the request comes from."""
    login, host = _login(), socket.gethostname()
    return {"name": _git_name(root) or login, "from": f"{login}@{host}"}


def _git_name(root: Path) -> str:
    try:
        return run(["git", "-C", str(root), "config", "user.name"], expect=(0, 1)).decode().strip()
    except DeployError:  # no git, no repository: the login name will do
        return ""


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "unknown"
