"""The wrapper around every other program."""

import sys
import time

import pytest

from node1 import Node1Error
from node1.run import run


def test_a_failure_carries_the_command_the_exit_code_and_what_was_said() -> None:
    with pytest.raises(Node1Error, match=r"(?s)exit code 3: sh -c 'echo why >&2; exit 3'.*why"):
        run(["sh", "-c", "echo why >&2; exit 3"])


def test_an_overrun_ends_at_its_limit_even_if_a_grandchild_holds_the_pipes() -> None:
    started = time.monotonic()
    with pytest.raises(Node1Error, match=r"no end after 0\.2 s: sh -c 'sleep 4 & wait'"):
        run(["sh", "-c", "sleep 4 & wait"], timeout=0.2)
    assert time.monotonic() - started < 3


def test_a_missing_command_is_named() -> None:
    with pytest.raises(Node1Error, match="command not found: helionyx-no-such-command"):
        run(["helionyx-no-such-command"])


def test_stdin_is_closed_and_the_environment_is_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIONYX_SECRET", "1")
    code = "import os, sys; print(repr(sys.stdin.read()), 'HELIONYX_SECRET' in os.environ)"
    assert run([sys.executable, "-c", code]).stdout == "'' False\n"
