"""What is said where the disk is full: no process may make a file grow."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.config import ROOT
from services.event_log import Draft, EventLog
from tests.services.instance import MODULE, configure, listener, starting

# A limit is refused as a full disk is. To read a log at all, SQLite wants to write 32 KiB beside it.
LIMITED = """
import os, resource, sys
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # half a file of it would be found by the next one
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""


def limited(room: int, command: list[str]) -> list[str]:
    """A command that runs where no file can grow beyond `room` bytes."""
    return [sys.executable, "-c", LIMITED, str(room), *command]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A log that no process has open, of more messages than a limited process can write."""
    log = EventLog.open(tmp_path / "events")
    data = {"text": "a" * 100, "source": "x"}
    log.append([Draft("MessageRecorded", 1, datetime.now(UTC), data) for _ in range(500)])
    log.close()
    return tmp_path / "events"


def assert_told(said: str, path: str) -> None:
    """That the file is named, with a hint."""
    assert "Traceback" not in said
    assert re.search(f"{path}: .*(disk|full)", said)
    assert re.search(r'hint"?: ?"?look at the disk', said)


@pytest.mark.parametrize("room", [0, 20_000], ids=["none", "for a part"])
@pytest.mark.parametrize("verb", ["head", "verify"])
def test_the_command(store: Path, verb: str, room: int) -> None:
    """It names the file and says what to look at."""
    command = [sys.executable, "-m", "services.event_log", verb, "--store", str(store)]
    done = subprocess.run(limited(room, command), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert_told(done.stderr, str(store / "events.db"))
    assert [path.name for path in store.iterdir()] == ["events.db"]


@pytest.mark.parametrize(
    ("room", "path"),
    [(0, "events.db"), (20_000, "events.db"), (40_000, r"projections /.*/helionyx-[0-9a-f]+\.db")],
    ids=["none", "for a part", "for the log alone"],
)
def test_a_rehearsal(store: Path, room: int, path: str) -> None:
    """It says the same, of its read models as well, and leaves nothing behind in the store."""
    environment = {**configure(store.parent), "HELIONYX_REHEARSAL": "1"}
    with listener() as sock, starting(environment, limited(room, MODULE), sock=sock) as rehearsal:
        code, logged = rehearsal.end()
    assert code == 1
    assert_told(logged, path)
    assert [path.name for path in store.iterdir()] == ["events.db"]
