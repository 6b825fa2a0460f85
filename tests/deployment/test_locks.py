"""One change at a time, and a lock that dies with its holder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deployment.host import locks
from deployment.host.errors import Refused
from deployment.host.layout import Layout
from deployment.settings import ROOT

HOLDER = {"actor": "Ada", "verb": "deploy", "transaction": "t1"}
HOLD = """
import sys, time
from pathlib import Path
from deployment.host import locks
from deployment.host.layout import Layout
bob = {"actor": "Bob", "verb": "restart", "transaction": "t9"}
with locks.environment_lock(Layout(Path(sys.argv[1])), "dev", bob):
    print("held", flush=True)
    time.sleep(60)
"""


def test_second_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    """Who, what and which transaction."""
    layout = Layout(tmp_path)
    with (
        locks.environment_lock(layout, "dev", HOLDER),
        pytest.raises(Refused, match=r"dev is being changed by Ada \(deploy\) since 0 s; transaction t1"),
        locks.environment_lock(layout, "dev", HOLDER),
    ):
        pass
    assert locks.holder(layout, "dev") is None


def test_environments_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A deploy to dev does not hold live up."""
    layout = Layout(tmp_path)
    with locks.environment_lock(layout, "dev", HOLDER), locks.environment_lock(layout, "live", HOLDER):
        held = locks.holder(layout, "dev")
        assert held is not None
        assert held["actor"] == "Ada"


def test_who_looks_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a directory nor a file on a node where nobody has ever changed anything."""
    assert locks.holder(Layout(tmp_path), "dev") is None
    assert not list(tmp_path.iterdir())


def test_lock_dies_with_its_holder(tmp_path: Path) -> None:
    """Killed without a word, it leaves nothing to clear up."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        held = locks.holder(Layout(tmp_path), "dev")
        assert held is not None
        assert held["actor"] == "Bob"
        other.kill()
    with locks.environment_lock(Layout(tmp_path), "dev", HOLDER):
        pass
