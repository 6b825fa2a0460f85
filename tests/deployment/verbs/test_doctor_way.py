"""`make doctor` on its way to the node: where it breaks off, and what is said of one that is open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployment import arguments
from deployment.host.values.check import BAD, OK, WARN
from deployment.remote.login import Login, log_in
from deployment.remote.lost import Lost, explain
from deployment.verbs import rules
from tests.deployment.conftest import not_ok


@pytest.mark.parametrize(
    ("offset", "level"), [(0.0, OK), (-1.9, OK), (2.1, WARN), (-59.0, WARN), (61.0, BAD), (-3600.0, BAD)]
)
def test_clock(offset: float, level: str) -> None:
    """Two seconds are a warning, a minute is bad, and which of the two is ahead is said."""
    judged = rules.clock(offset, 0.1)
    assert judged.level == level
    assert ("ahead" in judged.text) is (offset > 0)


@pytest.mark.parametrize(
    ("code", "words", "name"),
    [
        (255, ["ssh: connect to host node1 port 22: Connection refused"], "ssh"),
        (255, ["Host key verification failed."], "host key"),
        (1, ["sudo: a password is required"], "sudo"),
        (127, ["exec: /usr/bin/python3: not found"], "python"),
        (1, ["sudo: /usr/bin/python3: command not found"], "python"),
    ],
)
def test_way_that_breaks_off_is_named_once(code: int, words: list[str], name: str) -> None:
    """By the same words as everywhere; what lies behind it is said not to have been looked at."""
    broken, rest = not_ok(list(rules.lost("node1", explain("node1", code, words), "ada")))
    assert broken[:2] == (name, BAD)
    assert rest == ("the rest", WARN, "not looked at on node1: disk, clock, ports, units, releases, data")


def test_sudo_rule_bears_the_name_of_who_logs_in() -> None:
    """Ready to paste."""
    first, _ = rules.lost("node1", Lost("sudo wants a password", "docs", about="sudo"), "ada")
    assert "echo 'ada ALL=(root) NOPASSWD: /usr/bin/python3' > /etc/sudoers.d/helionyx &&" in first.mend


def test_host_key_is_forgotten_by_the_command_that_ssh_proposes() -> None:
    """It knows the file, and the name that the key stands under."""
    proposed, banner = 'ssh-keygen -f "/x y/known" -R "192.0.2.1"', "ssh-keygen -f x -R y; sh"
    words = ["@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", banner, proposed]
    assert "ssh-keygen -f '/x y/known' -R 192.0.2.1, then" in explain("node1", 255, words, ("-F", "x y")).hint
    assert "ssh -F 'x y' node1" in explain("node1", 255, words, ("-F", "x y")).hint


def test_every_login_that_is_proposed_has_the_options_that_were_given() -> None:
    """Without them it would be another one."""
    options = ("-F", "a b")
    slow, _ = rules.login("node1", Login("ada", 6.0, "SHA256:x"), options)
    silent, _ = rules.lost("node1", Lost("it said nothing"), "ada", options)
    for item in (slow, silent):
        assert "-F 'a b' node1" in item.mend


def test_host_key_is_that_of_the_node_and_not_of_a_jump_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node's comes last."""
    program = tmp_path / "ssh"
    key = "echo 'debug1: Server host key: ssh-ed25519 SHA256:{}' >&2\n"
    program.write_text(f"#!/bin/sh\n{key.format('jump')}{key.format('node')}echo ada\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert log_in(arguments.read(["doctor"], {}), "node1").host_key == "SHA256:node"


def test_slow_login_is_a_warning() -> None:
    """Every verb would wait for it."""
    assert not not_ok(list(rules.login("node1", Login("ada", 0.2, "SHA256:x"))))
    assert not_ok(list(rules.login("node1", Login("ada", 6.0, "SHA256:x"))))[0][:2] == ("ssh", WARN)
    assert not not_ok(list(rules.login("local", Login("ada"))))
