"""Tidying up after a change that has succeeded: what is still used stays, and what cannot go is left."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.apply import acceptance, rehearsal
from deployment.host.apply.steps import perform
from deployment.host.apply.work import Work
from deployment.host.event_log import read_models
from deployment.host.node import files
from deployment.host.records import verified_releases
from deployment.host.records.verified_releases import Place
from deployment.host.values.desired import Running
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from deployment.host.values.step import Step
from tests.deployment.shelves import DEV, release

NAME = "c0ffee000000-111111111111"


def _work(layout: Layout) -> Work:
    made = release(layout)
    models = str(layout.of("dev").data / "projections" / "helionyx.db")
    made = replace(made, id=NAME, config={**made.config, "projections_db_path": models})
    return Work(
        layout.of("dev"),
        layout.root,
        made,
        None,
        Place(deployed=True),
        Running(environment=DEV, release=made),
    )


@pytest.mark.parametrize(
    ("verb", "target"),
    [("prune-releases", NAME), ("prune-layers", "a" * 64), ("prune-projections", "helionyx-0123456789ab.db")],
)
def test_what_cannot_be_pruned_is_left(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, verb: str, target: str
) -> None:
    """A release that came up stays, whatever the disk says to the removal of an older one."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", target)

    monkeypatch.setattr(files, "discard", refuse)
    monkeypatch.setattr(read_models, "remove", refuse)
    remark = perform(_work(layout), Step(verb, (target,)))
    assert remark.startswith("left for the next time: ")
    assert "Read-only file system" in remark


def test_fault_on_a_copy_of_the_log_ends_the_rehearsal(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial goes on beside the soak: the step behind it has its result."""
    monkeypatch.setattr(rehearsal, "install", lambda *_: None)
    monkeypatch.setattr(rehearsal, "begin", lambda *_: "ready")
    monkeypatch.setattr(rehearsal, "finish", lambda *_: None)

    def attempt(*_: object) -> str:
        raise StepFailed("expected status 201.")

    monkeypatch.setattr(acceptance, "attempt", attempt)
    work = _work(layout)
    assert perform(work, Step("rehearse", (NAME,))) == "ready"
    with pytest.raises(StepFailed, match="expected status 201"):
        perform(work, Step("end-rehearsal", (NAME,)))


def test_what_cannot_be_removed_fails(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal is what was asked for there, and no tidying up."""

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(files, "discard", refuse)
    with pytest.raises(StepFailed, match="Read-only file system"):
        perform(_work(layout), Step("remove-releases", ("dev",)))


def test_read_models_of_kept_releases_stay(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that has just come up may have named one of those that were to be pruned."""
    (layout.of("dev").releases / NAME).mkdir(parents=True)
    layout.of("dev").verified.mkdir(parents=True)
    verified_releases.note(layout.of("dev"), NAME, "helionyx-0123456789ab.db", Place(deployed=True))
    removed: set[str] = set()
    monkeypatch.setattr(read_models, "remove", lambda _, __, names: removed.update(names))
    both = ("helionyx-0123456789ab.db", "helionyx-ba9876543210.db")
    assert perform(_work(layout), Step("prune-projections", both)) == "1 removed"
    assert removed == {"helionyx-ba9876543210.db"}
