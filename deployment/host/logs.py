"""The journal of one environment: the service's own lines, and systemd's about it."""

from __future__ import annotations

from typing import Any, NoReturn

from .model import Environment
from .wire import hand_over


def become_journalctl(environment: Environment, request: dict[str, Any]) -> NoReturn:
    """Leave the output to journalctl, which ends when the reader does."""
    hand_over(arguments(environment, request))


def arguments(environment: Environment, request: dict[str, Any]) -> list[str]:
    """The command line: values stand behind `=`, so that none can be taken for an option.

    The `+` reads the default journal too: there systemd writes "Main process exited" and the like.
    """
    argv = [
        *("/usr/bin/journalctl", f"--namespace=+{environment.namespace}", "--no-pager", "--quiet"),
        *(f"--unit={environment.service}", f"--unit={environment.socket}"),
        *("--output=json" if request.get("json") else "--output=short-iso",),
        f"--lines={'all' if request.get('lines') is None else request['lines']}",
    ]
    if request.get("since"):
        argv.append(f"--since={request['since']}")
    if request.get("grep"):
        argv.append(f"--grep={request['grep']}")
    if request.get("follow"):
        argv.append("--follow")
    return argv
