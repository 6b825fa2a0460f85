"""Jobs that the user of an environment has given to cron or at."""

from __future__ import annotations

import os
from pathlib import Path

from deployment.host.node import jobs
from deployment.host.values.layout import Layout
from tests.deployment.shelves import DEV


def test_jobs_of_cron_and_at_are_named_and_removed(tmp_path: Path) -> None:
    """Those of the user alone: at names its files by number and time, cron by the user."""
    layout, spool = Layout(tmp_path), tmp_path / "var/spool/cron"
    tabs, at = spool / "crontabs", spool / "atjobs"
    assert jobs.of(layout.of("dev"), 1234) == ()
    for place in (tabs, at):
        place.mkdir(parents=True)
    for path in (tabs / DEV.user, tabs / "helionyx", at / "a0001", at / "a0002"):
        path.write_text("@reboot true")
    os.chown(at / "a0001", 1234, 0)
    assert jobs.of(layout.of("dev"), 1234) == (str(tabs / DEV.user), str(at / "a0001"))
    assert jobs.remove(layout.of("dev"), 1234) == 2
    assert sorted(path.name for path in spool.glob("*/*")) == ["a0002", "helionyx"]


def test_crontab_outlives_its_user(tmp_path: Path) -> None:
    """A link in its place is removed, and not followed."""
    tabs = tmp_path / "var/spool/cron/crontabs"
    tabs.mkdir(parents=True)
    (tmp_path / "secret").touch()
    (tabs / DEV.user).symlink_to(tmp_path / "secret")
    assert jobs.remove(Layout(tmp_path).of("dev"), None) == 1
    assert (tmp_path / "secret").exists()
