"""An event log that gives way to a backup: the one of before is kept, and comes back when anything fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .operator import LIMIT, Operator
from .test_kill import shoot

pytestmark = pytest.mark.e2e

SHELF = "/var/lib/helionyx/dev/kept"
WRITE = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from services.event_log import Draft, EventLog
moment = datetime(2026, 1, 1, tzinfo=UTC)
log = EventLog.open(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    data = {"text": f"from the backup, {number}", "source": "api"}
    log.append([Draft("MessageRecorded", 1, moment, data)])
log.close()
"""


@pytest.fixture
def backup(dev: Operator, tmp_path: Path) -> Path:
    """A log of five messages that dev was never told."""
    argv = [str(dev.root / ".venv/bin/python"), "-c", WRITE, str(tmp_path / "store"), "5"]
    subprocess.run(argv, cwd=dev.root, check=True, timeout=LIMIT)
    return tmp_path / "store" / "events.db"


def test_backup_takes_the_place_and_the_log_of_before_is_kept(dev: Operator, backup: Path) -> None:
    """Verified, with read models of its own; and nothing is to do the second time."""
    dev.tell("dev", ["before the restore"])
    before = dev.status("dev")["log"]
    result = dev.change("restore", "dev", BACKUP=str(backup))
    assert (result["outcome"], result["callers"]) == ("done", "an interruption")
    assert dev.status("dev")["log"]["length"] == 5
    assert b"from the backup, 4" in dev.ask("dev", "/api/v1/messages")[1]
    assert b"before the restore" not in dev.ask("dev", "/api/v1/messages")[1]
    kept = f"{before['length']}-{before['head'][:12]}"
    assert dev.on_node("ls", SHELF).split() == [kept]
    assert dev.change("restore", "dev", BACKUP=str(backup))["outcome"] == "nothing"
    dev.tell("dev", ["after the restore"])
    assert dev.status("dev")["log"]["length"] == 6
    owners = dev.on_node("sh", "-c", "find /var/lib/helionyx/dev -printf '%u\\n'")
    assert set(owners.split()) == {"helionyx-dev"}


def test_damaged_backup_is_refused(dev: Operator, backup: Path) -> None:
    """Before anything is sent, with its position."""
    content = backup.read_bytes()
    backup.write_bytes(content.replace(b"from the backup, 2", b"from the backup, X"))
    before = dev.status("dev")
    result = dev.change("restore", "dev", code=2, BACKUP=str(backup))
    assert "its record at position 3" in result["message"]
    assert dev.status("dev")["pid"] == before["pid"]
    assert "there is no backup" in dev.change("restore", "dev", code=2, BACKUP="nowhere.db")["message"]


def test_live_is_restored_only_for_who_types_it(dev: Operator, backup: Path) -> None:
    """As its data is deleted only so."""
    result = dev.change("restore", "live", code=2, BACKUP=str(backup), CONFIRM="dev")
    assert "only when live is typed" in result["message"]


def test_restore_that_fails_brings_the_log_of_before_back(dev: Operator, backup: Path) -> None:
    """A release that does not come up with the other log: all that was said is there again."""
    dev.tell("dev", ["before the restore that fails"])
    events = dev.events("dev")
    moody = '    os.umask(0o077)\n    if Path("/etc/moody").exists():\n        raise SystemExit("moody")\n'
    dev.edit("services/api/runner.py", "    os.umask(0o077)\n", moody)
    dev.deploy("dev")
    dev.on_node("touch", "/etc/moody")
    try:
        dev.change("restore", "dev", code=4, BACKUP=str(backup))
    finally:
        dev.on_node("rm", "/etc/moody")
    assert dev.change("start", "dev")["exit_code"] == 0
    assert dev.events("dev") == events


@pytest.mark.parametrize("verb", ["install-log", "close-socket", "switch-log", "restart-service"])
def test_killed_restore_arrives(dev: Operator, backup: Path, verb: str) -> None:
    """Shot in the middle of any step, it goes on; no log is lost on the way."""
    dev.tell("dev", [f"before the shot in {verb}"])
    before = dev.status("dev")["log"]
    with shoot(dev, f'"verb": "{verb}"'):
        done = dev.script("restore", "dev", BACKUP=str(backup))
    assert done.returncode == 0, done.stdout + done.stderr
    assert dev.status("dev")["log"]["length"] == 5
    assert f"{before['length']}-{before['head'][:12]}" in dev.on_node("ls", SHELF)
