"""Directories change places in one step, and no link leads the one who lets them outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.host.event_log.exchange import exchange, move


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A log in use, and one that is kept."""
    for name in ("events", "kept/7-aaa"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "who").write_text(name)
    return tmp_path / "data"


def test_two_change_places(data: Path) -> None:
    """Each with all that is in it."""
    exchange(data, data / "events", data / "kept/7-aaa")
    assert (data / "events/who").read_text() == "kept/7-aaa"
    assert (data / "kept/7-aaa/who").read_text() == "events"


def test_move_overwrites_nothing(data: Path) -> None:
    """Not even an empty directory, which a rename would replace."""
    (data / "kept/9-bbb").mkdir()
    with pytest.raises(FileExistsError):
        move(data, data / "kept/7-aaa", data / "kept/9-bbb")
    move(data, data / "kept/7-aaa", data / "kept/8-ccc")
    assert (data / "kept/8-ccc/who").read_text() == "kept/7-aaa"


def test_link_on_the_way_is_not_followed(data: Path, tmp_path: Path) -> None:
    """Whoever owns the data may have put one there."""
    (tmp_path / "outside/7-aaa").mkdir(parents=True)
    (data / "kept").rename(data / "away")
    (data / "kept").symlink_to(tmp_path / "outside")
    with pytest.raises(NotADirectoryError):
        exchange(data, data / "events", data / "kept/7-aaa")
    with pytest.raises(NotADirectoryError):
        move(data, data / "kept/7-aaa", data / "events/7-aaa")
    assert (data / "events/who").read_text() == "events"


def test_one_that_is_missing_is_said(data: Path) -> None:
    """And nothing has moved."""
    with pytest.raises(FileNotFoundError):
        exchange(data, data / "events", data / "kept/none")
    assert (data / "events/who").read_text() == "events"
