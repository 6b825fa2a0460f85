"""The copy of the history that a service may read: both halves agree on it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from deployment.host.node import accounts
from deployment.host.records import audit
from deployment.host.values.layout import Environment, Layout
from services.deploy_history import Deploy, deploys


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A node with a release of dev; the group of its user is that of this process."""
    monkeypatch.setattr(accounts, "group_of", lambda _: os.getgid())
    layout = Layout(tmp_path)
    release_of(layout.of("dev")).mkdir(parents=True)
    return layout


def release_of(environment: Environment) -> Path:
    """The directory of a release."""
    return environment.releases / "1a2b3c4d5e6f-9f8e7d6c5b4a"


def start(layout: Layout, environment: str, transaction: str, **more: Any) -> None:
    """Note the start of a deploy."""
    line = {"event": "start", "transaction": transaction, "environment": environment, "verb": "deploy"}
    audit.append(layout, **line, actor={"name": "Ada", "login": "ada"}, before="old", wanted="new", **more)


def end(layout: Layout, environment: str, transaction: str, outcome: str = "done", **more: Any) -> None:
    """Note the end of a deploy."""
    line = {"event": "end", "transaction": transaction, "environment": environment, "verb": "deploy"}
    audit.append(layout, **line, outcome=outcome, before="old", after="new", seconds=2.5, **more)


def test_the_service_reads_what_the_node_has_noted(layout: Layout) -> None:
    """The newest first, each once, and one that is under way; of its own environment alone."""
    start(layout, "dev", "t1")
    end(layout, "dev", "t1")
    start(layout, "live", "t2")
    start(layout, "dev", "t3")
    running, done = deploys(release_of(layout.of("dev")))
    assert (running.transaction, running.outcome, running.who) == ("t3", "under way", "Ada")
    assert done.at is not None
    assert done == Deploy(done.at, "deploy", "Ada", "old", "new", "done", 2.5, None, "t1")
    end(layout, "dev", "t3", "reverted", reason="it did not answer")
    assert deploys(release_of(layout.of("dev")))[0].reason == "it did not answer"


def test_the_copy_is_bounded_and_closed_to_others(layout: Layout) -> None:
    """The last 50 changes, for root and the group of the service."""
    for number in range(60):
        start(layout, "dev", f"t{number}")
    read = deploys(release_of(layout.of("dev")))
    assert [deploy.transaction for deploy in read] == [f"t{number}" for number in range(59, 9, -1)]
    assert layout.of("dev").history.stat().st_mode & 0o777 == 0o640


def test_no_audit_fails_for_the_copy(layout: Layout) -> None:
    """A disk that takes nothing, damaged lines, or an environment whose releases are gone."""
    layout.state.mkdir(parents=True)
    for line in ({"environment": "dev", "transaction": [], "actor": "Ada"}, {"environment": "dev"}, {}):
        with layout.audit.open("a") as file:
            file.write(json.dumps(line) + "\n")
    history = layout.of("dev").history
    history.mkdir()
    start(layout, "dev", "t1")
    start(layout, "staging", "t2")
    assert len(audit.read(layout)) == 5
    assert not layout.of("staging").history.exists()
    assert deploys(release_of(layout.of("dev"))) == []


def test_a_damaged_change_hides_no_other(tmp_path: Path) -> None:
    """Of another type, or at a time that no clock shows."""
    rows = [{"at": 1e300}, {"seconds": "long"}, {"verb": "deploy"}, "text", {"at": float(1 << 30)}]
    (tmp_path / "history.json").write_text(json.dumps({"format": 1, "changes": rows}))
    assert [deploy.verb for deploy in deploys(tmp_path / "releases" / "a")] == ["deploy", ""]
    nested = b'{"format": 1, "changes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    (tmp_path / "history.json").write_bytes(nested)
    assert deploys(tmp_path / "releases" / "a") == []


def test_a_service_without_a_copy_or_with_a_newer_one_shows_none(tmp_path: Path) -> None:
    """It never fails for it."""
    release = tmp_path / "releases" / "a"
    for content in (None, b"", b"{", b"[]", json.dumps({"format": 2, "changes": []}).encode()):
        if content is not None:
            (tmp_path / "history.json").write_bytes(content)
        assert deploys(release) == []
