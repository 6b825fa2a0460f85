"""The workflow of docs/examples/deploy.yml: its steps, run as GitHub's runner would."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.documents import DOCS

from .operator import LIMIT, Operator

JOB: dict[str, Any] = yaml.safe_load((DOCS / "examples" / "deploy.yml").read_text())["jobs"]["deploy"]
STEPS: dict[str, str] = {step["name"]: step["run"] for step in JOB["steps"] if "run" in step}


def run(operator: Operator, name: str, place: Path, **environ: str) -> int:
    """Run a step of the job in a checkout; return its exit code."""
    known = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),  # nothing of the person who runs the tests
        "RUNNER_TEMP": str(place / "temp"),
        "GITHUB_STEP_SUMMARY": str(place / "summary"),
        "ENVIRONMENT": "dev",
        **environ,
    }
    # As the runner calls bash: https://docs.github.com/actions/reference/workflow-syntax-for-github-actions
    argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]]
    done = subprocess.run(argv, cwd=operator.root, env=known, capture_output=True, check=False, timeout=LIMIT)
    return done.returncode


def test_workflow_deploys(dev: Operator, tmp_path: Path) -> None:
    """With a key, a host key and a configuration out of secrets; a refusal fails the job; nothing stays."""
    directory = dev.node.record.directory
    kind, key = (directory / "host_key.pub").read_text().split()[:2]
    given = {
        "DEPLOY_KEY": (directory / "id_ed25519").read_text().rstrip("\n"),
        "KNOWN_HOSTS": f"{dev.node.address} {kind} {key}",
        "ENV_FILE": (dev.root / ".env.dev").read_text().rstrip("\n"),
    }
    node = {"NODE": f"deploy@{dev.node.address}", "GITHUB_TOKEN": "a-token-of-the-job"}
    (tmp_path / "temp").mkdir()
    dev.commit("services/changed.py", "FROM_CI = 1\n")
    assert run(dev, "Write key, host key and configuration", tmp_path, **given) == 0
    files = tmp_path / "temp" / "node"
    assert {path.stat().st_mode & 0o777 for path in files.iterdir()} == {0o600}
    assert run(dev, "Deploy", tmp_path, **node) == 0
    heading, _, result = (tmp_path / "summary").read_text().rstrip("`\n").partition("\n```json\n")
    assert heading == "### dev: exit code 0"
    assert json.loads(result)["outcome"] == "done"
    assert dev.health("dev")["release"] == json.loads(result)["after"]

    other = given | {"KNOWN_HOSTS": f"{dev.node.address} {kind} {key[:-12]}AAAAAAAAAAAA"}
    assert run(dev, "Write key, host key and configuration", tmp_path, **other) == 0
    assert run(dev, "Deploy", tmp_path, **node) == 2
    assert "### dev: exit code 2" in (tmp_path / "summary").read_text()
    for secret in (given["DEPLOY_KEY"], dev.tokens["dev"], node["GITHUB_TOKEN"]):
        assert secret not in (tmp_path / "summary").read_text()
    assert run(dev, "Remove key and configuration", tmp_path) == 0
    assert not files.exists()
