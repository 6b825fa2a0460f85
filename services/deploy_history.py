"""The deploys of this environment, as the node leaves them for its service to read."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

FORMAT = 1

NAME = "history.json"


class Deploy(Struct, frozen=True):
    """One change of the environment."""

    at: float | None = None
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
    changes: list[Deploy]


_decode = msgspec.json.Decoder(_Copy).decode


def deploys(root: Path) -> list[Deploy]:
    """The last changes, the newest first; none where this is no release on a node, or its copy is no such.

    `root` is the directory of the release: the copy lies beside the directory of all releases.
    """
    try:
        copy = _decode((root.parent.parent / NAME).read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []
    return copy.changes if copy.format == FORMAT else []
