"""The releases that came up: a file for each, as old as its deploy, with what it replaced."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..node import reserve
from ..node.files import publish
from ..values.layout import Environment, Layout


@dataclass(frozen=True)
class Mark:
    """The facts about a verified release."""

    verified_at: float = 0.0  # when it was deployed, seconds since the epoch; 0: it never came up
    projections: str = ""  # the file of its read models
    before: str | None = None  # the release that it replaced
    origin: str | None = None  # the release whose code it has with another configuration


def read(environment: Environment, name: str) -> Mark:
    """The mark of a release; an empty one if it never came up."""
    path = environment.verified / name
    try:
        value = json.loads(path.read_bytes() or b"{}")
        return Mark(
            path.stat().st_mtime, value.get("projections", ""), value.get("before"), value.get("origin")
        )
    except FileNotFoundError:
        return Mark()


@dataclass(frozen=True)
class Place:
    """The place of a release among the verified ones: a deployed one is the newest of them."""

    deployed: bool
    before: str | None = None  # what it replaced
    origin: str | None = None  # what it was made of, if it was: its place is the place of that one


def note(environment: Environment, name: str, projections: str, position: Place) -> None:
    """Remember that a release came up. Going back to one does not make it the newest."""
    known = read(environment, name)
    if position.deployed:
        mark = Mark(0, projections, position.before if position.before != name else known.before)
    elif position.origin is not None and position.origin != name:
        of = read(environment, position.origin)
        mark = replace(of, projections=projections, origin=of.origin or position.origin)
    else:
        mark = replace(known, projections=projections)
    if mark != known or not mark.verified_at:
        _write(environment.layout, environment.verified / name, mark)


def forget(environment: Environment, name: str) -> None:
    """The release is gone, or does not count any more."""
    (environment.verified / name).unlink(missing_ok=True)


def _write(layout: Layout, path: Path, mark: Mark) -> None:
    content = {key: value for key, value in asdict(mark).items() if key != "verified_at"}
    publish(path, json.dumps(content).encode(), 0o644, reserve.places(layout))
    if mark.verified_at:
        os.utime(path, (mark.verified_at, mark.verified_at))
