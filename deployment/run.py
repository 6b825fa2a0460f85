"""The one way to run a command on the operator's machine."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import DeployError

# A child sees these of our variables and no others: none of them can change what a release is made of.
PASSED = (
    *("PATH", "HOME", "LANG", "TMPDIR", "USER", "LOGNAME"),
    *("XDG_CACHE_HOME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL"),
    # By these git knows that root, under sudo, may read a checkout of the person who called sudo.
    *("SUDO_UID", "SUDO_GID", "SUDO_USER"),
    *("UV_NATIVE_TLS", "UV_OFFLINE", "UV_HTTP_TIMEOUT", "NETRC"),
)


def child_environment(**more: str) -> dict[str, str]:
    """The environment that a child of ours gets."""
    return {name: os.environ[name] for name in PASSED if name in os.environ} | more


def run(
    argv: list[str],
    *,
    input: bytes = b"",
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    timeout: float = 60.0,
    expect: tuple[int, ...] = (0,),
) -> bytes:
    """Run a command and return its standard output.

    Raises `DeployError` with the command line, so that it can be replayed, its exit code and its last
    words when the code is not one of `expect`, or when it takes longer than `timeout` seconds.
    """
    shown = shlex.join(argv)
    try:
        done = subprocess.run(
            argv,
            input=input,
            capture_output=True,
            timeout=timeout,
            cwd=cwd,
            env=child_environment(**(environ or {})),
            check=False,
        )
    except FileNotFoundError:
        raise DeployError(f"{argv[0]} is not installed here.", "make setup") from None
    except subprocess.TimeoutExpired:
        raise DeployError(f"no end after {timeout:g} s: {shown}") from None
    if done.returncode not in expect:
        words = (done.stderr.strip() or done.stdout).decode(errors="replace").strip().splitlines()
        raise DeployError(f"exit code {done.returncode} from: {shown}", details=tuple(words[-20:]))
    return done.stdout
