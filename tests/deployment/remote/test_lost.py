"""A connection that ends is explained by who has ended it: by the exit code, not by a word anywhere."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from deployment import arguments
from deployment.remote import connection, program
from deployment.remote.connection import Connection
from deployment.remote.lost import Lost, explain

BANNER = [
    "Authorized use only: no sudo, a terminal is required, a password is required",
    "Warning: Permanently added 'node1' (ED25519) to the list of known hosts.",
    "sudo: unable to resolve host node1: Name or service not known",
    "bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)",
]


@pytest.mark.parametrize(
    ("code", "words", "message", "about"),
    [
        (255, ["ada@node1: Permission denied (publickey)."], "node1 cannot be reached by ssh: ada@", "ssh"),
        (255, ["ssh: connect to host node1 port 22: Connection refused"], "node1 cannot be reached", "ssh"),
        (255, ["Can't open user config file x: No such file or directory"], "ssh: Can't open", "ssh"),
        (
            255,
            ["@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"],
            "the host key of node1 has",
            "host key",
        ),
        (255, ["Host key verification failed."], "the host key of node1 is not known", "host key"),
        (1, ["sudo: a password is required"], "sudo on node1 wants a password", "sudo"),
        (1, ["sudo: sorry, you must have a tty to run sudo"], "sudo on node1 wants a terminal", "tty"),
        (1, ["ada is not in the sudoers file."], "sudo on node1 refuses: ada is not", "sudo"),
        (1, ["Sorry, user ada is not allowed to execute 'x' as root"], "sudo on node1 refuses", "sudo"),
        (1, ["sudo: /usr/bin/python3: command not found"], "node1 lacks /usr/bin/python3", "python"),
        (127, ["sh: 1: exec: /usr/bin/python3: not found"], "node1 lacks /usr/bin/python3", "python"),
        (1, ["Traceback (most recent call last):", "ValueError: x"], "the program on node1 ended", "program"),
        (1, ["journalctl: Failed to parse timestamp: x"], "journalctl on node1: Failed to parse", "program"),
        (0, [], "the program on node1 ended (exit code 0)", "program"),
    ],
)
@pytest.mark.parametrize("banner", [[], BANNER])
def test_end_of_a_connection(
    code: int, words: list[str], message: str, about: str, banner: list[str]
) -> None:
    """The reason is found behind any other lines on stderr."""
    error = explain("node1", code, [*banner, *words])
    assert error.message.startswith(message)
    assert error.about == about
    assert error.hint or error.details == (*banner, *words)


def test_a_local_program_has_no_ssh() -> None:
    """Its exit code 255 is its own."""
    assert explain("local", 255, ["x"]).message == "the program on local ended (exit code 255)."


def test_every_shell_reads_the_command_line_alike() -> None:
    """Words, and single quotes around what no shell reads anything into; none is too long for csh."""
    line = connection.arguments(arguments.read(["status"], {}), "node1", "0" * 64)[-1]
    assert not set(line) & set("\n\r\t\\!^`")
    assert max(map(len, shlex.split(line))) < 1000
    assert all("'" not in word for word in shlex.split(line))


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "zsh", "fish", "ksh", "tcsh", "bsd-csh"])
def test_login_shell(shell: str, tmp_path: Path) -> None:
    """The bootstrap runs, and says its first word."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    fake = tmp_path / "id"  # by root's number it takes no sudo
    fake.write_text("#!/bin/sh\necho 0\n")
    fake.chmod(0o755)
    line = shlex.join(program.command("0" * 64))
    path = f"{tmp_path}:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(tmp_path)}
    done = subprocess.run(
        [shell, "-c", line], input=b"", env=environ, capture_output=True, timeout=30, check=False
    )
    assert done.stdout.startswith(b'{"type": "program"'), done.stderr


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that a test writes and that runs in place of ssh."""
    script = tmp_path / "ssh"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return script


def first_word(script: Path, said: str) -> Lost:
    """The error for a node whose login runs this script."""
    script.write_text(f"#!/bin/sh\n{said}\n")
    script.chmod(0o755)
    with Connection(arguments.read(["status"], {})) as opened, pytest.raises(Lost) as lost:
        opened.hear()
    return lost.value


@pytest.mark.parametrize(
    "said",
    [
        "echo 42",
        "echo '{}'",
        "echo null",
        """echo '["type"]'""",
        """echo '{"type": 1}'""",
        """echo '{"type": "welcome"}'""",
        "echo",
        "echo Welcome",
        "printf '\\377\\n'",
        "printf '%0100000d' 0; exec sleep 30",
        "printf '%050000d\\n' 0 | tr 0 [",
    ],
)
def test_noise_of_a_login_is_named(node: Path, said: str) -> None:
    """Also where it is JSON, or without an end."""
    error = first_word(node, said)
    assert "printed unexpected output" in error.message
    assert "start-up file" in error.hint


def test_account_without_a_login_shell(node: Path) -> None:
    """The word of `nologin` is no noise of a start-up file."""
    error = first_word(node, "echo 'This account is currently not available.'; exit 1")
    assert "lets nobody in: This account is currently" in error.message
    assert "usermod --shell" in error.hint


def test_login_that_eats_what_is_sent(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first word has a time limit of its own."""
    monkeypatch.setattr(connection, "FIRST", 0.2)
    error = first_word(node, "cat > /dev/null")
    assert error.message == "node1 has not answered within 0.2 s."
    assert "may read standard input" in error.hint


def test_login_that_ends(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word and without a failure; one that closes its output and goes on is ended."""
    monkeypatch.setattr(connection, "ENDING", 0.2)
    assert "may end it" in first_word(node, "exit 0").hint
    assert "may end it" in first_word(node, "exit 3").hint
    assert "exit code -15" in first_word(node, "exec sleep 30 > /dev/null").message
