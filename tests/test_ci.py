"""The table in scripts/ci.py lists the stages of CI; workflow, ruleset, hooks and targets follow it."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import tomllib
from typing import Any

import yaml

from deployment.settings import ROOT
from scripts.ci import GROUPS, STAGES, STATIC, expand

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
ACTION = ROOT / ".github" / "actions" / "setup" / "action.yml"
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
RULESET = json.loads((ROOT / ".github" / "rulesets" / "main.json").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


def variants(job: dict[str, Any]) -> list[dict[str, str]]:
    """Every combination of the job's matrix."""
    matrix: dict[str, list[str]] = job.get("strategy", {}).get("matrix", {})
    return [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]


def filled(text: str, variant: dict[str, str]) -> str:
    """The text with the values of a matrix in it."""
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match: variant[match[1]], text)


def job_names() -> list[str]:
    """The names that GitHub shows, and that a ruleset can ask for."""
    return [filled(job["name"], variant) for job in JOBS.values() for variant in variants(job)]


def stages_run(job: dict[str, Any], variant: dict[str, str]) -> list[str]:
    """The stages that one variant of a job runs."""
    steps = [step for step in job["steps"] if "scripts/stage.sh" in step.get("run", "")]
    commands = [
        step["run"].replace('"$STAGE"', filled(step.get("env", {}).get("STAGE", ""), variant))
        for step in steps
    ]
    return [stage for command in commands for stage in command.partition("scripts/stage.sh ")[2].split()]


def test_jobs_run_every_stage_and_have_its_name() -> None:
    """A red job says which stage of `make ci` is broken."""
    run = []
    for job in JOBS.values():
        for variant in variants(job):
            (stage,) = stages_run(job, variant)
            assert filled(job["name"], variant).split(" (")[0] == stage
            run.append(stage)
    assert list(dict.fromkeys(run)) == list(STAGES) == GROUPS["ci"]


def test_ruleset_asks_for_every_job() -> None:
    """Nothing is merged into main while one of them is red."""
    rule = next(rule for rule in RULESET["rules"] if rule["type"] == "required_status_checks")
    contexts = [check["context"] for check in rule["parameters"]["required_status_checks"]]
    assert contexts == job_names()
    assert RULESET["conditions"]["ref_name"]["include"] == ["refs/heads/main"]


def test_workflow_runs_on_every_push_and_on_pull_requests_to_main() -> None:
    """Every branch is checked on each push, before its pull request."""
    triggers = yaml.safe_load(WORKFLOW.read_text())[True]  # YAML 1.1 reads the key `on` as a boolean
    assert triggers == {"push": None, "pull_request": {"branches": ["main"]}}


def test_every_job_has_a_time_limit() -> None:
    """The default is six hours."""
    assert all(0 < job["timeout-minutes"] <= 60 for job in JOBS.values())


def test_actions_are_pinned_with_their_version() -> None:
    """By a commit, since a tag can be moved; one commit for each action."""
    text = WORKFLOW.read_text() + ACTION.read_text()
    foreign = [use for use in re.findall(r"uses: (.*)", text) if not use.startswith("$/")]
    assert foreign
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use) for use in foreign)


def test_the_oldest_python_is_the_oldest_that_is_supported() -> None:
    """What pyproject.toml promises is tested."""
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f">={JOBS['unit']['strategy']['matrix']['python'][0]}" == required


def test_hooks_are_stages() -> None:
    """A commit is checked by what CI checks it with; what boots a node is too slow for a hook."""
    names = [stage.name for stage in STATIC if stage.name != "units"]
    assert [(hook["id"], hook["entry"]) for hook in HOOKS] == [
        (name, f"scripts/stage.sh {name}") for name in names
    ]


def test_make_targets_run_stages() -> None:
    """Each stage that reads the code, and each group of stages, has a target."""
    makefile = (ROOT / "Makefile").read_text()
    recipes = dict(re.findall(r"^([a-z-]+):.*## .*\n\t@scripts/stage\.sh (.*)$", makefile, re.MULTILINE))
    run = {name: words.split() for name, words in recipes.items()}
    for name in [*(stage.name for stage in STATIC), *GROUPS]:
        assert name in run[name]
    assert run["lint"] == ["lint", "format-check"]


def test_no_shell_script_is_left_out() -> None:
    """Every tracked file that begins with a shell's line is given to shellcheck."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    scripts = {name for name in listed.stdout.splitlines() if _is_shell(name)}
    (command,) = STAGES["shell"].commands
    assert scripts == set(expand(command)[1:])


def test_units_are_skipped_where_no_node_can_boot() -> None:
    """One line says why, and the result says so; a user who is not root cannot boot one."""
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    ordinary = ["unshare", "--user", "--map-user=1000", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*ordinary, "scripts/stage.sh", "units"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    required = subprocess.run(
        [*ordinary, "scripts/stage.sh", "units"],
        cwd=ROOT,
        env=environ | {"CI": "true"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert required.returncode == 1, "a required check is not green where it did not run"
    lines = done.stdout.splitlines()
    assert re.match(r"skipped: no container can boot here: it needs root, and this is user \d+; ", lines[1])
    assert re.match(r"units +skipped ", lines[-1])


def _is_shell(name: str) -> bool:
    path = ROOT / name
    return path.is_file() and bool(re.match(rb"#!.*\b(sh|bash)\n", path.read_bytes()))


def test_tests_are_in_one_stage_each() -> None:
    """The two stages of tests are together what `make test` runs."""
    chosen = [STAGES[name].commands[0][-2:] for name in ("unit", "e2e")]
    assert chosen == [("-m", "not e2e and not faults"), ("-m", "e2e and not faults")]
    assert 'pytest -n auto -m "not faults"' in (ROOT / "scripts/stage.sh").read_text()
