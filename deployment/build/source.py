"""The committed tree: what a release's code is taken from."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import DeployError
from ..host.values.printable import printable
from .repository import git

EXECUTABLE = "100755"
PLAIN = ("100644", EXECUTABLE)  # modes of plain files in a git tree
FILES = ("pyproject.toml", "uv.lock")
PARTS = ("services", *FILES)  # the code of a release
LOOKED_AT = (*PARTS, "deployment")  # with the sources of its units and its start
USUAL = "H?"  # the letters of `ls-files -v` for files that git looks at, and for unknown files
LONGEST_SUBJECT = 200  # characters of a commit's subject in a manifest
READ_TREE = ("read-tree", "--reset", "--no-sparse-checkout")


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
        return str(self.settings["project"]["name"])

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The contents of pyproject.toml."""
        return tomllib.loads(self.files["pyproject.toml"][0].decode())


def read(root: Path, environment: str) -> Source:
    """Read what would be deployed. Raises `DeployError` for a dirty tree and live.

    The working tree never leaks in: a clean one gives the bytes of the commit, a dirty one those of a tree
    object that git makes of it (as `git add --all` would take it), so ignored files stay out of both.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        at_head = pool.submit(head, root)
        with _scratch(root) as scratch:
            return _read(root, environment, *at_head.result(), scratch)


def _read(root: Path, environment: str, commit: str, subject: str, scratch: dict[str, str]) -> Source:
    with ThreadPoolExecutor(max_workers=1) as pool:
        committed = pool.submit(_files, root, commit, {})  # while the working tree is compared with it
        changed = _changed(root, commit, scratch)
        if not changed:
            return Source(commit, subject, dirty=False, files=committed.result())
        if environment == "live":
            raise DeployError(
                f"the tree has changes that are not committed, and live takes none: {_some(changed)}.",
                "git commit, or git stash --include-untracked",
            )
        files = _files(root, _working_tree(root, changed, scratch), scratch)
        return Source(commit, subject, True, files, tuple(changed))


def read_commit(root: Path, commit: str) -> Source:
    """Read the code of a commit, whatever the working tree holds. Raises `DeployError` for an unknown one."""
    commit, subject = head(root, commit)
    return Source(commit, subject, dirty=False, files=_files(root, commit, {}))


def head(root: Path, commit: str = "HEAD") -> tuple[str, str]:
    """The id and the subject of the current commit, or another. Raises `DeployError` where there is none."""
    form = ("--no-patch", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%s")
    shown = git(root, "show", *form, "--end-of-options", f"{commit}^{{commit}}", "--")
    commit, _, subject = shown.decode(errors="surrogateescape").rstrip("\n").partition("\n")
    return commit, printable(subject, LONGEST_SUBJECT)


def changes(root: Path, commit: str) -> list[str]:
    """The files that a release depends on and that differ from the commit. Nothing is written."""
    with _scratch(root) as scratch:
        return _changed(root, commit, scratch)


@contextmanager
def _scratch(root: Path) -> Iterator[dict[str, str]]:
    """Variables by which git has an index and a place for objects that are no part of the repository.

    The repository's own index may say of a file that git is not to look at it (`skip-worktree`).
    """
    shown = git(root, "rev-parse", "--git-path", "objects", "--git-path", "index")
    # They are relative where the repository lies in the checkout itself.
    objects, index = ((root / line).resolve() for line in os.fsdecode(shown).splitlines())
    quoted = str(objects).replace("\\", "\\\\").replace('"', '\\"')
    with tempfile.TemporaryDirectory() as directory:
        with suppress(OSError):  # there may be none
            shutil.copy2(
                index, f"{directory}/index"
            )  # with its time, by which git knows the files of that moment
        yield {
            "GIT_INDEX_FILE": f"{directory}/index",
            "GIT_OBJECT_DIRECTORY": directory,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"',
        }


def _changed(root: Path, commit: str, scratch: dict[str, str]) -> list[str]:
    """The files that are not as they are committed, or not committed at all.

    `git add` would tell them too, and touch the objects of all others.
    """
    try:
        git(root, *READ_TREE, commit, environ=scratch)
        looked = _look(root, scratch)
    except DeployError:  # a damaged index, which git itself could not use either
        looked = None
    if looked is None or any(entry[0] not in USUAL for entry in looked[0]):
        # Git was told to overlook a file. A new index has every file read: five times as long.
        scratch["GIT_INDEX_FILE"] += ".new"
        git(root, *READ_TREE, commit, environ=scratch)
        looked = _look(root, scratch)
    listed, differ = looked
    if differ:  # by their times at least
        git(root, "update-index", "-q", "--refresh", environ=scratch, expect=(0, 1))  # 1: some do
        differ = _differing(root, scratch)
    return sorted({*differ, *(entry[2:] for entry in listed if entry[0] == "?")})


def _look(root: Path, scratch: dict[str, str]) -> tuple[list[str], list[str]]:
    """The files of index and working tree, each behind git's letter for it; and those that may differ."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        words = ("ls-files", "-v", "--cached", "--others", "--exclude-standard", "-z", "--", *LOOKED_AT)
        listed = pool.submit(git, root, *words, environ=scratch)
        differ = _differing(root, scratch)
    return _names(listed.result()), differ


def _differing(root: Path, scratch: dict[str, str]) -> list[str]:
    words = ("diff-files", "--name-only", "--relative", "-z", "--", *LOOKED_AT)
    return _names(git(root, *words, environ=scratch))


def _working_tree(root: Path, changed: list[str], scratch: dict[str, str]) -> str:
    """A tree object of the working tree, as far as a release depends on it."""
    for name in changed:
        if name.endswith("/") and name.startswith(PARTS):  # git names no file of it
            raise DeployError(
                f"{name} is a repository of its own.", "a release holds plain files: move it away"
            )
    there = [name for name in changed if _is_there(root, name)]
    for option, names in (("--force-remove", sorted({*changed} - {*there})), ("--add", there)):
        listed = b"".join(os.fsencode(name) + b"\0" for name in names)
        words = (option, "--replace", "-z", "--stdin")  # a file may be where a directory was
        git(root, "update-index", *words, input=listed, environ=scratch)
    return git(root, "write-tree", environ=scratch).decode().strip()


def _is_there(root: Path, name: str) -> bool:
    """Whether a file or a link has that name. Git follows no link on the way, nor is a directory one file."""
    path = root / name
    above = Path(name).parents
    is_behind_link = any((root / parent).is_symlink() for parent in above if parent.name)
    return os.path.lexists(path) and not is_behind_link and (path.is_symlink() or not path.is_dir())


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
