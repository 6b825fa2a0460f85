"""The end of a node's audit as this user last saw it: by it, a history that got shorter is noticed."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Remembered:
    """A line of a node's audit: its number, counted from 1, and its hash."""

    number: int
    hash: str


def path_of(node: str) -> Path:
    """The file for a node, below `$XDG_STATE_HOME`: see the XDG Base Directory Specification."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return state / "helionyx" / "audit" / f"{re.sub(r'[^A-Za-z0-9@._-]', '_', node)}.json"


def read(node: str) -> Remembered | None:
    """The line that was last seen; None for a node that was never looked at from here."""
    try:
        value = json.loads(path_of(node).read_bytes())
        return Remembered(int(value["number"]), str(value["hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(node: str, line: Remembered) -> None:
    """Remember the last line of a node's audit. Raises `OSError`."""
    path = path_of(node)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(asdict(line)) + "\n")
    beside.replace(path)


def difference(known: Remembered | None, length: int, hash_there: str | None) -> str | None:
    """Say how the audit contradicts the line that is remembered; None where it does not. Pure."""
    if known is None or hash_there == known.hash:
        return None
    if length < known.number:
        return f"the audit has {length} lines, and had {known.number}: lines were removed"
    return f"line {known.number} of the audit is another one than before: history was rewritten"
