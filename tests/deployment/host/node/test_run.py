"""A command on the node ends in an answer or in a message, never in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployment.host.node import facts, sockets
from deployment.host.node.run import OUTPUT, TimedOut, run
from deployment.host.values.errors import Refused, StepFailed


def test_user_that_was_deleted_is_told() -> None:
    """Whatever was to be run as that user: who it is, and what brings it back."""
    with pytest.raises(StepFailed, match="there is no user helionyx-of-nobody on the node") as failure:
        run(["true"], user="helionyx-of-nobody")
    assert "make deploy" in failure.value.hint


def test_program_that_may_not_be_started_is_told(tmp_path: Path) -> None:
    """As on a file system that is mounted noexec: no traceback, and the causes."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(StepFailed, match="cannot be started on the node: Permission denied") as failure:
        run([str(program)])
    assert "noexec" in failure.value.hint


def test_sudo_that_lets_nothing_be_started_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first word of the node, and with the rule that does."""
    monkeypatch.setattr(facts, "Path", lambda _: Path("/"))
    facts.facts()
    monkeypatch.setenv("LD_PRELOAD", "/usr/libexec/sudo/sudo_noexec.so")
    monkeypatch.setenv("SUDO_USER", "deploy")
    with pytest.raises(Refused, match="`Defaults noexec`") as refusal:
        facts.facts()
    assert refusal.value.hint.endswith("visudo: deploy ALL=(root) NOPASSWD: EXEC: /usr/bin/python3")


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::ffff:7f00:1", "127.0.0.1"),
        ("0:0:0:0:0:FFFF:0:0", "0.0.0.0"),
        ("::1", None),
        ("::", None),
        ("fe80::ffff:1", None),
        ("127.0.0.1", None),
    ],
)
def test_address_that_stands_for_another_is_known(host: str, plain: str | None) -> None:
    """In whatever form it is written: the service's configuration and the kernel differ in it."""
    assert sockets.as_ipv4(host) == plain


def test_program_that_is_not_there_is_told() -> None:
    """By its name."""
    with pytest.raises(StepFailed, match="no-such-program is not installed on the node"):
        run(["no-such-program"])


def test_output_has_a_limit_while_it_is_read() -> None:
    """A program that writes without end is killed, whichever of its pipes it floods."""
    for command in ("yes", "yes >&2"):
        with pytest.raises(StepFailed, match="more than 1 MB of output from: sh -c"):
            run(["sh", "-c", command])


def test_output_that_may_be_cut_is() -> None:
    """Of a journal the first megabyte is enough."""
    assert run(["yes"], cut=True) == "y\n" * (OUTPUT // 2)


def test_last_words_have_a_limit_too() -> None:
    """One line may be as long as all the output."""
    with pytest.raises(StepFailed) as failure:
        run(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 3"])
    assert [len(line) for line in failure.value.details] == [4000]


def test_command_that_does_not_end_is_killed_with_all_that_it_began() -> None:
    """It is told apart from one that fails."""
    begun = time.monotonic()
    for command in ("sleep 987", "sleep 987 & wait"):
        with pytest.raises(TimedOut, match=r"no end after 0\.1 s"):
            run(["sh", "-c", command], timeout=0.1)
    assert time.monotonic() - begun < 5


def test_process_that_a_command_leaves_behind_is_not_waited_for() -> None:
    """It holds the pipes open for as long as it likes."""
    begun = time.monotonic()
    assert run(["sh", "-c", "setsid sleep 3 & echo done"]) == "done\n"
    assert time.monotonic() - begun < 2


def test_input_longer_than_a_pipe_arrives() -> None:
    """And a command that reads none of it is no failure."""
    assert run(["wc", "-c"], input=b"x" * 1_000_000) == "1000000\n"
    assert run(["true"], input=b"x" * 1_000_000) == ""


def test_memory_has_a_limit_that_this_process_does_not_keep() -> None:
    """A program that reads what a service has written may take no more than that."""
    program = [sys.executable, "-c", "bytearray(500 << 20)"]
    with pytest.raises(StepFailed) as failure:
        run(program, memory=200 << 20)
    assert failure.value.details[-1] == "MemoryError"
    run(program)


@pytest.mark.parametrize(
    ("signal", "message"), [(19, "stopped by another process of its user: "), (9, "killed by SIGKILL: ")]
)
def test_signal_of_another_process_is_told_at_once(signal: int, message: str) -> None:
    """Whoever has the same user can send them: a command that is stopped is not waited for."""
    begun = time.monotonic()
    with pytest.raises(StepFailed, match=message) as failure:
        run(["sh", "-c", f"echo half; kill -{signal} $$; echo whole"])
    assert time.monotonic() - begun < 5
    assert not isinstance(failure.value, TimedOut)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_user_with_too_many_processes_is_told() -> None:
    """A fork in a loop takes all that the user may have: no traceback."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n"
        "from deployment.host.node.run import run\n"
        "from deployment.host.values.errors import StepFailed\n"
        "try: run(['true'], user='daemon')\n"
        "except StepFailed as error: print(error.message)\n"
    )
    with subprocess.Popen(["sleep", "60"], user="daemon") as one:
        try:
            argv = [sys.executable, "-c", program]
            done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
        finally:
            one.kill()
    assert done.stdout == "true cannot be started as daemon on the node: too many processes run.\n"
