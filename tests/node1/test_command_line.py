"""The command line, on machines that can and that cannot boot a node."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from node1 import Node, host
from node1.__main__ import main
from node1.choice import obstacle_of_container
from node1.record import Record

ROOT = Path(__file__).parents[2]


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does."""
    argv = [sys.executable, "-m", "node1", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


def test_where_nothing_boots_it_says_why_and_what_to_do_instead(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Before anything is built or written."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["up", "--dir", str(tmp_path / "node")]) == 2
    message, hint = capsys.readouterr().err.splitlines()
    assert message.startswith(
        "error: node1 cannot boot here: no container: it needs Linux, and this is darwin;"
    )
    assert hint.startswith("hint: make run serves on this machine; NODE=my-host")
    assert not (tmp_path / "node").exists()


@pytest.mark.parametrize("command", ["down", "reboot", "power-cut"])
def test_container_of_root_is_refused_to_anybody_else(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is left as it is."""
    Record("node1", tmp_path, "10.213.0.2", "0" * 32, "base", tmp_path / "disk").save()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main([command, "--dir", str(tmp_path)]) == 2
    assert "no container can boot here: it needs root, and this is user 1000" in capsys.readouterr().err
    assert (tmp_path / "node.json").exists()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("node1.cgroup.mount_points", list, "no cgroup2 is mounted"),
        ("node1.host._kernel", lambda: (5, 10), "it needs Linux 5.14 for cgroup.kill, and this is 5.10"),
        ("node1.host._kernel_has", lambda _filesystem: False, "this kernel has no overlay filesystem"),
        ("node1.host._capabilities", lambda: 0, "root is without CAP_SYS_CHROOT"),
    ],
)
def test_facts_are_observed(name: str, value: object, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them decides."""
    for observed, here in (("_capabilities", -1), ("_kernel", (6, 1)), ("_namespaces", "")):
        monkeypatch.setattr(host, observed, lambda here=here: here)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "_kernel_has", lambda _filesystem: True)
    monkeypatch.setattr("node1.cgroup.mount_points", lambda: [Path("/tmp")])  # noqa: S108
    assert obstacle_of_container(host.observe()) == ""
    monkeypatch.setattr(name, value)
    assert obstacle_of_container(host.observe()).startswith(expected)


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
