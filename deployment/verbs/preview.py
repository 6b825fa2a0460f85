"""The preview of a deploy: steps, commits, configuration, units."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..host.values.step import Step
from ..remote.plan import Plan, ReleaseFacts
from ..ui.results import Changed
from .blobs import Built
from .differences import MOST, Differences, keys

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


def of(plan: Plan, between: Differences, built: Built | None) -> Preview:
    """The preview of a change: the node's own steps, and the differences behind them."""
    after = plan.desired
    texts = built.release.units if built else {}
    lines = {name: text.decode().splitlines() for name, text in texts.items()} or plan.desired_units
    return Preview(
        plan.steps,
        built.parts.source.changed if built else (),
        between.commits.lines(MOST),
        configuration(plan.running, after) if after else (),
        plan.drop_ins,
        units(plan.units, lines) if lines else (),
    )


def configuration(before: ReleaseFacts | None, after: ReleaseFacts) -> list[str]:
    """One line per key that comes, goes or changes; values only where they are no secret."""
    lines = []
    for key, sign in sorted(keys(before, after).signs.items()):
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


def text(preview: Preview, release: str | None) -> list[str]:
    """The preview for people: each step with its reason below, or the reason why there is none."""
    lines = [line for step in preview.steps for line in (f"  {step.title}", f"      {step.reason}")]
    runs = f"up to date: {release} runs, is ready, and all files and units are as it has them"
    lines = lines or [f"  {runs if release else 'nothing to do'}"]
    for title in SECTIONS:
        section = getattr(preview, title)
        shown = _first(section) if title == "uncommitted" else section
        if shown:
            lines += [f"{title.replace('_', '-')}:", *(f"  {line}" for line in shown)]
    return lines


def _first(names: Sequence[str]) -> list[str]:
    return [*names[:FEW], *([f"and {len(names) - FEW} more"] if len(names) > FEW else [])]


def _value(release: ReleaseFacts | None, key: str) -> str | None:
    """The value of a key that is set and is no secret: those alone are among the facts."""
    if release is None or key not in release.digests or key.lower() not in release.config:
        return None
    return str(release.config[key.lower()])
