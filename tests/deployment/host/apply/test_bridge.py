"""The bridge of a switch: its unit, and a bridge that does not come up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployment.build.units import render
from deployment.host.apply import bridge
from deployment.host.apply.steps import perform
from deployment.host.apply.work import Work
from deployment.host.node import dropins, systemd
from deployment.host.records.verified_releases import Place
from deployment.host.values.desired import Running
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.manifest import Manifest
from deployment.host.values.step import BRIDGE, Step
from tests.deployment.shelves import release

NAME = "c0ffee000000-111111111111"


@pytest.fixture
def installed(layout: Layout) -> Manifest:
    """A release with its service unit, on the node."""
    environment = layout.of("dev")
    units = environment.releases / NAME / "units"
    units.mkdir(parents=True)
    rendered = render(environment, "3.11", {"api_host": "0.0.0.0", "api_port": 8000})
    text = rendered[environment.service].decode()
    # The release's own unit names the paths of a node.
    (units / environment.service).write_text(text.replace("/opt/helionyx/", f"{layout.opt}/"))
    return replace(release(layout), id=NAME)


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The orders to systemd, which starts no unit."""
    given: list[str] = []

    def fail(_: Environment, unit: str) -> None:
        given.append(f"start {unit}")
        raise StepFailed(f"{unit} did not come up.", "a hint", ("its last words",))

    def end(unit: str) -> str:
        given.append(f"end {unit}")
        return "exit-code"

    monkeypatch.setattr(systemd, "show", lambda _: {})
    monkeypatch.setattr(systemd, "start_service", fail)
    monkeypatch.setattr(systemd, "end", end)
    return given


def _work(layout: Layout, installed: Manifest, desired: Running) -> Work:
    return Work(layout.of("dev"), layout.root, installed, None, Place(deployed=True), desired)


def test_bridge_is_the_service_on_the_same_socket(layout: Layout, installed: Manifest) -> None:
    """It has the release's own unit, starts the release itself, and ends as slowly as the service may."""
    environment = layout.of("dev")
    changed = layout.root / "etc/systemd/system/helionyx-dev.service.d/x.conf"
    changed.parent.mkdir(parents=True)
    changed.write_text("[Service]\nRestart=always\n")
    files = {str(path.relative_to(layout.root)): text for path, text in _files(environment, installed)}
    directory = "run/systemd/system.control/helionyx-dev-next.service.d"
    assert set(files) == {
        "run/systemd/system/helionyx-dev-next.service",
        f"{directory}/x.conf",
        f"{directory}/{dropins.LAST}",
    }
    unit = files["run/systemd/system/helionyx-dev-next.service"]
    assert f" {environment.releases / NAME}/run.py services.api.runner\n" in unit
    assert f":{environment.releases / NAME}/.env.dev\n" in unit
    assert "/current/" not in unit
    assert "\nRequires=helionyx-dev.socket\n" in unit
    assert unit.count("\nTimeoutStopSec=") == unit.count("\nTimeoutStopSec=20\n") == 1
    for text in (unit, files[f"{directory}/{dropins.LAST}"]):
        last = text.partition("# What a bridge does otherwise")[2]
        assert {"Sockets=helionyx-dev.socket", "Environment=HELIONYX_BRIDGE=1", "Restart=no"} <= set(
            last.splitlines()
        )


def _files(environment: Environment, installed: Manifest) -> list[tuple[Path, str]]:
    return [(path, text.decode()) for path, text in bridge.units(environment, installed).items()]


def test_release_that_does_not_serve_beside_the_service_fails(
    layout: Layout, installed: Manifest, orders: list[str]
) -> None:
    """Before anything of the service is touched; nothing of the bridge is left."""
    work = _work(layout, installed, Running(environment=layout.of("dev"), release=installed))
    with pytest.raises(StepFailed, match=f"release {NAME} did not come up beside the service") as failure:
        perform(work, Step(BRIDGE, (NAME,)))
    assert (failure.value.hint, failure.value.details[0]) == ("a hint", "its last words")
    assert orders == ["start helionyx-dev-next.service", "end helionyx-dev-next.service"]
    assert not any(path.exists() for path in dropins.bridge_places(layout.of("dev")))


@pytest.mark.parametrize("is_revert", [False, True], ids=["restart", "revert"])
@pytest.mark.usefixtures("orders")
def test_restart_goes_on_without_a_bridge(layout: Layout, installed: Manifest, is_revert: bool) -> None:
    """It may be the remedy; a person is told that callers wait."""
    desired = Running(environment=layout.of("dev"), release=installed, restart=not is_revert, back=is_revert)
    work = _work(layout, installed, desired)
    assert perform(work, Step(BRIDGE, (NAME,))) == ""
    assert work.doubts == [f"release {NAME} did not come up beside the service: callers wait for the restart"]


@pytest.mark.usefixtures("orders")
def test_bridge_that_ends_badly_is_a_remark(layout: Layout, installed: Manifest) -> None:
    """The service serves by then."""
    work = _work(layout, installed, Running(environment=layout.of("dev"), release=installed))
    assert perform(work, Step("end-bridge", ("helionyx-dev-next.service",))) == "it ended with exit-code"
