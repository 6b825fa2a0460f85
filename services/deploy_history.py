"""The deploys of this environment, as the node leaves them for its service to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

FORMAT = 1

NAME = "history.json"

LAST = 253_370_764_800
"""The Unix time of the year 9999."""


class Deploy(Struct, frozen=True):
    """One change of the environment."""

    at: Annotated[float, Meta(ge=0, le=LAST)] | None = None
    """Unix time of its start."""
    verb: str = ""
    who: str | None = None
    before: str | None = None
    after: str | None = None
    outcome: str = "under way"
    seconds: float | None = None
    reason: str | None = None
    transaction: str = ""


class _Copy(Struct):
    format: int
    changes: list[msgspec.Raw]


_decode = msgspec.json.Decoder(_Copy).decode
_decode_change = msgspec.json.Decoder(Deploy).decode


def deploys(root: Path) -> list[Deploy]:
    """The last changes, the newest first; none where this is no release on a node, or its copy is no such.

    `root` is the directory of the release: the copy lies beside the directory of all releases.
    """
    try:
        copy = _decode((root.parent.parent / NAME).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return list(_readable(copy.changes)) if copy.format == FORMAT else []


def _readable(changes: Iterable[msgspec.Raw]) -> Iterator[Deploy]:
    """The changes without those of a damaged line, which hides no other."""
    for change in changes:
        try:
            yield _decode_change(change)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
