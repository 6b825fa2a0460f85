"""What the units of a release ask of systemd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployment.build.units import render
from deployment.host.apply import bridge, rehearsal
from deployment.host.node.systemd import SPARE
from deployment.host.values.layout import ENVIRONMENTS, Environment, Layout
from services.api.connections import MOST, RESERVED
from tests.deployment.shelves import release

CONFIG = {"api_host": "0.0.0.0", "api_port": 8000}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_stuck_service_is_replaced(name: str) -> None:
    """After a time that a busy machine does not need by accident; its secrets are left on no disk."""
    environment = Environment(name)
    unit = render(environment, "3.11", CONFIG)[environment.service].decode().splitlines()
    assert {"Type=notify", "Restart=always", "WatchdogSec=10", "LimitCORE=0"} <= set(unit)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_as_many_connections_as_the_service_holds(name: str) -> None:
    """The unit leaves room for all of them, and for its files."""
    environment = Environment(name)
    unit = render(environment, "3.11", CONFIG)[environment.service].decode()
    assert "\nLimitNOFILE=4096\n" in unit
    assert MOST + RESERVED <= 4096


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_service_that_crashes_is_started_again_for_ever(name: str) -> None:
    """The socket would go down with a service that systemd gives up."""
    environment = Environment(name)
    units = render(environment, "3.11", CONFIG)
    limits = {environment.service: "StartLimitIntervalSec=0", environment.socket: "TriggerLimitIntervalSec=0"}
    for unit, limit in limits.items():
        assert limit in units[unit].decode().splitlines()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_shutdown_does_not_wait_for_a_service_for_ever(name: str) -> None:
    """A unit of root's kills it, its rehearsal and its bridge, later than each has to end by itself."""
    environment = Environment(name)
    units = {unit: text.decode().splitlines() for unit, text in render(environment, "3.11", CONFIG).items()}
    assert f"Wants={environment.shutdown}" in units[environment.service]
    limit = units[environment.shutdown]
    assert "Conflicts=shutdown.target" in limit
    assert not [line for line in limit if line.startswith(("Before=", "After="))], "nothing waits for it"
    wait, kill = (line for line in limit if line.startswith("ExecStop="))
    killed = [environment.service, f"{environment.rehearsal_stem}.service", environment.bridge_service]
    assert kill.split(" ")[-3:] == killed
    assert f"TimeoutStopSec={int(wait.split(' ')[-1]) - 5}" in units[environment.service]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_job_waits_for_a_service_for_ever(name: str) -> None:
    """But longer than a restart may take, to its stop and to its start."""
    environment = Environment(name)
    lines = render(environment, "3.11", CONFIG)[environment.service].decode().splitlines()
    limits = {
        key: int(value) for key, _, value in (line.partition("=") for line in lines) if "Timeout" in key
    }
    assert limits.keys() == {"JobRunningTimeoutSec", "TimeoutStartSec", "TimeoutStopSec"}
    assert limits["JobRunningTimeoutSec"] >= limits["TimeoutStartSec"] + limits["TimeoutStopSec"] + 2 * SPARE


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_https_adds_units_and_lines_to_those_of_others(name: str) -> None:
    """Without it each unit is as ever: a unit that changes restarts its service."""
    environment, files = (
        Environment(name),
        {"tls_cert_file": "/etc/tls/c.pem", "tls_key_file": "/etc/tls/k.pem"},
    )
    plain, secure = render(environment, "3.11", CONFIG), render(environment, "3.11", CONFIG | files)
    assert secure.keys() - plain.keys() == {environment.tls_service, environment.tls_path}
    assert render(environment, "3.11", CONFIG | dict.fromkeys(files)) == plain
    assert [unit for unit in plain if plain[unit] != secure[unit]] == [environment.service]
    before, after = (units[environment.service].decode().splitlines() for units in (plain, secure))
    assert [line for line in after if line not in before] == [
        f"Wants={environment.tls_service} {environment.tls_path}",
        f"After={environment.tls_service}",
        f"Environment=HELIONYX_TLS_FILE={environment.certificate}",
    ]
    assert [line for line in before if line not in after] == []
    path = secure[environment.tls_path].decode().splitlines()
    watched = [line.partition("=")[2] for line in path if line.startswith("PathChanged=")]
    assert watched == ["/etc/tls/c.pem", "/etc/tls", "/etc/tls/k.pem", "/etc/tls"]
    assert f"PartOf={environment.service}" in path


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_rehearsal_has_the_sandbox_of_its_service(name: str, tmp_path: Path) -> None:
    """Line by line, and so has a bridge: what differs stands behind it, and takes none of it back."""
    layout = Layout(tmp_path)
    environment = layout.of(name)
    made = replace(release(layout), environment=name, id="r")
    units = environment.releases / made.id / "units"
    units.mkdir(parents=True)
    content = render(environment, "3.11", CONFIG)[environment.service]
    (units / environment.service).write_bytes(content)
    own = content.decode().replace(environment.socket, environment.rehearsal_files[0].name)
    rehearsed = rehearsal.units(environment, made)[environment.rehearsal_files[1]].decode()
    both = {"Description", "Environment", "SyslogIdentifier", "Restart", "RuntimeMaxSec"}
    shares = {"CPUWeight", "IOWeight", "OOMScoreAdjust"}
    assert _changed(rehearsed, own) == both | shares | {"RuntimeDirectory", "TimeoutStopSec"}
    bridged = bridge.units(environment, made)[environment.bridge_file].decode()
    assert _changed(bridged, content.decode()) == both | {"Sockets"}


def _changed(variant: str, own: str) -> set[str]:
    """The settings that stand behind the service unit's own in a variant of it."""
    assert variant.startswith(own)
    return {line.partition("=")[0] for line in variant.removeprefix(own).splitlines() if "=" in line}


def test_what_the_sandbox_shows_is_there_before_a_service_starts() -> None:
    """A directory of name servers that comes later would not be seen until the next restart."""
    unit = render(Environment("dev"), "3.11", CONFIG)["helionyx-dev.service"].decode()
    assert "\nAfter=network.target nss-lookup.target helionyx-dev.socket\n" in unit
    for line in unit.splitlines():
        if line.startswith("BindReadOnlyPaths=/run/"):
            required = [path for path in line.partition("=")[2].split() if not path.startswith("-")]
            assert required == ["/run/systemd/notify"]
