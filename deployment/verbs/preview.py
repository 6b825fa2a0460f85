"""The preview of a deploy: steps, commits, configuration, units."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..build.release import Release
from ..build.repository import git
from ..build.source import Source
from ..errors import DeployError
from ..host.values.manifest import Manifest
from ..host.values.step import Step
from ..remote.plan import Plan, Running
from ..ui.results import Changed

LIMIT = 20  # commits that are listed one by one
SECTIONS = ("uncommitted", "commits", "configuration", "units", "drop_ins")
KEYS = ("uncommitted", "commits", "configuration", "drop_ins", "units")  # of the JSON, in its order
FEW = 5  # files that are not committed, for people


@dataclass(frozen=True)
class Preview:
    """The steps of a plan, and the differences behind them in lines."""

    steps: tuple[Step, ...]
    uncommitted: Sequence[str] = ()
    commits: Sequence[str] = ()
    configuration: Sequence[str] = ()
    drop_ins: Sequence[str] = ()
    units: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The preview for programs."""
        lines = {name: list(getattr(self, name)) for name in KEYS}
        return {"steps_planned": [step.to_json() for step in self.steps], **lines}


@dataclass(frozen=True, kw_only=True)
class Previewed(Changed):
    """The result of a change that was only planned."""

    preview: Preview

    def to_json(self) -> dict[str, Any]:
        """The result for programs."""
        return {**super().to_json(), **self.preview.to_json()}


def of(root: Path, source: Source, release: Release, plan: Plan) -> Preview:
    """The preview of a deploy: the node's own steps, and the differences behind them."""
    before = plan.running
    lines = {name: text.decode().splitlines() for name, text in release.units.items()}
    return Preview(
        plan.steps,
        source.changed,
        commits(root, before.commit, release.manifest.commit) if before else (),
        configuration(before, release.manifest),
        plan.drop_ins,
        units(plan.units, lines),
    )


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


def configuration(before: Running | None, after: Manifest) -> list[str]:
    """One line per key that comes, goes or changes; values only where they are no secret."""
    old, new = before.digests if before else {}, after.digests
    lines = []
    for key in sorted(key for key in {*old, *new} if old.get(key) != new.get(key)):
        sign = "+" if key not in old else "-" if key not in new else "~"
        values = [value for release in (before, after) if (value := _value(release, key)) is not None]
        lines.append(f"{sign} {key} {' -> '.join(values) or '(not shown)'}")
    return lines


def units(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> list[str]:
    """A unified diff of the lines of the unit files on the node and of those of the release."""
    lines: list[str] = []
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name, []), after.get(name, [])
        lines += difflib.unified_diff(
            old, new, f"{name} on the node", f"{name} of the release", lineterm="", n=1
        )
    return lines


def text(preview: Preview, release: str) -> list[str]:
    """The preview for people: each step with its reason below, or the reason why there is none."""
    lines = [line for step in preview.steps for line in (f"  {step.title}", f"      {step.reason}")]
    lines = lines or [f"  up to date: {release} runs, is ready, and all files and units are as it has them"]
    for title in SECTIONS:
        section = getattr(preview, title)
        shown = _first(section) if title == "uncommitted" else section
        if shown:
            lines += [f"{title.replace('_', '-')}:", *(f"  {line}" for line in shown)]
    return lines


def _first(names: Sequence[str]) -> list[str]:
    return [*names[:FEW], *([f"and {len(names) - FEW} more"] if len(names) > FEW else [])]


def _value(release: Running | Manifest | None, key: str) -> str | None:
    """The value of a key that is set and is no secret: those alone are among the facts."""
    if release is None or key not in release.digests or key.lower() not in release.config:
        return None
    return str(release.config[key.lower()])
