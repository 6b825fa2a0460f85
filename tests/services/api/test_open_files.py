"""Whether the files of an open log are still there, asked by several threads at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.event_log.sqlite.open_files import OpenFiles


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file in the place of a log."""
    path = tmp_path / "events.db"
    path.write_bytes(bytes(4096))
    return path


def test_a_file_that_grows_while_it_is_looked_at_was_not_cut(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread has read the size; before it compares that, another one has appended and looked as well."""
    files = OpenFiles(database)
    stat = Path.stat

    def overtaken(path: Path) -> os.stat_result:
        status = stat(path)
        monkeypatch.setattr(Path, "stat", stat)
        with database.open("ab") as file:
            file.write(bytes(4096))
        assert files.loss() is None
        return status

    monkeypatch.setattr(Path, "stat", overtaken)
    assert files.loss() is None
    assert files.loss() is None


def test_a_file_that_was_cut(database: Path) -> None:
    """By its size when it was looked at before, also where it is larger than at the beginning."""
    files = OpenFiles(database)
    os.truncate(database, 8192)
    assert files.loss() is None
    os.truncate(database, 6000)
    assert files.loss() == f"{database} was cut from 8192 to 6000 bytes"
