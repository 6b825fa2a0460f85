"""Drop-ins: which of them change a unit, and how a rehearsal is changed by them as the service is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.apply import rehearsal, steps
from deployment.host.apply.work import Work
from deployment.host.node import dropins, systemd
from deployment.host.node.dropins import LAST
from deployment.host.records.verified_releases import Place
from deployment.host.values.desired import Running
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.step import Step
from tests.deployment.shelves import release

DEV, LIVE = Environment("dev"), Environment("live")
SERVICE = "helionyx-dev.service"


def _put(layout: Layout, name: str, text: str = "[Service]\n") -> Path:
    path = layout.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("directory", "units"),
    [
        ("helionyx-dev.service.d", {SERVICE}),
        ("helionyx-dev.socket.d", {"helionyx-dev.socket"}),
        ("helionyx-.service.d", {SERVICE}),  # live is called helionyx, without a hyphen
        ("service.d", {SERVICE, "helionyx.service"}),
        ("socket.d", {"helionyx-dev.socket", "helionyx.socket"}),
        ("helionyx.service.d", {"helionyx.service"}),
        ("helionyx-staging.service.d", set()),
        ("helionyx-dev-.service.d", set()),
    ],
)
@pytest.mark.parametrize("place", ["etc", "run", "usr/local/lib"])
def test_drop_in_changes_the_units_of_its_directory(
    tmp_path: Path, place: str, directory: str, units: set[str]
) -> None:
    """By the whole name, by its beginning, or by the type, in all places of the administrator."""
    layout = Layout(tmp_path)
    path = _put(layout, f"{place}/systemd/system/{directory}/x.conf")
    _put(layout, f"{place}/systemd/system/{directory}/x.txt")
    all_units = [unit for item in (DEV, LIVE) for unit in (item.service, item.socket)]
    assert {unit for unit in all_units if dropins.of(layout, unit) == {"x.conf": path}} == units
    assert bool(dropins.named(layout.of("dev"))) is any("dev" in unit for unit in units)


@pytest.mark.parametrize("place", ["etc", "run", "usr/local/lib"])
def test_drop_in_of_the_journal_is_named(tmp_path: Path, place: str) -> None:
    """`Storage=none` in one would leave no lines, and nobody would know why."""
    layout = Layout(tmp_path)
    path = _put(layout, f"{place}/systemd/journald@helionyx-dev.conf.d/x.conf", "[Journal]\nStorage=none\n")
    assert dropins.named(layout.of("dev")) == (str(path),)
    assert dropins.named(layout.of("live")) == ()


def test_what_is_no_file_is_no_drop_in(tmp_path: Path) -> None:
    """A directory, and a pipe, which would be waited for without end."""
    layout = Layout(tmp_path)
    place = tmp_path / "etc/systemd/system" / f"{SERVICE}.d"
    (place / "directory.conf").mkdir(parents=True)
    os.mkfifo(place / "pipe.conf")
    assert dropins.of(layout, SERVICE) == {}


def test_of_two_of_one_name_the_nearer_counts(tmp_path: Path) -> None:
    """A unit's own directory before that of its type, /etc before /run; an empty file ends a name."""
    layout = Layout(tmp_path)
    by_type = _put(layout, "etc/systemd/system/service.d/x.conf")
    assert dropins.of(layout, SERVICE) == {"x.conf": by_type}
    own = _put(layout, f"usr/local/lib/systemd/system/{SERVICE}.d/x.conf")
    assert dropins.of(layout, SERVICE) == {"x.conf": own}
    nearer = _put(layout, f"etc/systemd/system/{SERVICE}.d/x.conf")
    assert dropins.of(layout, SERVICE) == {"x.conf": nearer}
    nearer.unlink()
    nearer.symlink_to("/dev/null")
    assert dropins.of(layout, SERVICE) == {}


def test_those_of_the_distribution_are_read_and_not_named(tmp_path: Path) -> None:
    """They change every service of the node alike."""
    layout = Layout(tmp_path)
    path = _put(layout, "usr/lib/systemd/system/service.d/10-timeout.conf")
    assert dropins.of(layout, SERVICE) == {"10-timeout.conf": path}
    assert dropins.named(layout.of("dev")) == ()


