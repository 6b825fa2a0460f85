"""Which events the log holds: asked of an index, whatever the log's length, where the log has it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.event_log.errors import DamagedError
from services.event_log.records import Entry, new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_log.sqlite.summary import MOST
from tests.services.steps import steps

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def drafts(*events: tuple[str, int]) -> list[Entry]:
    return [new_entry(type_, version, NOW, {}) for type_, version in events]


def test_it_takes_as_long_for_many_records_as_for_few(tmp_path: Path) -> None:
    """The work depends on how many types and versions there are."""
    kinds = [("A", 1), ("A", 2), ("B", 1)]
    log = SqliteLog.open(tmp_path)
    log.append(drafts(*kinds))
    few = steps(log, log.contents)
    log.append(drafts(*kinds * 1000))
    assert log.contents().holds == {"A": (1, 2), "B": (1,)}
    assert steps(log, log.contents) < 2 * few


def test_a_damaged_record_stops_nobody_from_asking(tmp_path: Path) -> None:
    """The index alone is read; `verify` finds the damage."""
    log = SqliteLog.open(tmp_path)
    log.append(drafts(("B", 1), ("A", 1)))
    log.close()
    path = tmp_path / "events.db"
    data = path.read_bytes().replace(b'"type":"B"', b'"type":"A"')
    path.write_bytes(data.replace(b'"data":{}}', b'"data":{]x'))
    damaged = SqliteLog.open(tmp_path, read_only=True)
    flaw = damaged.verify()
    assert damaged.contents().holds == {"A": (1,), "B": (1,)}
    assert flaw is not None
    assert flaw.position == 1


def test_a_log_of_very_many_types_is_damaged(tmp_path: Path) -> None:
    """Nobody who asks takes them all into memory: a million of them fit into a small file."""
    with contextlib.closing(SqliteLog.open(tmp_path)) as log:
        log.append(drafts(*((f"T{number}", 1) for number in range(MOST - 1))))
        assert len(log.contents().holds) == MOST - 1
        log.append(drafts(("U", 1)))
    with (
        contextlib.closing(SqliteBackend(tmp_path).summary()) as summary,
        pytest.raises(DamagedError, match="1,000 types of events or more"),
    ):
        summary.contents()
