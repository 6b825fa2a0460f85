"""Data that cannot be looked at, such as below a mount that is dead: a fact, and no traceback."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from deployment.host.doctor import faults
from deployment.host.node import systemd
from deployment.host.node.systemd import Unit
from deployment.host.node.wire import Wire
from deployment.host.observe import observe
from deployment.host.releases import links
from deployment.host.transaction import changing
from deployment.host.values.desired import Absent, Desired, Stopped
from deployment.host.values.errors import Refused
from deployment.host.values.layout import Layout
from deployment.host.values.manifest import Manifest
from deployment.host.values.observed import Observed, ReleaseOnDisk
from tests.deployment.shelves import DEV

UNIT = Unit("helionyx-dev.service", "inactive", "dead", 0, 0, stale=False, listen=None, since="")
DEAD = "/var/lib/helionyx/dev/events cannot be looked at: Transport endpoint is not connected"


def dead(*_: object) -> tuple[()]:
    """A look that ends as one at a dead mount does."""
    raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", "/var/lib/helionyx/dev/events")


@pytest.mark.parametrize("desired", [None, Stopped(environment=DEV), Absent(environment=DEV, remove=True)])
def test_look_at_a_dead_mount_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desired: Desired | None
) -> None:
    """All that is known without the data is known all the same."""
    monkeypatch.setattr(systemd, "show", lambda names: dict.fromkeys(names, UNIT))
    monkeypatch.setattr(links, "of", dead)
    seen = observe.observe(Layout(tmp_path).of("dev"), desired)
    assert (seen.blind, seen.service) == (DEAD, "inactive")


def test_dead_mount_is_a_fault(tmp_path: Path) -> None:
    """And nobody asks how full that disk is."""
    release = Manifest("dev", "c", False, "s", "3.11", "p", "l", {}, {}, {}, {}, id="r")
    seen = Observed(blind=DEAD, releases={"r": ReleaseOnDisk()})
    found = [fault.text for fault in faults.of(Layout(tmp_path).of("dev"), seen, release, UNIT)]
    assert DEAD in found


def test_change_over_a_dead_mount_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is looked at in another place, such as for its room, or for a log to restore."""
    monkeypatch.setattr(changing, "_prepare", dead)
    request = {"verb": "deploy", "environment": "dev", "actor": {"name": "Ada"}}
    with pytest.raises(Refused, match="Transport endpoint is not connected") as refused:
        changing.change(Layout(tmp_path), Wire(-1, -1), tmp_path, request)
    assert "umount --lazy" in refused.value.hint