def _units(environment: Environment) -> dict[str, str]:
    """The files of a rehearsal by their paths below `run/systemd`."""
    made = replace(release(environment.layout), id="c0ffee000000-111111111111")
    own = f"[Service]\nExecStart=/usr/bin/python3.11 {environment.current}/run.py\n"
    path = environment.releases / made.id / "units" / environment.service
    _put(environment.layout, str(path.relative_to(environment.layout.root)), own)
    files = rehearsal.units(environment, made)
    top = environment.layout.root / "run/systemd"
    return {str(path.relative_to(top)): content.decode() for path, content in files.items()}


def test_rehearsal_without_drop_ins_is_two_files(tmp_path: Path) -> None:
    """Nothing more is written where nothing changes the units."""
    assert set(_units(Layout(tmp_path).of("dev"))) == {
        "system/helionyx-dev-rehearsal.socket",
        "system/helionyx-dev-rehearsal.service",
    }


def test_rehearsal_is_changed_as_the_service_is(tmp_path: Path) -> None:
    """A rehearsal runs the release itself; the settings of the rehearsal are read last."""
    layout = Layout(tmp_path)
    start = (
        f"[Service]\nExecStart=\nExecStart=/bin/env X=1 {layout.of('dev').current}/run.py\nRestart=always\n"
    )
    _put(layout, f"etc/systemd/system/{SERVICE}.d/zz.conf", start)
    _put(layout, "etc/systemd/system/helionyx-dev.socket.d/more.conf", "[Socket]\nListenStream=9000\n")
    files = _units(layout.of("dev"))
    place = "system.control/helionyx-dev-rehearsal"
    assert (
        f"{layout.of('dev').releases}/c0ffee000000-111111111111/run.py" in files[f"{place}.service.d/zz.conf"]
    )
    assert "/current/" not in files[f"{place}.service.d/zz.conf"]
    assert "\nRestart=no\n" in files[f"{place}.service.d/{LAST}"]
    assert "HELIONYX_REHEARSAL=1" in files[f"{place}.service.d/{LAST}"]
    assert "\nListenStream=\nListenStream=/" in files[f"{place}.socket.d/{LAST}"]
    assert sorted(name for name in files if ".d/" in name)[-1].endswith(LAST)


def test_what_changes_the_rehearsal_alone_is_taken_out_of_force(tmp_path: Path) -> None:
    """The rehearsal of live begins with `helionyx-`, which live itself does not."""
    layout = Layout(tmp_path)
    _put(layout, "etc/systemd/system/helionyx-.service.d/dev.conf")
    assert dropins.named(layout.of("live")) == ()
    files = _units(layout.of("live"))
    assert files["system.control/helionyx-rehearsal.service.d/dev.conf"] == ""
    for path, text in files.items():
        _put(layout, f"run/systemd/{path}", text)
    assert set(dropins.of(layout, "helionyx-rehearsal.service")) == {LAST}
    assert len([path for path in dropins.rehearsal_places(layout.of("live")) if path.exists()]) == 3


def test_copy_of_a_drop_in_is_read_by_root_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody may have meant it who keeps a password in one."""
    layout = Layout(tmp_path)
    path = _put(layout, f"etc/systemd/system/{SERVICE}.d/x.conf", "[Service]\nEnvironment=PASSWORD=secret\n")
    path.chmod(0o600)
    _units(layout.of("dev"))
    monkeypatch.setattr(systemd, "show", lambda _: {})
    rehearsal.install(layout.of("dev"), replace(release(layout), id="c0ffee000000-111111111111"))
    places = dropins.rehearsal_places(layout.of("dev"))
    copies = [copy for place in places if place.is_dir() for copy in place.iterdir()]
    assert {copy.name for copy in copies} == {"x.conf", LAST}
    assert {copy.stat().st_mode & 0o777 for copy in copies} == {0o600}


@pytest.mark.parametrize(("verb", "named"), [("restart-service", True), ("install-units", False)])
def test_failure_of_a_changed_unit_names_its_drop_ins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, *, named: bool
) -> None:
    """The error lists the drop-ins; steps that start nothing do not name them."""

    def fail(*_: object) -> None:
        raise StepFailed("it did not come up.", "look", ("its last words",))

    layout = Layout(tmp_path)
    path = _put(layout, f"etc/systemd/system/{SERVICE}.d/memory.conf")
    monkeypatch.setitem(steps.STEPS, verb, fail)
    work = Work(
        layout.of("dev"), tmp_path, release(layout), None, Place(deployed=True), Running(environment=DEV)
    )
    with pytest.raises(StepFailed) as failure:
        steps.perform(work, Step(verb, ("x",)))
    assert failure.value.details[0] == "its last words"
    assert (str(path) in failure.value.details[-1]) is named
