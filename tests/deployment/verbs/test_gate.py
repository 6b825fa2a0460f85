"""Live takes only what CI passed; whoever overrides that says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployment.build import ci_notes, source
from deployment.errors import DeployError
from deployment.own_node import OwnNode, save
from deployment.settings import Settings
from deployment.verbs.gate import Facts, check, judge
from tests.e2e.operator import git

NODES = {"dev": "node1", "staging": "node1", "live": "node1"}
NONE = Facts("live", problems=("no run of make ci is recorded for this tree",))


@pytest.mark.parametrize(
    ("facts", "passes", "text"),
    [
        (Facts("dev"), True, ""),
        (Facts("staging"), True, ""),
        (NONE, False, "gate: no proof that CI passed: no run of make ci is recorded for this tree"),
        (replace(NONE, setting="off"), True, "gate: off, by pyproject.toml"),
        (replace(NONE, is_own_node=True), True, "gate: none on the node of make try"),
        (replace(NONE, proof="make ci passed on Monday"), True, "gate: make ci passed on Monday"),
        (replace(NONE, override="CI is down"), True, "gate: no proof that CI passed; overridden: CI is down"),
        (replace(NONE, proof="make ci passed", override="in a hurry"), True, "gate: make ci passed"),
    ],
)
def test_first_rule_that_applies_decides(facts: Facts, passes: bool, text: str) -> None:
    """And is named, where there is a gate."""
    verdict = judge(facts)
    assert (verdict.passes, verdict.text) == (passes, text)


def test_setting_that_means_nothing_is_refused() -> None:
    """Also for dev: it would be found out too late."""
    with pytest.raises(DeployError, match=r"gate in pyproject\.toml is 'maybe'"):
        judge(Facts("dev", setting="maybe"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a commit that can be deployed."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "app.py").write_text("A = 1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'helionyx'\n")
    (tmp_path / "uv.lock").write_text("")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "config", "user.name", "Ada")
    git(tmp_path, "config", "user.email", "ada@example.invalid")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    return tmp_path


def checked(root: Path, environment: str = "live", **more: object) -> str:
    """The line about the gate for a deploy from this checkout."""
    settings = Settings("deploy", (environment,), True, NODES, root)
    code = source.read(root, environment)
    return check(replace(settings, **more), code, refuse=True).text  # type: ignore[arg-type]


def test_commit_passes_with_a_note_on_its_tree(checkout: Path) -> None:
    """Another commit with the same tree passes too, and another tree does not."""
    with pytest.raises(DeployError) as refusal:
        checked(checkout)
    assert "no run of make ci is recorded" in refusal.value.message
    assert "make ci" in refusal.value.hint
    assert "OVERRIDE=" in refusal.value.hint
    written = ci_notes.write(checkout, ci_notes.clean_head(checkout))
    assert checked(checkout) == f"gate: {written}"
    assert written.startswith("make ci passed on 20")
    assert ", by Ada, with Python 3." in written
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "The same tree")
    assert checked(checkout) == f"gate: {written}"
    (checkout / "services" / "app.py").write_text("A = 2\n")
    git(checkout, "commit", "--quiet", "--all", "--message", "Another tree")
    with pytest.raises(DeployError):
        checked(checkout)
    assert checked(checkout, override="CI is down").endswith("overridden: CI is down")


def test_note_of_somebody_else_is_no_proof(checkout: Path) -> None:
    """Only the words of `make ci` are."""
    git(checkout, "notes", "--ref", ci_notes.REF, "add", "--message", "looks fine", "HEAD^{tree}")
    with pytest.raises(DeployError):
        checked(checkout)


def test_node_of_make_try_has_no_gate(checkout: Path) -> None:
    """By its way: the same name with other options is another node."""
    save(checkout, OwnNode("node1", "-F '/srv/a b/ssh_config'", str(checkout)))
    assert "make try" in checked(checkout, ssh_options=("-F", "/srv/a b/ssh_config"))
    with pytest.raises(DeployError):
        checked(checkout, ssh_options=())


def test_tree_is_clean_only_as_it_is_committed(checkout: Path) -> None:
    """Ignored files aside: tests that ran on other files prove nothing."""
    head = git(checkout, "rev-parse", "HEAD").strip()
    assert ci_notes.clean_head(checkout) == head
    (checkout / ".gitignore").write_text("*.log\n")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "Ignore logs")
    (checkout / "a.log").touch()
    assert ci_notes.clean_head(checkout) != ""
    (checkout / "new.py").touch()
    assert ci_notes.clean_head(checkout) == ""
