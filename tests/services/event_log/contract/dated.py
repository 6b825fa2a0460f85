"""Records of several types and times: the clock is set back twice, and once stands in another century."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.event_log.log import EventLog
from services.event_log.reading import EVERYTHING, Selection
from services.event_log.records import new_entry

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = [0, 1, 2, 1, 2, 3, 50_000_000, 4, 4, -7, 5]
TYPES = ["A", "B", "A", "C", "A", "B", "A", "A", "C", "B", "A"]


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def fill(log: EventLog) -> None:
    """Append one record of each of TYPES, at MINUTES."""
    kinds = enumerate(zip(TYPES, MINUTES, strict=True))
    log.append(
        [new_entry(type_, 1 + number % 2, at(minutes), {"n": number}) for number, (type_, minutes) in kinds]
    )


def positions(
    log: EventLog, selection: Selection = EVERYTHING, after: int = 0, limit: int | None = None
) -> list[int]:
    return [record.position for record in log.read(after, limit, selection)]
