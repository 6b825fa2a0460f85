"""A node that is played from a file: one conversation, read by a verb in this process."""

from __future__ import annotations

import functools
import io
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployment import __main__ as client
from deployment.build.source import Source
from deployment.remote import program
from deployment.remote.login import Login
from deployment.settings import ROOT
from tests.deployment.hostile_node import lines


class Player:
    """Stands for ssh: its output is a file with a conversation, and its input goes nowhere."""

    script = ""

    def __init__(self, *_: object, **__: object) -> None:
        self.stdin = io.FileIO(os.devnull, "wb")
        self.stdout = io.FileIO(self.script)
        self.stderr = io.FileIO(os.devnull)

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002  as of a process
        return 0

    def terminate(self) -> None:
        """It does not run."""

    kill = terminate


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run a verb against a conversation, in this process: its exit code and its output."""
    script = tmp_path / "conversation"
    monkeypatch.setattr(Player, "script", str(script))
    ours = SimpleNamespace(Popen=Player, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr("deployment.remote.connection.subprocess", ours)
    monkeypatch.setattr(program, "modules", functools.cache(program.modules))
    monkeypatch.setattr("deployment.verbs.change.RECONNECTS", 1)
    monkeypatch.setattr("deployment.verbs.change.time", SimpleNamespace(monotonic=time.monotonic, sleep=id))
    for module in ("change", "backup", "cancel"):
        monkeypatch.setattr(f"deployment.verbs.{module}.actor", lambda _: {"name": "Ada"})
    monkeypatch.setattr("deployment.verbs.doctor.log_in", lambda *_: Login("ada"))
    monkeypatch.setattr("deployment.verbs.doctor._here", lambda *_: ([], []))
    files = {"pyproject.toml": ((ROOT / "pyproject.toml").read_bytes(), False)}
    monkeypatch.setattr("deployment.verbs.checkout.code", lambda _: Source("", "", True, files))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TO", str(tmp_path / "copy.db"))

    def run(verb: str, messages: list[Any], *more: str) -> tuple[int, str, str]:
        script.write_bytes(lines(messages))
        code = client.main([*verb.split(), *more])
        (tmp_path / "copy.db").unlink(missing_ok=True)
        out, err = capfd.readouterr()
        return code, out, err

    yield run
    assert {path.name for path in tmp_path.iterdir()} == {"here", "conversation"}
    assert not list((tmp_path / "here").iterdir())
    assert not (ROOT / "created").exists()
