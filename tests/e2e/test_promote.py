"""What runs verified in one environment goes to another one of the same node, digest for digest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .operator import Operator, git

CHANGED = "services/changed.py"


def manifest(operator: Operator, environment: str) -> dict[str, Any]:
    """The manifest of the release that an environment has."""
    read: dict[str, Any] = json.loads(
        operator.on_node("cat", f"/opt/helionyx/{environment}/current/manifest.json")
    )
    return read


def code(release: dict[str, Any]) -> dict[str, str]:
    """The digests of the files that are the same in each environment."""
    return {
        path: digest for path, digest in release["files"].items() if path.startswith(("services/", "run"))
    }


def test_promotion_brings_the_very_code(two: Operator) -> None:
    """Whatever the checkout holds by now; with a configuration and units of its own, and without a build."""
    two.commit(CHANGED, "PROMOTED = 1\n", "To be promoted")
    deployed = two.deploy("dev")
    two.commit(CHANGED, "PROMOTED = 2\n", "Not to be promoted")
    (two.root / CHANGED).write_text("PROMOTED = 3\n")
    two.tell("staging", ["said before the promotion"])
    before = two.events("staging")
    done = two.script("promote", "staging", FROM="dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"code and dependencies are those of {deployed['release']} of dev" in done.stdout
    assert "build layer" not in done.stdout
    assert "upload layer" not in done.stdout
    source, promoted = manifest(two, "dev"), manifest(two, "staging")
    assert code(promoted) == code(source)
    assert promoted["files"][CHANGED] == source["files"][CHANGED]
    assert (promoted["layer"], promoted["commit"]) == (source["layer"], source["commit"])
    assert promoted["environment"] == "staging"
    assert two.health("staging")["release"] == promoted["id"]
    assert two.events("staging")[: len(before)] == before
    last = json.loads(two.script("history", "staging", "--json").stdout)["changes"][-1]
    assert last["promoted"] == {"environment": "dev", "release": deployed["release"]}
    assert f"from {deployed['release']} of dev" in two.script("history", "staging", "LINES=1").stdout
    again = two.change("promote", "staging", FROM="dev")
    assert again["outcome"] == "nothing"


@pytest.mark.faults
def test_promotion_is_refused(two: Operator) -> None:
    """For what is in no commit, was edited, does not run, or is not known here; nothing is touched."""
    before = two.health("staging")["release"]

    def refusal(**environ: str) -> str:
        refused = two.change("promote", "staging", code=2, FROM="dev", **environ)
        assert two.health("staging")["release"] == before
        return f"{refused['message']} {refused['hint']}"

    head = git(two.root, "rev-parse", "HEAD").strip()
    two.commit(CHANGED, "UNKNOWN = 1\n")
    release = two.deploy("dev")["release"]
    path = f"/opt/helionyx/dev/releases/{release}/{CHANGED}"
    two.on_node("sh", "-c", f"cp -a {path} /root/ && echo >> {path}")
    assert "was edited on the node" in refusal()
    two.on_node("mv", "/root/changed.py", path)
    two.change("stop", "dev")
    assert "does not run, or is not ready" in refusal()
    two.change("start", "dev")
    two.on_node("mv", f"/opt/helionyx/dev/verified/{release}", "/root/mark")
    assert "was not verified" in refusal()
    two.on_node("mv", "/root/mark", f"/opt/helionyx/dev/verified/{release}")
    two.edit("deployment/build/launcher.py", "import", "# Another launcher.\nimport")
    assert "run.py differs" in refusal()
    git(two.root, "reset", "--quiet", "--hard", head)
    git(two.root, "reflog", "expire", "--expire=now", "--all")
    git(two.root, "gc", "--quiet", "--prune=now")
    assert "is not in this repository. git fetch" in refusal()
    (two.root / CHANGED).write_text("DIRTY = 1\n")
    two.deploy("dev")
    assert "has changes that are not committed" in refusal()
