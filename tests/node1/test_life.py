"""Booting, ending and booting again, in good order and after every kind of kill."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from node1 import Node, Node1Error, keys, registry
from node1.cgroup import KEEPER, MACHINE
from node1.record import Record
from node1.run import run

pytestmark = pytest.mark.e2e

MACHINE_ITSELF = f"{MACHINE}/supervisor"  # where systemd-nspawn is


def write(node: Node, text: str) -> None:
    done = node.run(["sh", "-c", "cat > /var/lib/kept && sync"], input=text)
    assert done.returncode == 0, done.stderr


def read(node: Node) -> str:
    return node.run(["cat", "/var/lib/kept"]).stdout


def processes(node: Node) -> list[int]:
    """Every process of the node, as the host sees it. A group that ends meanwhile has none."""
    found: list[int] = []
    for place, _, _ in os.walk(node.record.cgroup.path):  # which passes over what is no longer there
        with contextlib.suppress(OSError):
            found += [int(line) for line in (Path(place) / "cgroup.procs").read_text().split()]
    return found


def in_namespace(namespace: str) -> list[str]:
    """The processes in that network namespace."""
    return [str(process) for process in Path("/proc").glob("[0-9]*") if namespace_of(process) == namespace]


def namespace_of(process: Path) -> str:
    try:
        return str((process / "ns/net").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # gone, or not for anybody's eyes
        return ""


def test_a_second_boot_finds_the_node_running(node: Node) -> None:
    said: list[str] = []
    assert Node.boot(node.name, node.directory, progress=said.append) == node
    assert node.record.boots == 1
    assert said == []


def test_the_wait_for_sshd_leaves_no_error_in_the_journal(node: Node) -> None:
    assert "kex_exchange_identification" not in node.run(["journalctl", "--unit=ssh"]).stdout


def test_two_nodes_run_at_once(node: Node, tmp_path: Path) -> None:
    with Node.boot("other", tmp_path / "other") as other:
        assert other.address != node.address
        assert [each.run(["hostname"]).stdout for each in (node, other)] == ["own\n", "other\n"]
    assert node.run(["hostname"]).stdout == "own\n"


def test_the_address_of_a_stopped_node_stays_its_own(node: Node, tmp_path: Path) -> None:
    node.stop()
    with Node.boot("other", tmp_path / "other") as other:
        assert other.address != node.address
    assert Node.boot(node.name, node.directory).address == node.address


def test_two_boots_of_one_node_at_once_make_one_node(tmp_path: Path) -> None:
    code = "import pathlib, sys; from node1 import Node; Node.boot('one', pathlib.Path(sys.argv[1]))"
    up = [sys.executable, "-c", code, str(tmp_path / "one")]
    both = [subprocess.Popen(up, cwd=Path(__file__).parents[2]) for _ in range(2)]
    assert [each.wait(100) for each in both] == [0, 0]
    with Node.load(tmp_path / "one") as node:
        assert node.record.boots == 1


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(Node1Error, match="holds something else: letter"):
        Node.boot("own", tmp_path)
    assert (tmp_path / "letter").read_text() == "dear"


def test_a_node_does_not_answer_to_another_name(node: Node) -> None:
    with pytest.raises(Node1Error, match="is the directory of own, not of other"):
        Node.boot("other", node.directory)


def test_a_reboot_keeps_files_and_keys(node: Node) -> None:
    write(node, "before")
    boot = node.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout
    node.reboot()
    assert read(node) == "before"
    assert node.run(["cat", "/proc/sys/kernel/random/boot_id"]).stdout != boot
    assert node.record.boots == 2
    assert node.run(["systemctl", "is-system-running", "--wait"]).stdout == "running\n"


def test_a_reboot_that_the_node_asks_for_itself_brings_it_back(node: Node) -> None:
    subprocess.run([*node.ssh_command(), "reboot"], timeout=30, check=False, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while node.record.boots < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert Node.boot(node.name, node.directory).run(["true"]).returncode == 0
    assert node.record.boots == 2


def test_a_power_cut_keeps_synced_files_and_keys(node: Node) -> None:
    write(node, "before")
    known = (node.directory / "known_hosts").read_text()
    lives = processes(node)
    node.power_cut()
    assert not set(lives) & set(processes(node))
    assert read(node) == "before"
    assert (node.directory / "known_hosts").read_text() == known


def test_a_stopped_node_boots_again_with_its_files(node: Node) -> None:
    write(node, "before")
    node.stop()
    assert not node.running
    assert "Halting system" in node.record.console.read_text()
    assert Node.boot(node.name, node.directory) == node
    assert read(node) == "before"


@pytest.mark.parametrize("victim", [KEEPER, MACHINE_ITSELF])
def test_after_a_kill_it_boots_again_with_its_files(node: Node, victim: str) -> None:
    write(node, "before")
    lives = processes(node)
    killed = node.record.cgroup.processes(victim)
    assert len(killed) == 1
    os.kill(killed[0], signal.SIGKILL)
    again = Node.boot(node.name, node.directory)
    assert again == node
    assert read(again) == "before"
    assert node.record.boots == 2
    assert not set(lives) & set(processes(node))


def test_a_half_removed_node_gives_way_to_a_new_one(node: Node) -> None:
    write(node, "before")
    node.stop()
    (node.directory / "node.json").unlink()
    again = Node.boot(node.name, node.directory)
    assert again.record.machine_id != node.record.machine_id
    assert again.run(["cat", "/etc/machine-id"]).stdout.strip() == again.record.machine_id
    assert read(again) == ""


def test_commands_share_a_login(node: Node) -> None:
    logins = ["journalctl", "--unit=ssh", "--grep=Accepted publickey", "--output=cat"]
    for _ in range(2):
        assert len(node.run(logins).stdout.splitlines()) == 1
    node.reboot()
    assert len(node.run([*logins, "--boot"]).stdout.splitlines()) == 1


def test_the_end_of_a_node_leaves_nothing_behind(node: Node) -> None:
    write(node, "before")
    lives = processes(node)
    namespace = namespace_of(Path("/proc", str(lives[0])))
    assert in_namespace(namespace)
    assert str(node.directory) not in Path("/proc/self/mountinfo").read_text()
    node.destroy()
    assert not node.directory.exists()
    assert not node.record.cgroup.path.exists()
    assert in_namespace(namespace) == []
    assert run(["ip", "link", "show", node.record.link], check=False).returncode != 0
    assert node.record.link not in run(["ip", "route", "show", "table", "all"]).stdout
    assert not any(str(node.directory) in file.read_text(errors="replace") for file in command_lines())
    node.destroy()
    with pytest.raises(Node1Error, match="there is no node in"):
        node.power_cut()
    assert not node.directory.exists()


def command_lines() -> Iterator[Path]:
    return (file for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists())


def test_a_node_whose_directory_was_removed_is_ended_by_the_next_boot(node: Node, tmp_path: Path) -> None:
    shutil.rmtree(node.directory)
    with Node.boot("next", tmp_path / "next"):
        assert not node.record.cgroup.path.exists()


def test_where_the_filesystem_refuses_the_disk_goes_elsewhere(tmp_path: Path) -> None:
    layers = [tmp_path / name for name in ("lower", "upper", "work", "merged")]
    for layer in layers:
        layer.mkdir()
    options = f"lowerdir={layers[0]},upperdir={layers[1]},workdir={layers[2]}"
    run(["mount", "-t", "overlay", "overlay", "-o", options, layers[3]])
    try:
        with Node.boot("nested", layers[3] / "nested") as node:
            assert not node.record.disk.is_relative_to(node.directory)
            write(node, "before")
            node.power_cut()
            assert read(node) == "before"
        assert not node.record.disk.exists()
    finally:
        run(["umount", layers[3]])


def test_under_sudo_the_keys_are_the_callers(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65534")
    keys.make(node.record)
    key = node.directory / keys.CLIENT_KEY
    assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (65534, 0o600)


def test_boot_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process, no disk, no record: Ctrl-C has taken all of it back."""
    started: list[Record] = []

    def interrupt(node: Node, *_: object) -> None:
        started.append(node.record)
        assert node.running
        raise KeyboardInterrupt

    monkeypatch.setattr(Node, "_await_boot", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Node.boot("stopped", tmp_path / "stopped")
    assert not started[0].cgroup.path.exists()
    assert not (tmp_path / "stopped").exists()
    assert started[0].name not in {record.name for record in registry.records()}
