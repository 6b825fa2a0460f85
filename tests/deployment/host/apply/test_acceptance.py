"""A release on a copy of the log: the unit that it runs in, and what keeps it from being tried."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployment.build.units import render
from deployment.host.apply import acceptance, rehearsal
from deployment.host.event_log import log_commands, room
from deployment.host.node import dropins, systemd
from deployment.host.observe import directories
from deployment.host.transaction import leftovers
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import ENVIRONMENTS, Environment, Layout
from deployment.host.values.log import Log
from deployment.host.values.manifest import Manifest
from tests.deployment.shelves import DEV, release

CONFIG = {"api_host": "0.0.0.0", "api_port": 8000}
ANSWER = {"ok": True, "problem": None, "requests": 21, "position": 24, "digest": "d"}
FREE = 1 << 30


def installed(environment: Environment) -> Manifest:
    """A release on the node that has an acceptance."""
    made = replace(release(environment.layout), id="r")
    root = environment.releases / made.id
    (root / "units").mkdir(parents=True)
    # As on a node: the unit is rendered for `/`.
    unit = render(environment, "3.11", CONFIG)[environment.service].decode()
    for path in ("/opt/helionyx", "/var/lib/helionyx"):
        unit = unit.replace(path, f"{environment.layout.root}{path}")
    (root / "units" / environment.service).write_text(unit)
    (root / acceptance.PROGRAM).parent.mkdir()
    (root / acceptance.PROGRAM).touch()
    return made


def ended(unit: str) -> systemd.Unit:
    """A unit that is not running."""
    return systemd.Unit(unit, "inactive", "dead", pid=0, restarts=0, stale=False, listen=None, since="")


class Node:
    """A node on which units start at once, and a release that copies a log and answers."""

    def __init__(self, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layout, self.started, self.result = layout, list[str](), "success"
        self.answer: dict[str, Any] = ANSWER
        self.release = installed(layout.of("dev"))
        layout.of("dev").sandbox.mkdir(parents=True)
        layout.locks.mkdir(parents=True)
        layout.of("dev").acceptance_file.parent.mkdir(parents=True)
        layout.of("dev").acceptance_file.touch()
        store = layout.of("dev").data / "events"
        store.mkdir(parents=True)
        (store / "events.db").write_bytes(b"log")
        monkeypatch.setattr(systemd, "systemctl", self._systemctl)
        monkeypatch.setattr(systemd, "show", lambda names: {name: ended(name) for name in names})
        monkeypatch.setattr(systemd, "last_words", lambda *_: ("Traceback",))
        monkeypatch.setattr(acceptance, "run", lambda *_, **__: f"{self.result}\n")
        monkeypatch.setattr(log_commands, "ask", self._copy)
        monkeypatch.setattr(directories, "user_id", lambda _: os.getuid())
        monkeypatch.setattr(room, "of", lambda path: room.Room(path, FREE, None))

    def _systemctl(self, _verb: str, unit: str) -> None:
        self.started.append(unit)
        assert (self.layout.of("dev").log_copy / "log").exists()
        (self.layout.locks / "dev-acceptance.json").write_text(json.dumps(self.answer))
        if self.result != "success":
            raise StepFailed("it failed.")

    def _copy(self, *words: object, **_: object) -> dict[str, Any]:
        place = Path(str(words[-1]))
        assert place.stat().st_mode & 0o777 == 0o700
        (place / "log").touch()
        return {"position": 9}

    def attempt(self, log: Log | None = None) -> str:
        return acceptance.attempt(self.layout.of("dev"), self.release, log)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A node with a release in dev. Whatever a test does, nothing of the copy stays."""
    made = Node(Layout(tmp_path), monkeypatch)
    yield made
    assert not made.layout.of("dev").log_copy.exists()
    assert not list(made.layout.locks.iterdir())


def test_release_without_an_acceptance_is_not_tried(node: Node) -> None:
    """Such as one of an earlier version: nothing is copied, and nothing said."""
    node.layout.of("dev").acceptance_file.unlink()
    assert (node.attempt(), node.started) == ("", [])


def test_release_without_a_fault(node: Node) -> None:
    """The remark has the number of requests."""
    assert node.attempt().startswith("21 requests on a copy of the log in ")
    assert node.started == [DEV.acceptance_service]


def test_fault_is_shown_with_the_last_words_of_the_release(node: Node) -> None:
    """The message has the problem that the release's own program prints."""
    node.result, node.answer = "exit-code", {**ANSWER, "ok": False, "problem": "expected status 201"}
    with pytest.raises(
        StepFailed, match="release r failed on a copy of the log: expected status 201"
    ) as error:
        node.attempt()
    assert error.value.details == ("Traceback",)


@pytest.mark.parametrize("answer", [{}, {"requests": "many"}])
def test_end_without_an_answer_is_a_fault(node: Node, answer: dict[str, Any]) -> None:
    """Also with exit code 0: nothing was tried."""
    node.answer = answer
    with pytest.raises(StepFailed, match="did not answer"):
        node.attempt()


