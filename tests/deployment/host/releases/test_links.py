"""Links in place of our directories: followed where root alone decides where they lead."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployment.host.apply.steps import perform
from deployment.host.apply.work import Work
from deployment.host.event_log import read_models
from deployment.host.event_log.exchange import exchange
from deployment.host.node import files
from deployment.host.observe import directories
from deployment.host.records.verified_releases import Place
from deployment.host.releases import links, releases
from deployment.host.releases.links import Stop
from deployment.host.values.desired import Absent, Running
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.step import Step
from tests.deployment.shelves import release

DEV = Environment("dev")
ROOT, LINK, END = Path("/"), Path("/opt/helionyx"), Path("/srv/big")
OURS = [
    Stop(ROOT, 0, stat.S_IFDIR | 0o755),
    Stop(Path("/opt"), 0, stat.S_IFDIR | 0o755),
    Stop(LINK, 0, stat.S_IFLNK | 0o777),
    Stop(Path("/srv"), 0, stat.S_IFDIR | 0o755),
    Stop(END, 0, stat.S_IFDIR | 0o755),
]


def _with(index: int, **values: Any) -> list[Stop]:
    return [*OURS[:index], replace(OURS[index], **values), *OURS[index + 1 :]]


@pytest.mark.parametrize(
    ("stops", "why"),
    [
        (OURS, ""),
        (OURS[:2], ""),
        (_with(4, uid=997, mode=stat.S_IFDIR | 0o700), ""),  # the data is the service's own at last
        (_with(2, uid=1000), "the link /opt/helionyx is not root's, but of uid 1000"),
        (_with(4, uid=None, mode=None, by_link=True), "it leads to /srv/big, which is not there"),
        (_with(4, uid=None, mode=None), ""),  # a deploy makes it
        (_with(4, mode=stat.S_IFREG | 0o644), "it leads to /srv/big, which is no directory"),
        (_with(3, uid=1000), "/srv, on the way to /srv/big, can be changed by others than root"),
        (_with(3, mode=stat.S_IFDIR | 0o775), "/srv, on the way to /srv/big, can be changed"),
        (_with(3, mode=stat.S_IFDIR | 0o1777), "/srv, on the way to /srv/big, can be changed"),
        (OURS[:2] + [OURS[2]] * 41, "its links lead nowhere but to each other"),
    ],
)
def test_way_is_followed_where_all_of_it_is_of_root(stops: list[Stop], why: str) -> None:
    """The reason names the link or the directory that it is about."""
    assert links.reason(stops).startswith(why)
    assert bool(links.reason(stops)) is bool(why)


def test_way_goes_through_links_of_every_form(tmp_path: Path) -> None:
    """Absolute ones, relative ones, links to links, and those in the middle."""
    (tmp_path / "big" / "data").mkdir(parents=True)
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to(tmp_path / "big" / ".." / "big")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "away").symlink_to("gone")
    stops = links.way(tmp_path / "one" / "data")
    assert [stop.path.name for stop in stops if stop.is_link] == ["one", "two"]
    assert stops[-1].path == tmp_path / "big" / "data"
    assert all(stop.uid == 0 for stop in stops[:2])
    assert len([stop for stop in links.way(tmp_path / "round") if stop.is_link]) > links.LONGEST
    assert links.way(tmp_path / "away")[-1] == Stop(tmp_path / "gone", by_link=True)
    assert links.way(tmp_path / "one" / "new" / "newer")[-1] == Stop(tmp_path / "big" / "new")
    assert not [stop for stop in links.way(tmp_path / "big") if stop.is_link]


@pytest.fixture
def linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A node whose code and data lie on another disk; what lies above is as good as root's."""
    layout = Layout(tmp_path / "root")
    for path in (
        layout.opt.parent,
        layout.of("dev").data.parent,
        layout.locks,
        tmp_path / "opt",
        tmp_path / "dev",
    ):
        path.mkdir(parents=True)
    layout.opt.symlink_to(tmp_path / "opt")
    layout.of("dev").data.symlink_to(tmp_path / "dev")
    monkeypatch.setattr(links, "reason", lambda _: "")
    monkeypatch.setattr(directories, "user_id", lambda _: os.getuid())
    return layout


