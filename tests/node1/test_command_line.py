"""The command line, on machines that can and that cannot boot a node."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from node1 import Node, host
from node1.__main__ import main

ROOT = Path(__file__).parents[2]


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does."""
    argv = [sys.executable, "-m", "node1", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("command", ["up", "down", "reboot", "power-cut"])
def test_without_root_it_says_what_to_do_instead(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main([command]) == 2
    said = capsys.readouterr().err
    assert "it needs root, and this is user 1000" in said
    assert "make deploy ENV=dev NODE=host" in said


def test_without_linux_it_says_what_to_do_instead(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["up"]) == 2
    assert "it needs Linux, and this is darwin" in capsys.readouterr().err


def test_without_cgroup2_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(host, "_kernel_has", lambda _filesystem: True)
    monkeypatch.setattr("node1.cgroup.mount_points", list)
    assert main(["up"]) == 2
    assert "no cgroup2 is mounted" in capsys.readouterr().err


def test_on_an_old_kernel_it_says_which_one_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "_kernel_has", lambda _filesystem: True)
    monkeypatch.setattr("node1.cgroup.mount_points", lambda: [tmp_path])
    monkeypatch.setattr(host, "_kernel", lambda: (5, 10))
    assert main(["up"]) == 2
    assert "it needs Linux 5.14 for cgroup.kill" in capsys.readouterr().err


def test_a_node_that_is_not_there_is_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ssh", "nobody", "--dir", str(tmp_path)]) == 1
    assert f"there is no node in {tmp_path}" in capsys.readouterr().err


@pytest.mark.e2e
def test_a_node_from_up_to_down(tmp_path: Path) -> None:
    where = ("given", "--dir", str(tmp_path / "given"))
    try:
        up = call("up", *where, "--json")
        assert up.returncode == 0, up.stderr
        facts = json.loads(up.stdout)
        assert facts["state"] == "running"
        assert facts in json.loads(call("list", "--json").stdout)
        assert call("ssh", *where, "--", "hostname; exit 7").stdout == "given\n"
        assert call("ssh", *where, "--", "exit 7").returncode == 7
        for command in ("reboot", "power-cut"):
            assert call(command, *where).returncode == 0
        assert call("down", *where, "--keep").returncode == 0
        assert facts | {"state": "stopped"} in json.loads(call("list", "--json").stdout)
    finally:
        assert call("down", *where).returncode == 0
    assert not (tmp_path / "given").exists()
    assert call("down", *where).returncode == 0


@pytest.mark.e2e
def test_it_boots_without_a_terminal_and_with_every_stream_closed(tmp_path: Path) -> None:
    directory = tmp_path / "bare"
    up = [sys.executable, "-m", "node1", "up", "bare", "--dir", str(directory)]
    closed = 'exec setsid --wait "$@" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", closed, "sh", *up], cwd=ROOT, timeout=100, check=False)
    assert done.returncode == 0
    with Node.load(directory) as node:
        assert node.run(["hostname"]).stdout == "bare\n"
