"""A log that could not be read: the reason is shown, and the programs that hold its files are named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployment.host.event_log import log_commands, loss
from deployment.host.node import log_holders, processes
from deployment.host.node.run import TimedOut
from deployment.host.releases import releases
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from deployment.host.values.log import Log
from deployment.host.values.unread import Unread
from tests.deployment.shelves import DEV, release

HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[2], os.O_RDWR if sys.argv[1] != "read lease" else os.O_RDONLY)
match sys.argv[1]:
    case "exclusive":
        fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, 1 << 30)
    case "shared":
        os.close(descriptor)
        descriptor = os.open(sys.argv[2], os.O_RDONLY)
        fcntl.lockf(descriptor, fcntl.LOCK_SH)
    case "lease":
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    case "read lease":
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
print("held", flush=True)
sys.stdin.read()
"""
LOCKED = StepFailed(
    "exit code 1 from: python head",
    details=("error: events.db stayed locked for longer than the time limit", "  hint: try again"),
)


@contextmanager
def locked(kind: str, path: Path) -> Iterator[int]:
    """A process that holds a lock on a file; yields its pid."""
    command = [sys.executable, "-c", HOLD, kind, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder.pid
        finally:
            holder.stdin.close()


@pytest.mark.parametrize("kind", ["exclusive", "lease", "read lease"])
@pytest.mark.parametrize("by_service", [True, False])
def test_program_that_keeps_others_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, by_service: bool
) -> None:
    """By locks of SQLite's kind, or by leases, whose files nobody can open for up to 45 s."""
    file = tmp_path / "events.db"
    file.touch()
    monkeypatch.setattr(processes, "is_of_units", lambda *_: by_service)
    with locked(kind, file) as pid:
        found = log_holders.of(DEV, [file, tmp_path / "gone"], LOCKED)
    name = Path(sys.executable).name[:15]
    assert found == Unread(
        "events.db stayed locked for longer than the time limit", (f"{name} (pid {pid})",), by_service
    )
    assert found.text.endswith(f"time limit; locked by {name} (pid {pid})")


def test_reader_is_no_holder(tmp_path: Path) -> None:
    """Each service has shared locks on its log."""
    file = tmp_path / "events.db"
    file.touch()
    with locked("shared", file):
        assert log_holders.of(DEV, [file], StepFailed("it is damaged.")) == Unread("it is damaged")


def test_log_that_is_late_is_read_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look ends at its time limit, and the comparison with the known head begins no second one."""
    limits: list[float] = []

    def late(*_: object, timeout: float, **__: object) -> dict[str, object]:
        limits.append(timeout)
        raise TimedOut(f"no end after {timeout:g} s: python -IS run.py services.event_log head")

    monkeypatch.undo()  # the real `head`
    monkeypatch.setattr(log_commands, "ask", late)
    made = release(layout)
    found = log_commands.rest(layout.of("dev"), made, at=5)
    assert isinstance(found, Unread)
    assert (found.text, found.late, limits) == ("no end after 12 s", True, [log_commands.LOOK])
    assert loss.look(layout.of("dev"), made, made, Log(9, "f" * 64), 0, found) is None
    assert len(limits) == 1


def test_forged_log_is_not_verified_where_nothing_was_redacted(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be of any length: only a redaction that the audit has, or a person wants, is looked for."""
    made = release(layout)
    monkeypatch.setattr(releases, "command", lambda *_: pytest.fail("the whole log is verified"))
    lost = loss.look(layout.of("dev"), made, made, Log(5, "c" * 64), 0, None)
    assert lost is not None
    assert "has another event log" in lost.text
