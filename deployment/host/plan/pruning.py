"""The part of a plan that removes what no kept release needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..values.desired import Desired
from ..values.manifest import Manifest
from ..values.observed import Observed
from ..values.step import Step


def discarded(observed: Observed, desired: Desired) -> Iterator[Step]:
    """Remove a release that never came up, after the revert from it."""
    failed = observed.releases.get(desired.failed)
    if failed is not None and not failed.verified_at:
        yield Step("prune-releases", (desired.failed,), "it never came up")
        yield from _unused(observed, set(observed.releases) - {desired.failed}, desired.release)


def pruned(observed: Observed, release: Manifest, keep: int) -> Iterator[Step]:
    """Remove old releases: the last `keep` that came up stay, and so do current and previous."""
    others = {name: item for name, item in observed.releases.items() if name != release.id}
    proven = sorted((item.verified_at, name) for name, item in others.items() if item.verified_at)
    stay = {name for _, name in proven[-max(keep - 1, 1) :]} | {release.id}
    if observed.current is not None:
        stay.add(observed.current)
    # A current release that is replaced becomes the previous one.
    if observed.current == release.id and observed.previous is not None:
        stay.add(observed.previous)
    drop = tuple(sorted(set(others) - stay))
    if drop:
        yield Step("prune-releases", drop, f"KEEP={keep}: older than the releases that stay")
    yield from _unused(observed, stay, release)


def _unused(observed: Observed, stay: set[str], release: Manifest | None) -> Iterator[Step]:
    """Dependencies and read models that none of the releases that stay has."""
    staying = [item for name, item in observed.releases.items() if name in stay]
    used = (
        {item.layer for item in staying} | {release.layer if release else ""} | set(observed.layers_elsewhere)
    )
    layers = tuple(sorted(set(observed.layers) - used))
    if layers:
        yield Step("prune-layers", layers, "no release that stays uses them")
    in_use = {item.projections for item in staying}
    projections = tuple(sorted(set(observed.projections) - in_use))
    if projections and in_use and "" not in in_use:  # a release without a known file may use any of them
        yield Step("prune-projections", projections, "no release that stays uses them")
