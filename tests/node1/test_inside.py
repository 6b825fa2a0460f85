"""What a node is like from inside: a healthy Debian 12 that reaches the host and nothing else."""

import subprocess
from uuid import uuid4

import pytest

from node1 import Node

pytestmark = pytest.mark.e2e

# Connects to this host's own sshd; what is dropped on its way there hangs, hence the limit.
CONNECT = "import socket; socket.create_connection(('127.0.0.1', 22), timeout=1)"


def test_it_is_debian_12_with_systemd_running_and_no_failed_unit(standing: Node) -> None:
    state = standing.run(["systemctl", "is-system-running", "--wait"]).stdout.strip()
    assert state == "running", standing.run(["systemctl", "--failed"]).stdout
    assert "VERSION_CODENAME=bookworm" in standing.run(["cat", "/etc/os-release"]).stdout
    assert standing.run(["cat", "/proc/1/comm"]).stdout == "systemd\n"


def test_its_python_is_debians(standing: Node) -> None:
    code = "import sys; print(sys.executable, *sys.version_info[:2])"
    assert standing.run(["python3", "-c", code]).stdout == "/usr/bin/python3 3 11\n"


def test_it_has_a_name_and_a_machine_id_of_its_own(standing: Node) -> None:
    assert standing.run(["hostname"]).stdout.strip() == standing.name
    assert standing.run(["cat", "/etc/machine-id"]).stdout.strip() == standing.record.machine_id


def test_deploy_may_log_in_and_become_root_without_a_password(standing: Node) -> None:
    ssh = ["ssh", "-F", str(standing.ssh_config), f"{standing.name}-deploy", "id -un; sudo -n id -un"]
    done = subprocess.run(
        ssh, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
    )
    assert done.stdout == "deploy\nroot\n", done.stderr


def test_a_login_costs_little(standing: Node) -> None:
    """Whatever the client's own preference: the exchange of keys is most of what a login costs."""
    shown = ssh_options(standing)
    assert shown["kexalgorithms"].startswith("curve25519-sha256,")


def ssh_options(node: Node) -> dict[str, str]:
    """The options that ssh has for the node, its own among them."""
    done = subprocess.run(
        ["ssh", "-G", "-F", str(node.ssh_config), node.name],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def test_a_command_gets_its_words_and_its_input_unchanged(standing: Node) -> None:
    words = ["a b", "$HOME", "'", "*", ""]
    assert standing.run(["printf", "%s|", *words]).stdout == "".join(f"{word}|" for word in words)
    assert standing.run(["cat"], input="one\ntwo").stdout == "one\ntwo"
    assert standing.run(["sh", "-c", "echo no >&2; exit 9"]).returncode == 9


def test_it_is_offline(standing: Node) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    assert "Network is unreachable" in standing.run(["python3", "-c", code]).stderr
    assert "default" not in standing.run(["ip", "route"]).stdout
    assert standing.run(["getent", "hosts", "deb.debian.org"], timeout=10).returncode == 2


def test_an_address_that_is_denied_is_not_reached(standing: Node) -> None:
    unit = ["systemd-run", "--wait", "--pipe", "--quiet", "--collect"]
    assert standing.run([*unit, "python3", "-c", CONNECT]).returncode == 0
    assert standing.run([*unit, "-p", "IPAddressDeny=any", "python3", "-c", CONNECT]).returncode != 0


def test_a_credential_reaches_its_unit(standing: Node) -> None:
    standing.run(["sh", "-c", "umask 077; cat > /root/token"], input="s3cret")
    unit = [
        "systemd-run",
        "--wait",
        "--pipe",
        "--quiet",
        "--collect",
        "-p",
        "DynamicUser=yes",
        "-p",
        "LoadCredential=token:/root/token",
    ]
    done = standing.run([*unit, "sh", "-c", "cat /root/token; cat $CREDENTIALS_DIRECTORY/token"])
    assert done.stdout == "s3cret"
    assert "Permission denied" in done.stderr


def test_a_log_namespace_keeps_its_own_journal(standing: Node) -> None:
    mark = uuid4().hex
    standing.run(["systemd-run", "--wait", "--quiet", "--collect", "-p", "LogNamespace=own", "echo", mark])
    standing.run(["journalctl", "--namespace=own", "--sync"])
    assert mark in standing.run(["journalctl", "--namespace=own", "--output=cat"]).stdout
    assert standing.run(["test", "-d", f"/var/log/journal/{standing.record.machine_id}.own"]).returncode == 0
    assert mark not in standing.run(["journalctl", "--output=cat", "--identifier=echo"]).stdout
