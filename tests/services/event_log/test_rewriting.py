"""Rewriting a log: whatever interrupts it, and whoever has the old file open."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from services.event_log.redact import Order
from services.event_redaction import contradiction
from tests.services.event_log.test_redact import done, holding, opened, store

__all__ = ["store"]


def _dying(store: Path, number: int) -> tuple[int, bool]:
    """Redact in a process killed at the `number`th new line: its exit code, and whether it ended."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        return os.waitstatus_to_exitcode(status), os.WIFEXITED(status)
    lines: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if not file.endswith("/rewriting.py") and name != "open_alone":
            return None
        if event == "line":
            lines.add((file, frame.f_lineno))
            if len(lines) >= number:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    try:
        sys.settrace(trace)
        done(store)
        sys.settrace(None)
        os._exit(0)
    finally:
        os._exit(1)


def test_death_at_any_moment_leaves_the_old_log_or_the_new_one(store: Path, tmp_path: Path) -> None:
    """Whole, and the next attempt brings it to the end, with nothing left beside it."""
    with opened(store) as log:
        old, original = log.head(), (store / "events.db").read_bytes()
    number, ended, states = 0, False, set()
    while not ended:
        number += 1
        place = tmp_path / f"{number}"
        place.mkdir()
        (place / "events.db").write_bytes(original)
        code, ended = _dying(place, number)
        assert code in (0, -signal.SIGKILL)
        with opened(place) as log:
            assert log.verify() is None
            states.add(log.head().position)
            assert log.head() == old or contradiction(log) is None
        assert done(place).at == 4
        assert (holding(place), [path.name for path in place.iterdir()]) == ([], ["events.db"])
    assert states == {3, 4}
    assert number > 50


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_stays_its_owners(store: Path) -> None:
    """Root may redact for a service, which has to open the new file too."""
    os.chown(store / "events.db", 12345, 12346)
    done(store)
    status = (store / "events.db").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 12346, 0o600)


def test_file_of_the_old_log_is_overwritten(store: Path, tmp_path: Path) -> None:
    """A process that has the old file open reads zeros; a hard-linked copy stays."""
    with (store / "events.db").open("rb") as old:
        done(store)
        assert set(old.read()) == {0}
    content = (store / "events.db").read_bytes()
    (tmp_path / "link").hardlink_to(store / "events.db")
    done(store, Order(1, "too", "Ada"))
    assert (tmp_path / "link").read_bytes()[100:] == content[100:]
