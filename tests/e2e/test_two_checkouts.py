"""Two people with a checkout each: nobody takes commits or tokens of live away without noticing."""

from __future__ import annotations

from pathlib import Path

import pytest

from .operator import Operator, git
from .states import copy


@pytest.fixture
def newer(three: Operator, tmp_path: Path) -> Operator:
    """A second person, who has a newer commit."""
    copy(three.root, tmp_path / "newer")
    operator = Operator(tmp_path / "newer", three.node)
    operator.commit("services/changed.py", "NEWER = True\n", "A newer commit")
    return operator


def test_checkout_without_the_running_commit_is_refused(three: Operator, tmp_path: Path) -> None:
    """Its branch has diverged from the commit that live runs."""
    copy(three.root, tmp_path / "other")
    other = Operator(tmp_path / "other", three.node)
    git(other.root, "checkout", "--quiet", "--orphan", "other")
    other.commit("services/changed.py", "OTHER = True\n")
    refused = other.deploy("live", code=2)
    assert refused["message"] == "live would lose 1 commit: it was not confirmed."
    assert "CONFIRM=live" in refused["hint"]
    assert three.health("live")["release"].startswith(git(three.root, "rev-parse", "HEAD")[:12])


@pytest.mark.faults
def test_commits_and_tokens_of_live_go_where_that_is_confirmed(three: Operator, newer: Operator) -> None:
    """By name: any other answer is refused. The next deploy of the newer checkout needs no word."""
    newer.deploy("live")
    newer.configure("live", newer.tokens["live"], "another-token-of-somebody")
    refused = newer.deploy("live", code=2, CONFIRM="dev")
    assert refused["message"] == "its API_TOKEN would change: the answer was 'dev', not 'live'."
    assert newer.deploy("live", CONFIRM="live")["configuration"] == ["~ API_TOKEN"]
    assert newer.change("rollback", "live", code=2)["message"].startswith("its API_TOKEN would change")
    assert newer.change("rollback", "live", CONFIRM="live")["outcome"] == "done"
    assert "is not in this repository" in three.deploy("live", code=2)["message"]
    git(three.root, "fetch", "--quiet", str(newer.root))
    commit = git(newer.root, "log", "-1", "--format=%h").strip()
    back = three.deploy("live", CONFIRM="live")
    assert (back["outcome"], back["commits"]) == ("done", [f"- {commit} A newer commit"])
    newer.configure("live", "another-token-of-somebody", newer.tokens["live"])
    assert newer.deploy("live")["commits"] == [f"+ {commit} A newer commit"]
