"""Whether the journal's process has started before its configuration was written."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deployment.host.node.systemd import Unit
from deployment.host.observe import look


@pytest.mark.parametrize(("written", "is_older"), [(-60.0, False), (-10.0, True), (3000.0, False)])
def test_process_is_older_than_its_configuration(tmp_path: Path, written: float, is_older: bool) -> None:
    """Unless that is from before the clock was set back: each change would restart the journal again."""
    started = time.monotonic() - 30
    unit = Unit("j", "active", "running", 7, 0, stale=False, listen=None, since="", started=started)
    path = tmp_path / "journald.conf"
    path.touch()
    os.utime(path, (time.time() + written, time.time() + written))
    assert look._is_older(unit, path) is is_older
