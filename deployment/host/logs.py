"""The journal of one environment: the service's own lines, and systemd's about it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from typing import Any

from .layout import Environment
from .wire import hand_over


def show(environment: Environment, request: dict[str, Any]) -> None:
    """Leave the output to journalctl, which ends when the reader does.

    Of a search or a time, journalctl 252 shows the first LINES; a person wants the last ones.
    """
    chosen = request.get("since") or request.get("grep")
    if request.get("follow") or not chosen or request.get("lines") is None:
        hand_over(arguments(environment, request))
    argv = arguments(environment, {**request, "lines": None})
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as journal:
        assert journal.stdout is not None
        for line in deque(journal.stdout, maxlen=int(request["lines"])):
            os.write(1, line)
    sys.exit(journal.returncode)


def arguments(environment: Environment, request: dict[str, Any]) -> list[str]:
    """The command line: values stand behind `=`, so that none can be taken for an option.

    The `+` reads the default journal too: there systemd writes "Main process exited" and the like.
    """
    argv = [
        *("/usr/bin/journalctl", f"--namespace=+{environment.namespace}", "--no-pager", "--quiet"),
        *(f"--unit={environment.service}", f"--unit={environment.socket}"),
        f"--unit={environment.rehearsal}.service",
        *("--output=json" if request.get("json") else "--output=short-iso",),
    ]
    if request.get("lines") is not None and not request.get("since"):
        argv.append(f"--lines={request['lines']}")
    elif request.get("follow"):
        argv.append("--lines=all")
    if request.get("since"):
        argv.append(f"--since={request['since']}")
    if request.get("grep"):
        argv.append(f"--grep={request['grep']}")
    if request.get("follow"):
        argv.append("--follow")
    return argv
