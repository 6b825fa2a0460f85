"""A node of version 0.3.0 in the hands of this one: every verb goes on with what it finds there."""

from __future__ import annotations

import tarfile
from pathlib import Path

from deployment.settings import ROOT

from .operator import Operator, git

EARLIER = Path(__file__).with_name("release_0_3_0.tar.xz")
"""The tree of version 0.3.0, as far as a deploy needs it."""


def test_a_node_of_0_3_0_is_taken_over(bare: Operator, tmp_path: Path) -> None:
    """Plan, deploy, rollback to its release, restore and remove; all that was said is there throughout."""
    operator = bare
    earlier = Operator(_earlier(tmp_path / "earlier", operator.root), operator.node)
    before = earlier.deploy_as_is("dev", "--json")
    assert before.returncode == 0, before.stdout + before.stderr
    release = operator.health("dev")["release"]
    operator.tell("dev", ["said to 0.3.0"])
    events = operator.events("dev")

    planned = operator.change("plan", "dev")
    assert "install-layer" in [step["verb"] for step in planned["steps_planned"]]
    assert operator.health("dev")["release"] == release
    assert operator.events("dev") == events

    new = operator.deploy("dev")
    assert (new["before"], new["after"] == release) == (release, False)
    assert operator.deploy("dev")["outcome"] == "nothing"
    group = operator.on_node("systemctl", "show", "-P", "ControlGroup", "helionyx-dev.service")
    assert group.strip() == "/helionyx.slice/helionyx-dev.service"
    assert "Helionyx dev (made by its deployment)" in operator.on_node("getent", "passwd", "helionyx-dev")
    assert operator.events("dev") == events

    assert operator.change("rollback", "dev")["after"] == release
    assert operator.health("dev")["release"] == release
    operator.tell("dev", ["said to 0.3.0 again"])
    backup = tmp_path / "dev.db"
    operator.change("backup", "dev", TO=str(backup))
    operator.tell("dev", ["said after the backup"])
    restored = operator.change("restore", "dev", BACKUP=str(backup))
    assert restored["newer"] == 1
    assert b"said after the backup" not in operator.events("dev")

    assert operator.deploy("dev")["after"] == new["after"]
    assert operator.events("dev").startswith(events)
    operator.change("remove", "dev")
    assert not operator.node.run(["getent", "passwd", "helionyx-dev"]).stdout
    assert operator.deploy("dev")["after"] == new["after"]
    assert operator.events("dev").startswith(events)


def _earlier(root: Path, configured: Path) -> Path:
    """A checkout of version 0.3.0 with the same configuration."""
    with tarfile.open(EARLIER) as archive:
        archive.extractall(root, filter="data")
    (root / ".venv").symlink_to(ROOT / ".venv")
    for path in configured.glob(".env.*"):
        (root / path.name).write_bytes(path.read_bytes())
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Version 0.3.0")
    return root
