"""What the units of a release ask of systemd."""

from __future__ import annotations

import pytest

from deployment.host.layout import ENVIRONMENTS, Environment
from deployment.units import render


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_stuck_service_is_replaced(name: str) -> None:
    """After a time that a busy machine does not need by accident; its secrets are left on no disk."""
    environment = Environment(name)
    unit = render(environment, "3.11", "0.0.0.0", 8000)[environment.service].decode().splitlines()
    assert {"Type=notify", "Restart=always", "WatchdogSec=10", "LimitCORE=0"} <= set(unit)
