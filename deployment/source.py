"""The committed tree: what a release's code is taken from."""

from __future__ import annotations

import io
import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import DeployError
from .repository import git

EXECUTABLE = "100755"
PLAIN = ("100644", EXECUTABLE)  # modes of plain files in a git tree
FILES = ("pyproject.toml", "uv.lock")
PARTS = ("services", *FILES)  # what a release's code is
LOOKED_AT = (*PARTS, "deployment")  # and what makes its units and its start


@dataclass(frozen=True)
class Source:
    """The code of one commit, or of a tree with changes that are not in one (`dirty`)."""

    commit: str
    subject: str
    dirty: bool
    files: dict[str, tuple[bytes, bool]]  # path: (content, whether it is executable)
    changed: tuple[str, ...] = ()  # the files of a dirty tree that are not in the commit as they lie there

    @property
    def project(self) -> str:
        """The name of the project: a node has the environments of one only."""
        return str(tomllib.loads(self.files["pyproject.toml"][0].decode())["project"]["name"])


def read(root: Path, environment: str) -> Source:
    """Read what would be deployed. Raises `DeployError` for a dirty tree and live.

    The working tree never leaks in: a clean one gives the bytes of the commit, a dirty one those of a tree
    object that git makes of it (as `git add --all` would take it), so ignored files stay out of both.
    """
    commit, subject = head(root)
    with _looked_at(root) as scratch:
        changed = _changed(root, scratch)
        if changed and environment == "live":
            raise DeployError(
                f"the tree has changes that are not committed, and live takes none: {_some(changed)}.",
                "git commit, or git stash --include-untracked",
            )
        tree = _working_tree(root, changed, scratch) if changed else f"{commit}^{{tree}}"
        return Source(commit, subject, bool(changed), _files(root, tree, scratch), tuple(changed))


def head(root: Path) -> tuple[str, str]:
    """The current commit's id and subject. Raises `DeployError` where there is none."""
    shown = git(
        root, "show", "--no-patch", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%s", "HEAD", "--"
    )
    commit, _, subject = shown.decode(errors="surrogateescape").rstrip("\n").partition("\n")
    return commit, subject


def changes(root: Path) -> list[str]:
    """The files that a release depends on and that differ from the commit. Nothing is written."""
    with _looked_at(root) as scratch:
        return _changed(root, scratch)


@contextmanager
def _looked_at(root: Path) -> Iterator[dict[str, str]]:
    """Variables by which git has an index and a place for objects that are no part of the repository.

    The repository's own index may say of a file that git is not to look at it (`skip-worktree`).
    """
    shown = os.fsdecode(git(root, "rev-parse", "--git-path", "objects")).rstrip("\n")
    objects = str((root / shown).resolve())  # it is relative where the repository lies in the checkout itself
    quoted = objects.replace("\\", "\\\\").replace('"', '\\"')
    with tempfile.TemporaryDirectory() as place:
        yield {
            "GIT_INDEX_FILE": f"{place}/index",
            "GIT_OBJECT_DIRECTORY": place,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"',
        }


def _changed(root: Path, scratch: dict[str, str]) -> list[str]:
    """The files that are not as they are committed, or not committed at all.

    `git add` would tell them too, and touch the objects of all others.
    """
    listed = git(root, "ls-tree", "-r", "-z", "--full-name", "HEAD", "--", *LOOKED_AT)
    git(root, "update-index", "-z", "--index-info", input=listed, environ=scratch)
    git(root, "update-index", "-q", "--refresh", environ=scratch, expect=(0, 1))  # 1: some of them differ
    differ = git(root, "diff-files", "--name-only", "--relative", "-z", environ=scratch)
    new = git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *LOOKED_AT, environ=scratch)
    return sorted({*_names(differ), *_names(new)})


def _working_tree(root: Path, changed: list[str], scratch: dict[str, str]) -> str:
    """A tree object of the working tree, as far as a release depends on it."""
    for name in changed:
        if name.endswith("/") and name.startswith(PARTS):  # git names no file of it
            raise DeployError(
                f"{name} is a repository of its own.", "a release holds plain files: move it away"
            )
    names = b"".join(os.fsencode(name) + b"\0" for name in changed)
    git(root, "update-index", "--add", "--remove", "-z", "--stdin", input=names, environ=scratch)
    return git(root, "write-tree", environ=scratch).decode().strip()


def _files(root: Path, tree: str, scratch: dict[str, str]) -> dict[str, tuple[bytes, bool]]:
    """The blobs themselves: an archive would be subject to this checkout's line endings and attributes."""
    entries = []
    for line in _names(git(root, "ls-tree", "-r", "-z", tree, "--", *PARTS, environ=scratch)):
        facts, name = line.split("\t", 1)
        mode, _, blob = facts.split()
        if mode not in PLAIN:
            raise DeployError(
                f"{name} is a link or a repository.", "a release holds plain files: make it one"
            )
        if not name.isprintable():
            raise DeployError(f"{name} is no name that a release can hold.", "rename it: letters in UTF-8")
        entries.append((name, mode == EXECUTABLE, blob))
    contents = _blobs(root, [blob for _, _, blob in entries], scratch)
    files = {name: (content, runs) for (name, runs, _), content in zip(entries, contents, strict=True)}
    for name in FILES:
        if name not in files:
            raise DeployError(f"{name} is not in the release.", f"git checkout HEAD -- {name} brings it back")
    return files


def _names(listed: bytes) -> list[str]:
    """The entries of a list with NUL between them; bytes that are no UTF-8 stay themselves."""
    return [entry for entry in listed.decode(errors="surrogateescape").split("\0") if entry]


def _blobs(root: Path, names: list[str], scratch: dict[str, str]) -> list[bytes]:
    """The contents of git objects; `cat-file --batch` frames each by `<name> <type> <size>` and a newline."""
    asked = "\n".join(names).encode() + b"\n"
    out = io.BytesIO(git(root, "cat-file", "--batch", input=asked, environ=scratch))
    contents = []
    for _ in names:
        contents.append(out.read(int(out.readline().split()[2])))
        out.read(1)
    return contents


def _some(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
