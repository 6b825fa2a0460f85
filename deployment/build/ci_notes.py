"""The proof that `make ci` passed on a tree: a git note on the tree's id, in `refs/notes/helionyx-ci`.

The tree says what was checked, whatever commit has it. `git push origin refs/notes/helionyx-ci` shares the
notes.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

from ..errors import DeployError
from ..host.values.printable import printable
from .repository import git

REF = "helionyx-ci"
BEGINNING = "make ci passed"
LONGEST = 200  # characters of a note that are shown


def read(root: Path, commit: str) -> str:
    """The first line of the note on a commit's tree; empty where there is none."""
    tree = _tree(root, commit)
    try:
        text = git(root, "notes", "--ref", REF, "show", tree).decode(errors="replace")
    except DeployError:  # git has the same exit code for no note and for no notes at all
        return ""
    line = text.partition("\n")[0]
    return printable(line, LONGEST) if line.startswith(BEGINNING) else ""


def write(root: Path, commit: str) -> str:
    """Note that all stages passed on a commit's tree, in place of an earlier note; return the note.

    Raises `DeployError`, such as where git knows no name of the person.
    """
    who = git(root, "config", "user.name", expect=(0, 1)).decode(errors="replace").strip() or "somebody"
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = f"{BEGINNING} on {at}, by {printable(who, 80)}, with Python {platform.python_version()}"
    git(root, "notes", "--ref", REF, "add", "--force", "--message", text, _tree(root, commit))
    return text


def clean_head(root: Path) -> str:
    """The current commit if the working tree is just as it is committed, ignored files aside; else empty."""
    changed = git(root, "status", "--porcelain", "--untracked-files=all")
    return "" if changed.strip() else git(root, "rev-parse", "HEAD").decode().strip()


def _tree(root: Path, commit: str) -> str:
    return git(root, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").decode().strip()