def test_death_without_an_answer_is_a_fault(node: Node) -> None:
    """The message has systemd's result."""
    node.result, node.answer = "oom-kill", {}
    with pytest.raises(StepFailed, match="ended with oom-kill"):
        node.attempt()


@pytest.mark.parametrize(
    ("name", "value", "log", "reason"),
    [
        ("LARGEST", 2, None, "it has 0 MB"),
        ("MOST", 8, Log(9, "f" * 64), "it has 0 MB with 9 events"),
        ("TIMES", FREE, None, "MB are needed"),
    ],
)
def test_log_that_is_too_large_is_not_copied(
    node: Node, monkeypatch: pytest.MonkeyPatch, name: str, value: int, log: Log | None, reason: str
) -> None:
    """The remark has the reason, and the release is rehearsed without a copy."""
    monkeypatch.setattr(acceptance, name, value)
    remark = node.attempt(log)
    assert remark.startswith("not tried on a copy of the log: ")
    assert reason in remark
    assert node.started == []


def test_log_that_cannot_be_copied(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged log is the node's fault, and the release may be the one that is deployed for it."""

    def fail(*_: object, **__: object) -> None:
        raise StepFailed("exit code 1", details=("the log is damaged", "  hint: restore it"))

    monkeypatch.setattr(log_commands, "ask", fail)
    assert node.attempt() == "not tried on a copy of the log: the log is damaged"
    assert node.started == []


def test_slow_node_is_no_fault(node: Node) -> None:
    """A unit that systemd ends after its time says nothing about the release."""
    node.result = "timeout"
    assert node.attempt() == f"not tried on a copy of the log: no end after {acceptance.SECONDS} s"


def test_disk_that_others_fill_meanwhile_is_no_fault(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room that was there for the copy may be gone when the release records on it."""
    node.result, node.answer = "exit-code", {**ANSWER, "problem": "expected status 201, got 507"}
    free = iter([FREE, room.SERVICE - 1])
    monkeypatch.setattr(room, "of", lambda path: room.Room(path, next(free), None))
    assert "MB are needed" in node.attempt()


def test_remains_are_swept_and_shown(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed transaction leaves is part of a rehearsal, and the next change removes it."""
    ended: list[str] = []
    unit = systemd.Unit(
        DEV.acceptance_service, "activating", "start", 7, 0, stale=False, listen=None, since=""
    )
    monkeypatch.setattr(systemd, "show", lambda _: {unit.name: unit})
    monkeypatch.setattr(systemd, "end", lambda *names: ended.extend(names))
    path, copy = node.layout.of("dev").acceptance_file, node.layout.of("dev").log_copy
    copy.mkdir()
    (copy / "log").touch()
    places = dropins.rehearsal_places(node.layout.of("dev"))
    assert {path, copy} <= set(places)
    leftovers.sweep_all(node.layout.of("dev"))
    assert ended == [DEV.acceptance_service]
    assert not any(place.exists() for place in places)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_unit_sees_the_copy_alone(name: str, tmp_path: Path) -> None:
    """The copy is mounted in place of the data, the network is closed, and no other line is taken back."""
    environment = Layout(tmp_path).of(name)
    made = installed(environment)
    (text,) = acceptance.units(environment, made).values()
    lines = text.decode().splitlines()
    mounts = [line for line in lines if line.startswith("BindPaths=")]
    assert mounts == [f"BindPaths={environment.log_copy}:{environment.data}"]
    families = [line for line in lines if line.startswith("RestrictAddressFamilies=")]
    assert families[-2:] == ["RestrictAddressFamilies=", "RestrictAddressFamilies=AF_UNIX"]
    assert not [line for line in lines if "/current/" in line or line.endswith(environment.socket)]
    assert [line for line in lines if line.startswith("Type=")][-1] == "Type=oneshot"
    (rehearsed,) = [
        content.decode()
        for path, content in rehearsal.units(environment, made).items()
        if path.suffix == ".service"
    ]
    own = rehearsed.partition("\n# What a rehearsal does otherwise")[0].splitlines()
    missing = {line for line in own if line not in lines}
    assert missing == {f"BindPaths=-{environment.data}"}


def test_release_without_an_acceptance_has_no_unit(tmp_path: Path) -> None:
    """An older release is rehearsed as before."""
    layout = Layout(tmp_path)
    made = installed(layout.of("dev"))
    (layout.of("dev").releases / made.id / acceptance.PROGRAM).unlink()
    assert acceptance.units(layout.of("dev"), made) == {}


def test_drop_ins_change_the_unit_as_the_service(tmp_path: Path) -> None:
    """The differences of the acceptance are read behind them, and the data stay closed."""
    layout = Layout(tmp_path)
    made = installed(layout.of("dev"))
    directory = tmp_path / "etc/systemd/system/helionyx-dev.service.d"
    directory.mkdir(parents=True)
    (directory / "x.conf").write_text(f"[Service]\nExecStart=/bin/true\nBindPaths=-{layout.of('dev').data}\n")
    files = {path.name: text.decode() for path, text in acceptance.units(layout.of("dev"), made).items()}
    assert f"BindPaths={layout.of('dev').log_copy}:" in files["x.conf"]
    assert "services.acceptance run" in files[dropins.LAST]
