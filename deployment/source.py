"""The committed tree: what a release's code is taken from."""

from __future__ import annotations

import io
import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import DeployError
from .run import run

EXECUTABLE = "100755"
PLAIN = ("100644", EXECUTABLE)  # modes of plain files in a git tree
PARTS = ("services", "pyproject.toml", "uv.lock")


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
    head = _git(
        root,
        "show",
        "--no-patch",
        "--no-show-signature",
        "--encoding=UTF-8",
        "--format=%H%n%s",
        hint="commit first: a release is named after its commit",
    )
    commit, subject = head.rstrip("\n").split("\n", 1) if "\n" in head.rstrip("\n") else (head.strip(), "")
    changed = [line[3:] for line in _git(root, "status", "--porcelain", "--untracked-files=all").splitlines()]
    if changed and environment == "live":
        raise DeployError(
            f"the tree has changes that are not committed, and live takes none: {_some(changed)}.",
            "git commit, or git stash --include-untracked",
        )
    tree = _working_tree(root) if changed else f"{commit}^{{tree}}"
    return Source(commit, subject, bool(changed), _files(root, tree), tuple(changed))


def _files(root: Path, tree: str) -> dict[str, tuple[bytes, bool]]:
    """The blobs themselves: an archive would be subject to this checkout's line endings and attributes."""
    listed = run([*_command(root), "ls-tree", "-r", "-z", tree, "--", *PARTS]).decode().split("\0")
    entries = []
    for line in filter(None, listed):
        facts, name = line.split("\t", 1)
        mode, _, blob = facts.split()
        if mode not in PLAIN:
            raise DeployError(f"{name} is a link; a release holds plain files only.", "replace it by a file")
        entries.append((name, mode == EXECUTABLE, blob))
    contents = _blobs(root, [blob for _, _, blob in entries])
    return {name: (content, runs) for (name, runs, _), content in zip(entries, contents, strict=True)}


def _blobs(root: Path, names: list[str]) -> list[bytes]:
    """The contents of git objects; `cat-file --batch` frames each by `<name> <type> <size>` and a newline."""
    out = io.BytesIO(run([*_command(root), "cat-file", "--batch"], input="\n".join(names).encode() + b"\n"))
    contents = []
    for _ in names:
        contents.append(out.read(int(out.readline().split()[2])))
        out.read(1)
    return contents


def _working_tree(root: Path) -> str:
    """A tree object of the working tree as it stands, made without touching the index."""
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        run([*_command(root), "read-tree", "HEAD"], environ=index)
        run([*_command(root), "add", "--all", "--", "."], environ=index)
        return run([*_command(root), "write-tree"], environ=index).decode().strip()


def _git(root: Path, *words: str, hint: str = "") -> str:
    try:
        return run([*_command(root), *words]).decode(errors="replace")
    except DeployError as error:
        raise DeployError(error.message, hint or error.hint, details=error.details) from None


def _command(root: Path) -> list[str]:
    return ["git", "-C", os.fspath(root), "-c", "core.quotePath=false"]


def _some(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
