"""A release has the files of the working tree, whatever git's settings and the state of its index."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deployment.build import source
from tests.deployment.conftest import git

CODE = "services/__init__.py"


def test_file_in_place_of_a_directory_and_the_reverse(checkout: Path) -> None:
    """Both are changes like any other."""
    (checkout / CODE).unlink()
    (checkout / CODE).mkdir()
    (checkout / CODE / "a.py").write_text("")
    shutil.rmtree(checkout / "services" / "api")
    (checkout / "services" / "api").write_text("")
    found = source.read(checkout, "dev")
    assert {f"{CODE}/a.py", "services/api"} < set(found.files)
    assert not {CODE, "services/api/runner.py"} & set(found.files)


def test_replaced_commit(checkout: Path) -> None:
    """A release that is named after a commit has its files, whatever `git replace` shows in their place."""
    first = git(checkout, "rev-parse", "HEAD").strip()
    content = (checkout / CODE).read_bytes()
    (checkout / CODE).write_text("OTHER = 1\n")
    git(checkout, "commit", "--quiet", "--all", "--message", "Other code")
    git(checkout, "replace", first, "HEAD")
    git(checkout, "reset", "--quiet", "--hard", first)
    found = source.read(checkout, "dev")
    assert (found.commit, found.changed) == (first, (CODE,))
    (checkout / CODE).write_bytes(content)
    assert not source.read(checkout, "live").dirty


def test_settings_of_the_person_run_and_write_nothing(checkout: Path, tmp_path: Path) -> None:
    """Neither hooks nor monitors run, and a split index leaves no file in the repository."""
    ran = tmp_path / "ran"
    for name in ("monitor", "post-index-change"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (tmp_path / name).chmod(0o755)
    (checkout / CODE).write_text("CHANGED = 1\n")
    (checkout / "services" / "mixed.py").write_bytes(b"A = 1\nB = 1\r\n")
    settings = {
        "core.fsmonitor": str(tmp_path / "monitor"),
        "core.hooksPath": str(tmp_path),
        "core.splitIndex": "true",
        "core.autocrlf": "true",
        "core.safecrlf": "true",
        "diff.orderFile": "/nonexistent",
    }
    for key, value in settings.items():
        git(checkout, "config", key, value)
    before = sorted((checkout / ".git").rglob("*"))
    assert set(source.read(checkout, "dev").changed) == {CODE, "services/mixed.py"}
    assert sorted((checkout / ".git").rglob("*")) == before
    assert not ran.exists()


@pytest.mark.parametrize("spoil", ["damaged", "gone", "in a merge", "staged"])
def test_index_in_any_state(checkout: Path, spoil: str) -> None:
    """The index saves time, and decides nothing."""
    index = checkout / ".git" / "index"
    if spoil == "damaged":
        index.write_bytes(index.read_bytes()[:100])
    elif spoil == "gone":
        index.unlink()
    else:
        content = (checkout / CODE).read_bytes()
        (checkout / CODE).write_text("STAGED = 1\n")
        git(checkout, "add", CODE)
        (checkout / CODE).write_bytes(content)
    if spoil == "in a merge":
        blob = git(checkout, "rev-parse", "HEAD:uv.lock").strip()
        stages = "".join(f"100644 {blob} {stage}\t{CODE}\n" for stage in (1, 2, 3))
        git(checkout, "update-index", "--force-remove", CODE)
        subprocess.run(
            ["git", "-C", str(checkout), "update-index", "--index-info"],
            input=stages.encode(),
            check=True,
            timeout=60,
        )
    assert not source.read(checkout, "live").dirty
    (checkout / CODE).write_text("CHANGED = 1\n")
    assert source.read(checkout, "dev").changed == (CODE,)


def test_files_that_git_knows_are_not_read_again(checkout: Path, tmp_path: Path) -> None:
    """A look takes the times that the index has for files: to read all of them takes most of a look."""
    for path in checkout.rglob("services/**/*"):
        os.utime(path, (1, 1))  # long before the index, which trusts no time that is as late as its own
    git(checkout, "update-index", "--refresh")
    git(checkout, "config", "filter.count.clean", f"echo >> {tmp_path / 'read'}; cat")
    (checkout / ".git" / "info").mkdir(exist_ok=True)
    (checkout / ".git" / "info" / "attributes").write_text("services/*.py filter=count\n")
    assert not source.read(checkout, "live").dirty
    assert not (tmp_path / "read").exists()
