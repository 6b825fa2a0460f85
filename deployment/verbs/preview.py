"""The preview of a deploy: steps, commits, configuration, units."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..build.release import Release
from ..build.repository import git
from ..build.source import Source
from ..errors import DeployError
from ..host.values.model import Manifest, changed_keys
from ..host.values.step import Step
from ..remote.plan import Plan

LIMIT = 20  # commits that are listed one by one
SECTIONS = ("uncommitted", "commits", "configuration", "units", "drop_ins")
FEW = 5  # files that are not committed, for people


def of(root: Path, source: Source, release: Release, plan: Plan) -> dict[str, Any]:
    """The preview as values: the node's own steps, and what lies behind them."""
    before = plan.manifest
    lines = {name: text.decode().splitlines() for name, text in release.units.items()}
    return {
        "steps_planned": [step.to_json() for step in plan.steps],
        "uncommitted": list(source.changed),
        "commits": commits(root, before.commit, release.manifest.commit) if before else [],
        "configuration": configuration(before, release.manifest),
        "drop_ins": list(plan.drop_ins),
        "units": units(plan.units, lines),
    }


def commits(root: Path, before: str, after: str) -> list[str]:
    """One line per commit that comes (`+`) or goes (`-`); a `?` if the commit is unknown here."""
    options = ("--left-right", "--oneline", "--encoding=UTF-8")
    argv = ("rev-list", *options, "--end-of-options", f"{before}...{after}", "--")
    try:
        text = git(root, *argv).decode(errors="surrogateescape").strip("\n")
        lines = text.split("\n") if text else []
    except DeployError:
        return [f"? the running commit {before[:12]} is not in this repository"]
    signs = {"<": "-", ">": "+"}
    shown = [f"{signs[line[0]]} {line[1:]}" for line in lines[:LIMIT]]
    return shown + ([f"  and {len(lines) - LIMIT} more"] if len(lines) > LIMIT else [])


def configuration(before: Manifest | None, after: Manifest) -> list[str]:
    """One line per key that comes, goes or changes; values only where they are no secret."""
    old = before.digests if before else {}
    lines = []
    for key in changed_keys(before, after):
        sign = "+" if key not in old else "-" if key not in after.digests else "~"
        values = [value for manifest in (before, after) if (value := _value(manifest, key)) is not None]
        lines.append(f"{sign} {key} {' -> '.join(values) or '(not shown)'}")
    return lines


def units(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    """A unified diff of the lines of the unit files on the node and of those of the release."""
    lines: list[str] = []
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name, []), after.get(name, [])
        lines += difflib.unified_diff(
            old, new, f"{name} on the node", f"{name} of the release", lineterm="", n=1
        )
    return lines


def text(preview: dict[str, Any], steps: Sequence[Step], release: str) -> list[str]:
    """The preview for people: each step with its reason below, or the reason why there is none."""
    lines = [line for step in steps for line in (f"  {step.title}", f"      {step.reason}")]
    lines = lines or [f"  up to date: {release} runs, is ready, and all files and units are as it has them"]
    for title in SECTIONS:
        shown = _first(preview[title]) if title == "uncommitted" else preview[title]
        if shown:
            lines += [f"{title.replace('_', '-')}:", *(f"  {line}" for line in shown)]
    return lines


def _first(names: list[str]) -> list[str]:
    return names[:FEW] + ([f"and {len(names) - FEW} more"] if len(names) > FEW else [])


def _value(manifest: Manifest | None, key: str) -> str | None:
    """The value of a key that is set and is no secret: those alone are among the facts."""
    if manifest is None or key not in manifest.digests or key.lower() not in manifest.config:
        return None
    return str(manifest.config[key.lower()])
