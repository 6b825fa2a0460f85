"""The one way to run a command on the node: argv list, closed stdin, fixed environment, a time limit."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import IO

from .errors import StepFailed

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0"}


def run(
    argv: list[str],
    *,
    input: bytes = b"",
    stdin: IO[bytes] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
    timeout: float = 60.0,
    expect: tuple[int, ...] = (0,),
) -> str:
    """What the command wrote to stdout.

    Raises `StepFailed` with the command, its exit code and its last words when the code is not one of
    `expect`, or when it takes longer than `timeout` seconds. `user` drops root for the command's run, and
    has to be there.
    """
    try:
        done = subprocess.run(
            argv,
            input=input if stdin is None else None,
            stdin=stdin,
            capture_output=True,
            timeout=timeout,
            env=ENVIRONMENT,
            cwd=cwd or "/",
            user=user,
            group=user,
            extra_groups=[] if user else None,
            check=False,
        )
    except FileNotFoundError:
        raise StepFailed(f"{argv[0]} is not installed on the node.", "install it there") from None
    except PermissionError as error:
        raise StepFailed(
            f"{argv[0]} cannot be started on the node: {error.strerror}.",
            "a file system that is mounted noexec does this, or a rule of sudo or AppArmor",
        ) from error
    except KeyError:  # the user's: somebody has deleted it
        raise StepFailed(f"there is no user {user} on the node.", "make deploy makes it again") from None
    except subprocess.TimeoutExpired:
        raise StepFailed(f"no end after {timeout:g} s: {shlex.join(argv)}") from None
    if done.returncode not in expect:
        words = done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace").strip()
        raise StepFailed(
            f"exit code {done.returncode} from: {shlex.join(argv)}", details=tuple(words.splitlines()[-20:])
        )
    return done.stdout.decode(errors="replace")
