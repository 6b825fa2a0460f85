"""Only what belongs to a release is looked at, and whatever of it differs from the commit is named."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from deployment.build import source
from deployment.errors import DeployError
from deployment.host.values.printable import printable
from deployment.verbs import checkout as here
from tests.deployment.conftest import git

CODE = "services/__init__.py"


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_change_that_git_was_told_to_overlook_is_named(checkout: Path, flag: str) -> None:
    """A skipped file would enter the release like any other change, and live takes none."""
    git(checkout, "update-index", flag, CODE, "uv.lock")
    assert not source.read(checkout, "live").dirty
    (checkout / CODE).write_text("CHANGED = 1\n")
    found = source.read(checkout, "dev")
    assert (found.changed, found.files[CODE][0]) == ((CODE,), b"CHANGED = 1\n")
    assert here.tree(checkout).changed == (CODE,)
    with pytest.raises(DeployError, match=rf"live takes none: {CODE}"):
        source.read(checkout, "live")


def test_what_is_no_part_of_a_release_is_not_looked_at(checkout: Path) -> None:
    """Neither notes and other files nor a repository within it, whatever state they are in."""
    (checkout / "notes").mkdir()
    (checkout / "notes" / os.fsdecode(b"caf\xe9")).write_text("")
    git(checkout, "init", "--quiet", "nested")
    (checkout / "README.md").write_text("")
    assert not source.read(checkout, "live").dirty
    assert here.tree(checkout).changed == ()


def test_nothing_is_touched_by_a_look(checkout: Path) -> None:
    """Not even the time of an object, which `git add` renews."""

    def times() -> dict[Path, int]:
        return {path: path.lstat().st_mtime_ns for path in checkout.rglob("*")}

    (checkout / CODE).write_text("CHANGED = 1\n")
    before = times()
    assert here.tree(checkout).changed == (CODE,)
    assert times() == before


def test_what_makes_the_units_belongs_to_a_release(checkout: Path) -> None:
    """A change of it is a change of what is deployed, though no file of it is in the release."""
    (checkout / "deployment" / "build").mkdir(parents=True)
    (checkout / "deployment" / "build" / "units.py").write_text("A = 1\n")
    found = source.read(checkout, "dev")
    assert found.changed == ("deployment/build/units.py",)
    assert not [name for name in found.files if name.startswith("deployment")]


def test_whatever_differs_is_named(checkout: Path) -> None:
    """New, changed, deleted, renamed or with another mode; staged or not; the index stays as it is."""
    git(checkout, "mv", "services/config.py", "services/größe.py")
    (checkout / "services" / "env_file.py").unlink()
    (checkout / "services" / "formats.py").chmod(0o755)
    (checkout / "services" / "new.py").write_text("")
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    before = git(checkout, "status", "--porcelain")
    objects = sorted((checkout / ".git" / "objects").rglob("*"))
    changed = source.read(checkout, "dev").changed
    assert set(changed) == {
        "pyproject.toml",
        *(f"services/{name}.py" for name in ("config", "größe", "env_file", "formats", "new")),
    }
    assert git(checkout, "status", "--porcelain") == before
    assert sorted((checkout / ".git" / "objects").rglob("*")) == objects


def _name_in_latin_1(root: Path) -> None:
    (root / "services" / os.fsdecode(b"caf\xe9.py")).write_text("")


def _line_end_in_a_name(root: Path) -> None:
    (root / "services" / "a\nb.py").write_text("")


def _repository_of_another(root: Path) -> None:
    git(root, "init", "--quiet", "services/nested")
    git(root / "services" / "nested", "commit", "--quiet", "--allow-empty", "--message", "A commit")


def _repository_without_commits(root: Path) -> None:
    git(root, "init", "--quiet", "services/nested")


def _link(root: Path) -> None:
    (root / "services" / "link.py").symlink_to("config.py")


def _link_for_a_directory(root: Path) -> None:
    (root / "services").rename(root / "moved")
    (root / "services").symlink_to("moved")


def _no_lock(root: Path) -> None:
    (root / "uv.lock").unlink()


def _no_repository(root: Path) -> None:
    shutil.rmtree(root / ".git")


def _no_commit(root: Path) -> None:
    shutil.rmtree(root / ".git")
    git(root, "init", "--quiet")


@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        (_name_in_latin_1, r"services/caf\xe9.py is no name", "rename it"),
        (_line_end_in_a_name, r"services/a\u000ab.py is no name", "rename it"),
        (_repository_of_another, "services/nested/ is a repository of its own", "plain files"),
        (_repository_without_commits, "services/nested/ is a repository of its own", "plain files"),
        (_link, "services/link.py is a link", "plain files"),
        (_link_for_a_directory, "services is a link", "plain files"),
        (_no_lock, "uv.lock is not in the release", "git checkout HEAD -- uv.lock"),
        (_no_repository, "is no git repository, as an unpacked archive is none", "git clone the project"),
        (_no_commit, "there is no commit in", "git add --all && git commit"),
    ],
)
def test_what_no_release_can_be_made_of(
    checkout: Path, spoil: Callable[[Path], None], message: str, hint: str
) -> None:
    """The refusal is one sentence with the remedy."""
    spoil(checkout)
    with pytest.raises(DeployError) as refused:
        source.read(checkout, "dev")
    assert message in printable(refused.value.message)
    assert hint in refused.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a checkout away")
def test_checkout_of_another_user(checkout: Path) -> None:
    """Git's own remedy is the hint, as a command to paste; no commit would help."""
    os.chown(checkout, 65534, 65534)
    os.chown(checkout / ".git", 65534, 65534)
    with pytest.raises(DeployError, match="dubious ownership") as refused:
        source.read(checkout, "dev")
    assert refused.value.hint == f"git config --global --add safe.directory {checkout}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_unreadable_file(checkout: Path) -> None:
    """An unreadable file is named where it belongs to the release, and ignored elsewhere."""
    (checkout / "notes").write_text("")
    (checkout / "notes").chmod(0)
    assert not source.read(checkout, "live").dirty
    (checkout / CODE).chmod(stat.S_IWUSR)
    with pytest.raises(DeployError, match=rf"{CODE}.*Permission denied"):
        source.read(checkout, "dev")
