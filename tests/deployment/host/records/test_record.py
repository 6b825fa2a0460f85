"""The record of a transaction outlives whoever writes it."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

import pytest

from deployment.host.doctor import status
from deployment.host.records import record
from deployment.host.values.layout import Layout

REQUEST = {"verb": "restart", "environment": "dev", "actor": {"name": "Ada"}}


def test_torn_line_spoils_no_other(tmp_path: Path) -> None:
    """What a full disk left of it is passed over; what comes next stands on a line of its own."""
    transaction = record.create(Layout(tmp_path), REQUEST)
    transaction.write("attempt", number=1)
    with transaction.log.open("ab") as file:
        file.write(b'{"event": "atte')
    transaction.write("attempt", number=2)
    assert [entry["number"] for entry in transaction.entries("attempt")] == [1, 2]
    assert transaction.log.stat().st_mode & 0o777 == 0o600


def test_unreadable_request_is_no_transaction(tmp_path: Path) -> None:
    """It can be neither shown nor carried out, and must not stop what can."""
    layout = Layout(tmp_path)
    good, bad = record.create(layout, REQUEST), record.create(layout, REQUEST)
    (bad.path / "request.json").write_bytes(b"")
    assert [item.id for item in record.of(layout.of("dev"))] == [good.id]


def test_old_ones_are_forgotten(tmp_path: Path) -> None:
    """The last twenty that ended stay, and what is not ended stays in any case."""
    layout = Layout(tmp_path)
    unfinished = record.create(layout, REQUEST)
    unfinished.write("attempt", number=1)
    for _ in range(record.KEEP + 5):
        record.create(layout, REQUEST).write("result", outcome="done")
    record.create(layout, REQUEST)
    assert len(record.ended(layout)) == record.KEEP
    assert unfinished.id in [item.id for item in record.of(layout.of("dev"))]


def test_two_of_one_second_have_different_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that is taken is not used again, even if the random part is the same."""
    parts = iter([b"\0\1", b"\0\1", b"\0\2"])
    monkeypatch.setattr(os, "urandom", lambda _size: next(parts))
    monkeypatch.setattr(time, "strftime", lambda *_given: "20261130T144126Z")
    first, second = (record.create(Layout(tmp_path), REQUEST).id for _ in range(2))
    assert (first, second) == ("20261130T144126Z-dev-0001", "20261130T144126Z-dev-0002")


def test_what_was_never_begun_is_forgotten(tmp_path: Path) -> None:
    """What a lost connection left staged holds secrets; one that is staged just now may still begin."""
    layout = Layout(tmp_path)
    old, fresh = record.create(layout, REQUEST), record.create(layout, REQUEST)
    begun = record.create(layout, REQUEST)
    begun.write("attempt", number=1)
    old.write("cancel", by="ann@host")  # which is no beginning
    long_ago = time.time() - record.FORGOTTEN - 1
    for transaction in (old, begun):
        os.utime(transaction.path, (long_ago, long_ago))
    latest = record.create(layout, REQUEST)
    assert {item.id for item in record.of(layout.of("dev"))} == {fresh.id, begun.id, latest.id}


def test_what_is_on_its_way_is_forgotten_with_whoever_brings_it(tmp_path: Path) -> None:
    """A connection that was killed lets go of its lock: the next change sweeps, and waits for no hour."""
    layout = Layout(tmp_path)
    brought = record.create(layout, REQUEST)
    with record.staging(brought):
        record.create(layout, REQUEST)
        assert brought.path.is_dir()
    (brought.path / record.STAGING).touch(0o600)  # as its death would have left it
    torn = layout.transactions / "20261130T144126Z-dev-0001"  # killed before its request was written
    torn.mkdir()
    os.utime(torn, (0, 0))
    latest = record.create(layout, REQUEST)
    assert latest.path.is_dir()
    assert not brought.path.exists()
    assert not torn.exists()


def test_mark_of_what_is_on_its_way_is_locked_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another environment's change may look for what is left at any moment."""
    layout, lock = Layout(tmp_path), fcntl.flock
    brought = record.create(layout, REQUEST)

    def look_and_lock(file: IO[bytes], kind: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        assert record.never_begun(layout) == []
        lock(file, kind)
        assert record.never_begun(layout) == []

    monkeypatch.setattr(fcntl, "flock", look_and_lock)
    with record.staging(brought):
        assert record.never_begun(layout) == []


def test_what_has_not_begun_is_not_unfinished(tmp_path: Path) -> None:
    """Nothing was touched, so nobody has to do anything about it."""
    layout = Layout(tmp_path)
    transaction = record.create(layout, REQUEST)
    assert status.unfinished(layout.of("dev"), None) == []
    transaction.write("cancel", by="ann@host")
    assert status.unfinished(layout.of("dev"), None) == []
    transaction.write("attempt", number=1)
    assert status.unfinished(layout.of("dev"), None) == [transaction.id]


def test_all_that_is_remembered_is_root_s_alone(tmp_path: Path) -> None:
    """Directories 0700 and files 0600, also those that an earlier version has made for all eyes."""
    layout = Layout(tmp_path)
    before = record.create(layout, REQUEST)
    before.write("result", outcome="done")
    layout.audit.write_bytes(b"")
    torn = layout.audit.with_name("deployments.jsonl.torn-12")
    torn.write_bytes(b"{")
    link = layout.state / "link"
    link.symlink_to("/etc/hostname")
    strange = Path("/etc/hostname").stat().st_mode
    for path in (layout.state, layout.transactions, before.path, before.log, layout.audit, torn):
        path.chmod(0o755)
    record.create(layout, REQUEST)
    modes = {path: path.lstat().st_mode & 0o777 for path in layout.state.rglob("*") if path != link}
    assert layout.state.stat().st_mode & 0o777 == 0o700
    assert {path: 0o700 if path.is_dir() else 0o600 for path in modes} == modes
    assert Path("/etc/hostname").stat().st_mode == strange


def test_state_may_be_a_link_of_root_s(tmp_path: Path) -> None:
    """As to a bigger disk."""
    layout = Layout(tmp_path)
    (tmp_path / "disk").mkdir(mode=0o755)
    layout.state.parent.mkdir(parents=True)
    layout.state.symlink_to(tmp_path / "disk")
    record.create(layout, REQUEST)
    assert (tmp_path / "disk").stat().st_mode & 0o777 == 0o700


def test_seconds_do_not_follow_the_clock_on_the_wall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody, or the time service, sets it back an hour during a change."""
    transaction = record.create(Layout(tmp_path), REQUEST)
    transaction.begin(1)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    assert 0 <= transaction.seconds < 60


@pytest.mark.parametrize(("moved", "expected"), [(30.0, 30), (-3600.0, 0)])
def test_seconds_over_a_reboot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: float, expected: int
) -> None:
    """The other clock begins anew with each boot: only the wall's is left, which is never negative."""
    transaction = record.create(Layout(tmp_path), REQUEST)
    transaction.begin(1)
    now = time.time()
    monkeypatch.setattr(record, "_boot", lambda: "another boot")
    monkeypatch.setattr(time, "time", lambda: now + moved)
    assert int(transaction.seconds) == expected
