"""The differences between the running release and the next one: commits and keys of the configuration.

`make plan` shows them, each deploy and rollback says them, and the question about live depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..build.repository import git
from ..errors import DeployError
from ..host.values.manifest import SECRETS
from ..host.values.printable import printable
from ..remote.plan import ReleaseFacts
from ..ui.tables import fold

FEW = 5  # commits that come, and that go, in the output of a deploy
MOST = 20  # the same in a plan, and for programs
WIDTH = 80  # columns
UNCOMMITTED = "uncommitted changes of the running release"


@dataclass(frozen=True)
class Commits:
    """The commits of one release that the other does not have, each with its subject, the newest first."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unknown: str = ""  # a sentence about a commit that this repository does not have

    def lines(self, most: int) -> list[str]:
        """A line for each commit, behind `+` if it comes and `-` if it goes; or one behind `?`."""
        if self.unknown:
            return [f"? {self.unknown}"]
        return [*_first("+", self.new, most), *_first("-", self.gone, most)]


@dataclass(frozen=True)
class Keys:
    """The keys of the configuration that differ, by name."""

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that somebody uses now, and that will not do any more."""
        return tuple(key for key in (*self.changed, *self.gone) if key in SECRETS)

    @property
    def signs(self) -> dict[str, str]:
        """`+`, `-` or `~` for each key."""
        groups = {"+": self.new, "-": self.gone, "~": self.changed}
        return {key: sign for sign, keys in groups.items() for key in keys}

    @property
    def text(self) -> str:
        """All of them in a sentence; empty if none differs."""
        groups = {"changed": self.changed, "new": self.new, "gone": self.gone}
        return "; ".join(f"{', '.join(keys)} {state}" for state, keys in groups.items() if keys)


@dataclass(frozen=True)
class Differences:
    """The differences of two releases."""

    commits: Commits = Commits()
    keys: Keys = Keys()

    @property
    def lines(self) -> list[str]:
        """A line for each difference, in the form that a plan has; of a key the name alone."""
        return [
            *self.commits.lines(MOST),
            *(f"{sign} {key}" for key, sign in sorted(self.keys.signs.items())),
        ]

    def to_json(self) -> dict[str, Any]:
        """The differences for programs, in the form that a plan has."""
        keys = [f"{sign} {key}" for key, sign in sorted(self.keys.signs.items())]
        return {"commits": self.commits.lines(MOST), "configuration": keys}


NONE = Differences()


def of(root: Path, before: ReleaseFacts | None, after: ReleaseFacts | None) -> Differences:
    """The differences of two releases, as far as the repository at `root` knows their commits."""
    if before is None or after is None:
        return NONE
    return Differences(_commits(root, before, after), keys(before, after))


def _commits(root: Path, before: ReleaseFacts, after: ReleaseFacts) -> Commits:
    is_lost = before.dirty and not after.dirty
    uncommitted = (UNCOMMITTED,) if is_lost else ()
    if before.commit == after.commit:
        return Commits(gone=uncommitted)
    between = commits(root, before.commit, after.commit)
    return Commits(between.new, (*uncommitted, *between.gone), between.unknown)


def commits(root: Path, before: str, after: str) -> Commits:
    """The commits between two commits."""
    options = ("--left-right", "--oneline", "--encoding=UTF-8")
    argv = ("rev-list", *options, "--end-of-options", f"{before}...{after}", "--")
    try:
        text = git(root, *argv).decode(errors="surrogateescape").strip("\n")
    except DeployError:
        return Commits(unknown=_unknown(root, before, after))
    lines = [printable(line) for line in text.split("\n")] if text else []
    new, gone = (tuple(line[1:] for line in lines if line[0] == side) for side in "><")
    return Commits(new, gone)


def _unknown(root: Path, before: str, after: str) -> str:
    """The sentence about the first of two commits that is not here."""
    try:
        git(root, "cat-file", "-e", "--end-of-options", f"{before}^{{commit}}")
    except DeployError:
        return f"the running commit {before[:12]} is not in this repository"
    return f"the commit {after[:12]} is not in this repository"


def keys(before: ReleaseFacts | None, after: ReleaseFacts) -> Keys:
    """The keys that differ, judged by the digests of their values."""
    old, new = before.digests if before else {}, after.digests
    both = sorted(key for key in old if key in new)
    return Keys(
        tuple(sorted(key for key in new if key not in old)),
        tuple(sorted(key for key in old if key not in new)),
        tuple(key for key in both if old[key] != new[key]),
    )


def commit_lines(between: Commits) -> list[str]:
    """The first commits that come and go for people, each in a line of `WIDTH` columns at most."""
    return [printable(f"  {line}", WIDTH) for line in between.lines(FEW)]


def key_lines(between: Keys) -> list[str]:
    """The keys that differ for people, in lines of `WIDTH` columns at most."""
    return fold("  configuration: ", between.text, 4, WIDTH).split("\n") if between.text else []


def _first(sign: str, names: Sequence[str], most: int) -> list[str]:
    shown = [f"{sign} {name}" for name in names[:most]]
    return [*shown, *([f"  and {len(names) - most} more"] if len(names) > most else [])]
