"""What the units of a release ask of systemd."""

from __future__ import annotations

import pytest

from deployment.host.layout import ENVIRONMENTS, Environment
from deployment.units import render
from services.api.connections import MOST, RESERVED

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
