"""A log that does not fit beside the one in use is refused, and nothing is left of what failed to arrive."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from deployment.host.apply import steps
from deployment.host.apply.work import Work
from deployment.host.event_log import archived_logs, log_commands, read_models
from deployment.host.node import run
from deployment.host.records.record import Transaction
from deployment.host.releases import releases
from deployment.host.transaction import changing
from deployment.host.transaction.request import desired_of
from deployment.host.transaction.resolve import resolve
from deployment.host.values.desired import Unchanged
from deployment.host.values.errors import Refused, StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.log import Log
from deployment.host.values.request import Request
from deployment.host.values.step import Step
from tests.deployment.shelves import release, resolved

DEV = Environment("dev")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A node on which everybody is the environment's user, and a log that was sent."""
    layout = Layout(tmp_path)
    for place in (layout.of("dev").data, layout.state, layout.opt):
        place.mkdir(parents=True)
    (tmp_path / "log.db").write_bytes(b"x" * 1000)

    def alone(argv: list[str], **more: Any) -> str:
        return run.run(argv, **{**more, "user": None})

    monkeypatch.setattr(archived_logs, "run", alone)
    return layout


def volume(monkeypatch: pytest.MonkeyPatch, data: Path, free: int) -> None:
    """Let the data have a volume of its own."""
    usage = shutil.disk_usage

    def told(path: Path) -> Any:
        return Usage(free, 0, free) if path == data else usage(path)

    monkeypatch.setattr(shutil, "disk_usage", told)


def install(layout: Layout) -> None:
    """Lay down what was sent."""
    archived_logs.install(layout.of("dev"), release(layout), layout.root / "log.db", Log(5, "a" * 64))


def test_log_that_does_not_fit_is_refused_before_it_is_sent(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much room there is where it is staged: the service needs some, too."""
    volume(monkeypatch, layout.of("dev").data, 32 << 20)

    class Wire:
        def say(self, *_: Any, **__: Any) -> None: ...

        def hear(self) -> dict[str, Any]:
            return {"size": 1000, "sha256": ""}

        def receive(self, *_: Any) -> None:
            raise AssertionError("nothing is to be sent")

    wire: Any = Wire()
    with pytest.raises(Refused, match="the log takes 34 MB on the node"):
        changing._stage(
            wire,
            Transaction("t1", layout),
            resolved(layout, "restore"),
            (Step("install-log", ("5-aaa",)),),
        )


def test_log_that_fits_no_more_is_not_laid_down(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room may have gone since it was sent."""
    volume(monkeypatch, layout.of("dev").data, 32 << 20)
    with pytest.raises(Refused, match=r"34 MB left\."):
        install(layout)
    assert list(layout.of("dev").data.iterdir()) == []


@pytest.mark.parametrize("stage", ["dd", "prove"])
def test_nothing_is_left_of_an_install_that_fails(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """It would take the room of what is said to the service that runs on."""
    if stage == "dd":
        monkeypatch.setattr(log_commands, "LOG_FILE", "no/such/place")
    monkeypatch.setattr(log_commands, "flaw", lambda *_: "it was cut off")
    with pytest.raises(StepFailed) as failed:
        install(layout)
    assert "exit code" not in failed.value.message
    assert failed.value.hint
    assert list(layout.of("dev").archived_logs.iterdir()) == []


def test_rebuild_without_a_log_is_refused(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a release of any time would make of it is empty, over good read models."""
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    monkeypatch.setattr(releases, "current", lambda *_: "r")
    request = {"verb": "rebuild", "environment": "dev", "actor": {"name": "Ada"}, "dry": True}
    nobody: Any = None
    with pytest.raises(Refused, match=r"there is no event log in .*/dev/events"):
        changing.change(layout, nobody, layout.root, request)


def test_rebuild_that_fails_shows_no_command(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it ran is of no use to who reads it; what it said is."""

    def ask(*_: object, timeout: float) -> None:
        raise StepFailed(f"exit code 1 from: python after {timeout}", details=("error: the disk is full",))

    monkeypatch.setattr(log_commands, "ask", ask)
    found = release(layout)
    found.config["projections_db_path"] = str(layout.of("dev").data / "projections" / "helionyx.db")  # type: ignore[index]
    nobody: Any = None
    work = Work(layout.of("dev"), layout.root, found, None, nobody, Unchanged(environment=DEV, release=found))
    with pytest.raises(StepFailed, match="cannot be rebuilt; the previous ones stay") as failed:
        steps.rebuild_projections(work, found.id)
    assert failed.value.hint
    assert failed.value.details == ("error: the disk is full",)


def test_read_models_that_stay_are_said_without_the_command(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for what a switch removes first."""
    monkeypatch.setattr(read_models, "run", lambda argv, user: run.run([*argv[:-3], user, *argv[-3:], "/"]))
    with pytest.raises(StepFailed, match="cannot remove read models in") as failed:
        read_models.remove(DEV, layout.of("dev").data, ["a.db"])
    assert "rm" not in failed.value.message.split()


def test_kept_log_of_what_was_never_deployed(layout: Layout) -> None:
    """The plan says what is missing: not a log, but a release."""
    asked = {
        "verb": "restore",
        "environment": "dev",
        "actor": {"name": "Ada"},
        "log": {"kept": "5-aaaaaaaaaaaa"},
    }
    request = resolve(Request.parse(asked, layout), None, asked)
    assert request.archived == "5-aaaaaaaaaaaa"
    assert desired_of(request).log is not None
