"""The releases that came up: a file for each, as old as its deploy, with the name of its read models."""

from __future__ import annotations

import os

from .files import publish
from .model import Environment, Layout

BEHIND = 0.001  # seconds between a release and one that was made of it, in the order of those that came up


def note(layout: Layout, environment: Environment, name: str, projections: str, place: str | None) -> None:
    """Remember that a release came up, and the file of its read models.

    It becomes the newest of those that did. With a `place`, the id of another, it stays where it is in that
    order, or comes right behind that one.
    """
    mark = layout.verified(environment) / name
    stamp = verified_at(layout, environment, name)
    if place is not None and stamp and projections_of(layout, environment, name) == projections:
        return
    stamp = stamp or verified_at(layout, environment, place or "") + BEHIND
    publish(mark, projections.encode(), 0o644)
    if place is not None and stamp > BEHIND:
        os.utime(mark, (stamp, stamp))


def forget(layout: Layout, environment: Environment, name: str) -> None:
    """The release is gone, or does not count any more."""
    (layout.verified(environment) / name).unlink(missing_ok=True)


def verified_at(layout: Layout, environment: Environment, name: str) -> float:
    """When a release was deployed and came up (seconds since the epoch); 0 if it never did."""
    mark = layout.verified(environment) / name
    return mark.stat().st_mtime if name and mark.exists() else 0.0


def projections_of(layout: Layout, environment: Environment, name: str) -> str:
    """The file name of a release's read models, as it told when it came up; empty if it never did."""
    mark = layout.verified(environment) / name
    return mark.read_text() if mark.exists() else ""
