"""The gate before live: no release gets there without a proof that CI passed. See ADR 24."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from .. import own_node
from ..build import ci_notes, github
from ..build.source import Source
from ..errors import DeployError
from ..settings import Settings

GATED = "live"
ON, OFF = "on", "off"


@dataclass(frozen=True)
class Facts:
    """All that the verdict depends on."""

    environment: str
    setting: str = ON  # of pyproject.toml
    is_own_node: bool = False  # whether the node is that of `make try`
    override: str = ""  # the reason to do without a proof
    proof: str = ""  # the sentence about a proof
    problems: tuple[str, ...] = ()  # why there is none


@dataclass(frozen=True)
class Verdict:
    """The verdict about a release: whether it may go to its environment, and by which rule."""

    passes: bool
    text: str = ""  # empty for an environment without a gate
    override: str = ""  # the reason that stands in place of a proof


def judge(facts: Facts) -> Verdict:
    """Decide by the first rule that applies. Raises `DeployError` for a setting that means nothing."""
    if facts.setting not in (ON, OFF):
        raise DeployError(
            f"[tool.helionyx] gate in pyproject.toml is {facts.setting!r}.", f'give "{ON}" or "{OFF}"'
        )
    if facts.environment != GATED:
        return Verdict(True)
    if facts.setting == OFF:
        return Verdict(True, "gate: off, by pyproject.toml")
    if facts.is_own_node:
        return Verdict(True, "gate: none on the node of make try")
    if facts.proof:
        return Verdict(True, f"gate: {facts.proof}")
    if facts.override:
        text = f"gate: no proof that CI passed; overridden: {facts.override}"
        return Verdict(True, text, facts.override)
    return Verdict(False, f"gate: no proof that CI passed: {'; '.join(facts.problems)}")


def check(settings: Settings, code: Source, *, refuse: bool) -> Verdict:
    """Judge a release of this code. Raises `DeployError` for what does not pass, unless `refuse` is unset.

    Then, as for a plan, the text says that the deploy would be refused.
    """
    known = facts(settings, code)
    verdict = judge(known)
    if verdict.passes or not refuse:
        return verdict
    raise DeployError(
        f"{settings.environment} takes only what CI passed: {'; '.join(known.problems)}.",
        f"make ci at commit {code.commit[:12]} records it; OVERRIDE='reason' does without, on record",
    )


def facts(settings: Settings, code: Source) -> Facts:
    """Gather the facts, and look for a proof only where it matters."""
    own = own_node.load(settings.root)
    options = tuple(shlex.split(own.ssh_options)) if own else ()
    is_own = own is not None and (own.node, options) == (settings.node, settings.ssh_options)
    known = Facts(settings.environment, _setting(code), is_own, settings.override)
    if judge(known).passes and not settings.override:
        return known
    proof, problems = _proof(settings, code)
    return Facts(known.environment, known.setting, is_own, settings.override, proof, problems)


def _setting(code: Source) -> str:
    """The setting in the pyproject.toml that is deployed."""
    return str(code.settings.get("tool", {}).get("helionyx", {}).get("gate", ON))


def _proof(settings: Settings, code: Source) -> tuple[str, tuple[str, ...]]:
    """The sentence about a proof, or the reasons why there is none."""
    note = ci_notes.read(settings.root, code.commit)
    if note:
        return note, ()
    here = "no run of make ci is recorded for this tree"
    answer = github.check_runs(settings.root, code.commit, os.environ)
    return (answer.text, ()) if answer.passed else ("", (here, *filter(None, [answer.text])))
