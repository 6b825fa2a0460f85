"""The help of each command, which a release shows without having any docstring."""

from __future__ import annotations

import subprocess
import sys

import pytest

from services.config import ROOT
from tests.services.instance import BYTECODE

COMMANDS = {
    "config": "check",
    "event_log": "head verify export import backup",
    "projections": "rebuild digest",
    "telegram": "whose",
    "cli": "say todos done stop tag untag due accept search stats status events",
}


def help_of(*words: str, options: tuple[str, ...] = ()) -> str:
    """What `--help` prints."""
    prefix = ("-X", f"pycache_prefix={BYTECODE}")
    argv = [sys.executable, *prefix, *options, "-m", *words, "--help"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


@pytest.mark.parametrize("module", COMMANDS)
def test_help_needs_no_docstring(module: str) -> None:
    """It is the same with and without them, and says what the command is for."""
    for words in ((), *((verb,) for verb in COMMANDS[module].split())):
        found = help_of(f"services.{module}", *words)
        assert found == help_of(f"services.{module}", *words, options=("-OO",))
        assert "None" not in found


@pytest.mark.parametrize("module", COMMANDS)
def test_help_says_what_a_command_is_for(module: str) -> None:
    """Between its usage and its verbs."""
    described = help_of(f"services.{module}").split("\n\n")[1]
    assert not described.startswith(("positional arguments", "options"))
