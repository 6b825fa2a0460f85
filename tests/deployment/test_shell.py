"""The operator's shell has no effect; a failing disk or stream is one error with exit code 2."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from deployment import arguments
from deployment.__main__ import USAGE
from deployment.build import configuration, source
from deployment.errors import INTERRUPTED, REFUSED, DeployError
from deployment.remote import connection
from deployment.remote.connection import Connection
from deployment.remote.lost import Lost
from deployment.remote.messages import parse
from deployment.settings import ROOT
from deployment.ui.display import Plain
from deployment.verbs import change, table
from tests.deployment import hostile_node as node

# Python and sh read each of them, and none is about this program.
HELD = {
    "PYTHONSAFEPATH": "1",
    "PYTHONHOME": "/nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONINSPECT": "1",
    "PYTHONIOENCODING": "ascii",
}
# Where no file can grow beyond so many bytes, as on a full disk.
FULL = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""
PROGRAM = (sys.executable, "-B", "-m", "deployment")


def run(*argv: str, cwd: Path = ROOT, stdout: Any = subprocess.PIPE, **more: Any) -> Any:
    """A command of an operator whose shell holds `more`, with nothing on standard input."""
    environ = {key: value for key, value in os.environ.items() if key not in table.VARIABLES} | more
    return subprocess.run(
        argv,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["scripts/deploy/status.sh", "--help"], USAGE),
        (["scripts/help.sh"], "  make help          List every target\n"),
        (["scripts/setup.sh"], "the checkout is set up; .venv is as uv.lock says\n"),
        (["scripts/stage.sh", "--help"], "usage: scripts/stage.sh "),
        (["./helionyx", "--help"], "usage: helionyx "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_a_shell_holds_changes_nothing(tmp_path: Path, argv: list[str], shown: str) -> None:
    """Nothing else is printed, no other checkout's script is run, no other package is imported."""
    other = tmp_path / "other"
    for name in ("deployment", "services", "scripts"):
        (other / name / "deploy").mkdir(parents=True)
        (other / name / "__init__.py").write_text("raise SystemExit('another package')\n")
    for name in ("setup", "verb", "shell"):
        script = other / "scripts" / f"{name}.sh"
        script.write_text("#!/bin/sh\necho another checkout\n")
        script.chmod(0o755)
    held: dict[str, Any] = {**HELD, "CDPATH": str(other), "PYTHONPATH": str(other)}
    done = run(*argv, **held)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(shown)


def test_packages_are_installed_into_the_checkouts_own_environment() -> None:
    """Settings of pip and uv in the caller's shell have no effect."""
    names = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV")
    held: dict[str, Any] = dict.fromkeys(names, "elsewhere")
    done = run("sh", "-c", ". scripts/shell.sh; env", **held)
    assert "=elsewhere" not in done.stdout
    assert "PATH=" in done.stdout


@pytest.mark.parametrize(
    "words", [["--help"], ["deploy", "nowhere", "--json"], ["env", "dev"]], ids=lambda words: words[0]
)
def test_output_that_is_full(checkout: Path, words: list[str]) -> None:
    """The error goes to standard error, and nothing is said twice."""
    shutil.copytree(ROOT / "deployment", checkout / "deployment", ignore=shutil.ignore_patterns("*.pyc"))
    (checkout / ".env.dev").unlink()
    with Path("/dev/full").open("w") as full:
        done = run(*PROGRAM, *words, cwd=checkout, stdout=full)
    expected = "no such environment" if "--json" in words else "this machine cannot go on: No space"
    assert done.returncode == REFUSED
    assert done.stderr.startswith(f"error: {expected}")
    assert done.stderr.count("\n") == 3


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_stream(closed: str) -> None:
    """A closed stream counts as the null device."""
    script = f'exec "$0" -m deployment remove live {closed}'
    done = run("sh", "-c", script, sys.executable, NODE="local")
    assert done.returncode == REFUSED
    assert "Traceback" not in done.stderr
    assert ("live was not removed: it was not confirmed" in done.stderr) == ("2>&-" not in closed)


def test_output_that_holds_no_such_letter() -> None:
    """A character that the locale does not have is escaped."""
    code = "from deployment.ui import streams; streams.prepare(); print('1 s \u00b7 exit 0')"
    assert run(sys.executable, "-c", code, PYTHONIOENCODING="ascii").stdout == "1 s \\xb7 exit 0\n"


@pytest.mark.parametrize(
    ("room", "words", "said"),
    [
        ("0", ["plan", "dev"], "No usable temporary directory found"),
        ("0", ["plan", "dev", "--json"], "No usable temporary directory found"),
        ("1000", ["plan", "dev"], "exit code -25 from: git"),
        ("0", ["env", "live"], ".env.live cannot be written: File too large"),
    ],
)
def test_disk_that_is_full(checkout: Path, room: str, words: list[str], said: str) -> None:
    """A file that cannot be written is named; what was begun of one is gone."""
    shutil.copytree(ROOT / "deployment", checkout / "deployment", ignore=shutil.ignore_patterns("*.pyc"))
    done = run(sys.executable, "-c", FULL, room, *PROGRAM, *words, cwd=checkout, NODE="local")
    assert done.returncode == REFUSED
    assert "Traceback" not in done.stdout + done.stderr
    assert said in (json.loads(done.stdout)["message"] if "--json" in words else done.stderr)
    assert not (checkout / ".env.live").exists()


def _directory(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _circle(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [_directory, _pipe, _device, _circle])
def test_configuration_that_cannot_be_read(checkout: Path, make: Any) -> None:
    """A directory, a pipe and a link in a circle are refused."""
    (checkout / ".env.dev").unlink()
    make(checkout / ".env.dev")
    code = source.read(checkout, "dev")
    with pytest.raises(DeployError, match=r"\.env\.dev cannot be read: .") as refused:
        configuration.read(checkout, "dev", code, checkout / ".cache")
    assert refused.value.hint.startswith("ls -ld ")


def test_cache_that_is_no_directory(checkout: Path) -> None:
    """The deploy works without a cache."""
    (checkout / ".cache").write_text("")
    code = source.read(checkout, "dev")
    assert configuration.read(checkout, "dev", code, checkout / ".cache").facts["api_port"] == 8000


def test_no_ssh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its package is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Lost, match="ssh is not installed here") as lost:
        connection.Connection(arguments.read(["status"], {}))
    assert lost.value.hint == "apt-get install openssh-client"


class Node:
    """A node that restarts an environment; each of its lines is one of the conversation's."""

    def __init__(self) -> None:
        failed = {"event": "failed", "title": "x", "details": []}
        self.messages = [node.HELLO, node.BEGUN, node.entry(**failed)]

    def hear(self, *expected: Any) -> Any:
        return parse("node1", json.dumps(self.messages.pop(0)).encode(), expected)

    def say(self, **_: object) -> None:
        """Send nothing: the script of lines is fixed."""


class FullOutput(Plain):
    """Takes what comes before the transaction."""

    def warn(self, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_output_that_fills_up_in_the_middle_of_a_change() -> None:
    """The node goes on, and that is what is said: nothing would be true of an exit code 2."""
    request = arguments.read(["restart", "dev"], {})
    with pytest.raises(DeployError, match="this machine cannot go on: No space") as lost:
        change.change(request, FullOutput(), cast(Connection, Node()))
    assert lost.value.code == INTERRUPTED
    assert "the node finishes it" in lost.value.hint