def test_directories_are_made_behind_a_link(linked: Layout, tmp_path: Path) -> None:
    """Owner and mode are those of what the link leads to, and afterwards nothing is left to do."""
    work = Work(
        linked.of("dev"), linked.root, release(linked), None, Place(deployed=True), Running(environment=DEV)
    )
    wrong = [path for path, right in directories.directories(linked.of("dev")).items() if not right]
    assert str(linked.of("dev").data) in wrong
    perform(work, Step("create-directories", tuple(wrong)))
    assert all(directories.directories(linked.of("dev")).values())
    assert stat.S_IMODE((tmp_path / "dev").stat().st_mode) == 0o700
    assert (tmp_path / "dev" / "events").is_dir()
    assert linked.of("dev").data.is_symlink()


def test_link_among_what_the_service_owns_is_named(linked: Layout) -> None:
    """A link of the service could lead root anywhere."""
    (linked.of("dev").data / "events").symlink_to("/root")
    (item,) = links.of(linked.of("dev"))
    assert item.text == f"{linked.of('dev').data}/events cannot be used: a link is not followed there"
    assert item.inner, "a removal takes it away"
    assert "a mount of root's" in item.hint


def test_what_a_link_leads_to_is_emptied_and_stays(
    linked: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a volume does: the next deploy finds its place on the bigger disk again."""
    monkeypatch.setattr(files, "give", lambda *_: None)
    (tmp_path / "own" / "releases").mkdir(parents=True)
    (linked.opt / "dev").symlink_to(tmp_path / "own")
    (linked.of("dev").data / "events").mkdir()
    work = Work(linked.of("dev"), linked.root, None, None, Place(deployed=True), Absent(environment=DEV))
    perform(work, Step("remove-releases", ("dev",)))
    perform(work, Step("delete-data", ("dev",)))
    for link, target in ((linked.opt / "dev", tmp_path / "own"), (linked.of("dev").data, tmp_path / "dev")):
        assert link.is_symlink()
        assert list(target.iterdir()) == []
        assert not directories.is_home(link)


def test_logs_change_places_behind_a_link(linked: Layout, tmp_path: Path) -> None:
    """A restore on the bigger disk; what the service itself has linked is still not followed."""
    data = linked.of("dev").data
    for path in (data / "events" / "one", data / "kept" / "x" / "other"):
        path.mkdir(parents=True)
    exchange(data, data / "events", data / "kept" / "x")
    assert (tmp_path / "dev" / "events" / "other").is_dir()
    (data / "kept").rename(tmp_path / "kept")
    (data / "kept").symlink_to(tmp_path / "kept")
    with pytest.raises(NotADirectoryError):
        exchange(data, data / "events", data / "kept" / "x")


def test_read_models_behind_a_link_of_root_are_ours(linked: Layout, tmp_path: Path) -> None:
    """Read models behind a link of the service do not count."""
    made = release(linked)
    models = linked.of("dev").data / "projections" / "helionyx.db"
    made = replace(made, config={**made.config, "projections_db_path": str(models)})
    name = "helionyx-0123456789ab.db"
    models.parent.mkdir()
    (models.parent / name).touch()
    assert read_models.present(made, linked.of("dev").data) == (name,)
    models.parent.rename(tmp_path / "elsewhere")
    models.parent.symlink_to(tmp_path / "elsewhere")
    assert read_models.present(made, linked.of("dev").data) == ()


def test_directory_behind_a_link_is_right_by_its_own_mode(tmp_path: Path) -> None:
    """The mode of a link is no one's."""
    (tmp_path / "a").mkdir(mode=0o700)
    (tmp_path / "b").symlink_to("a")
    assert not releases.is_right(tmp_path / "b", os.getuid(), 0o700)
    assert releases.is_right((tmp_path / "b").resolve(), os.getuid(), 0o700)
