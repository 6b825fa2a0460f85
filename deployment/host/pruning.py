"""The part of a plan that removes what no kept release needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Manifest, Observed, Wanted
from .step import Step


def discarded(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    """Remove a release that never came up, after the revert from it."""
    failed = seen.releases.get(wanted.failed)
    if failed is not None and not failed.verified_at:
        yield Step("prune-releases", (wanted.failed,), "it never came up")
        yield from _unused(seen, set(seen.releases) - {wanted.failed}, wanted.release)


def pruned(seen: Observed, release: Manifest, keep: int) -> Iterator[Step]:
    """Remove old releases: the last `keep` that came up stay, and so do current and previous."""
    others = {name: kept for name, kept in seen.releases.items() if name != release.id}
    proven = sorted((kept.verified_at, name) for name, kept in others.items() if kept.verified_at)
    stay = {name for _, name in proven[-max(keep - 1, 1) :]} | {release.id}
    if seen.current is not None:
        stay.add(seen.current)
    if seen.current == release.id and seen.previous is not None:  # else the current one is going to be that
        stay.add(seen.previous)
    drop = tuple(sorted(set(others) - stay))
    if drop:
        yield Step("prune-releases", drop, f"KEEP={keep}: older than the releases that stay")
    yield from _unused(seen, stay, release)


def _unused(seen: Observed, stay: set[str], release: Manifest | None) -> Iterator[Step]:
    """Dependencies and read models that none of the releases that stay has."""
    kept = [item for name, item in seen.releases.items() if name in stay]
    used = {item.layer for item in kept} | {release.layer if release else ""} | set(seen.layers_elsewhere)
    layers = tuple(sorted(set(seen.layers) - used))
    if layers:
        yield Step("prune-layers", layers, "no release that stays uses them")
    told = {item.projections for item in kept}
    projections = tuple(sorted(set(seen.projections) - told))
    if projections and told and "" not in told:  # a release without a known file may use any of them
        yield Step("prune-projections", projections, "no release that stays uses them")
