"""The chapters of docs/OPERATIONS.md that change nodes: another server, another disk, and the end."""

from __future__ import annotations

import re

import pytest

from tests.documents import block

from .operator import Operator
from .states import States

DOCUMENT = "OPERATIONS.md"
MOVED = "cp -a /var/lib/helionyx/live /mnt/big/helionyx-live"
LEFT = "systemctl stop helionyx.slice 'systemd-journald@helionyx*'"
# What systemd, logind, apt and sshd write for themselves; and what was there under other times.
IGNORED = r"/(proc|sys|dev|tmp|run)(/|$)|/var/(log|cache|tmp)(/|$)|/var/lib/(systemd|private)(/|$)|/root(/|$)"


def test_environment_moves_to_a_new_server(
    dev: Operator, states: States, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With every event; what was removed on the old one is still in its audit."""
    dev.tell("dev", ["said on the old server"])
    length = dev.log("dev")["length"]
    directory, state = tmp_path_factory.mktemp("second"), str(dev.root)
    with states.boot("e2e-second", directory / "node") as node:
        other = Operator(dev.root, node)
        steps = [line.split(" #")[0].split() for line in block(DOCUMENT, "make stop ENV=live").splitlines()]
        assert [words[1] for words in steps] == ["stop", "backup", "deploy", "restore", "status"]
        for _, verb, *words in steps:
            given = dict(word.split("=", 1) for word in words)
            where = other if given.pop("NODE", "") else dev
            if verb == "restore":
                (backup,) = (dev.root / "backups").iterdir()
                given |= {"CONFIRM": "dev", "BACKUP": str(backup)}
            name = given.pop("ENV").replace("live", "dev")
            done = where.script(verb, name, **given)
            assert done.returncode == 0, f"{verb}: {done.stdout}{done.stderr}"
        assert b"said on the old server" in other.events("dev")
        assert other.log("dev")["length"] > length
        assert other.script("verify", "dev", XDG_STATE_HOME=state).returncode == 0
        assert dev.change("remove", "dev", DATA="delete", CONFIRM="dev")["outcome"] == "done"
        assert dev.script("verify", "dev", XDG_STATE_HOME=str(dev.root)).returncode == 0
        other.tell("dev", ["said on the new server"])


@pytest.mark.faults
def test_data_moves_to_another_disk(dev: Operator) -> None:
    """A link of root's is followed, by the next deploy too."""
    dev.tell("dev", ["said on the old disk"])
    dev.on_node("sh", "-c", "mkdir -p /mnt/big && mount -t tmpfs -o mode=755 big /mnt/big")
    dev.change("stop", "dev")
    dev.on_node("sh", "-ec", block(DOCUMENT, MOVED).replace("live", "dev"))
    dev.change("start", "dev")
    assert dev.script("verify", "dev", XDG_STATE_HOME=str(dev.root)).returncode == 0
    assert b"said on the old disk" in dev.events("dev")
    dev.on_node("sh", "-ec", block(DOCUMENT, "rm -r /var/lib/helionyx-live.before").replace("live", "dev"))
    dev.commit("services/changed.py", "MOVED = 1\n")
    assert dev.deploy("dev")["outcome"] == "done"
    assert dev.on_node("readlink", "/var/lib/helionyx/dev").strip() == "/mnt/big/helionyx-dev"
    dev.tell("dev", ["said on the new disk"])


def test_nothing_is_left_after_the_end(bare: Operator) -> None:
    """No file, user, unit or process that was not there before the first deploy."""
    before = _all(bare)
    bare.deploy("dev")
    bare.tell("dev", ["a word"])
    assert bare.change("remove", "dev", DATA="delete", CONFIRM="dev")["outcome"] == "done"
    # The node's own user `deploy` was there before; the login of this test is root's.
    commands = block(DOCUMENT, LEFT).replace("userdel --remove deploy\n", "")
    bare.on_node("sh", "-ec", commands)
    assert sorted(_all(bare) ^ before) == []
    assert "helionyx" not in bare.on_node(
        "sh", "-c", "systemctl list-units --all; cat /etc/passwd /etc/group"
    )


def _all(operator: Operator) -> set[str]:
    """The names of all files on the node, but for those that its system writes as it likes."""
    names = operator.on_node("find", "/", "-xdev", "-print").splitlines()
    return {name for name in names if not re.match(IGNORED, name) or "helionyx" in name}
