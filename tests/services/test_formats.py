"""What the log is made of: one list for all who write and read it."""

from __future__ import annotations

from services.event_codec import CLASSES
from services.formats import READS, UNDERSTOOD, WRITES, by_type


def test_what_is_written_can_be_read() -> None:
    """A release names all that it writes, and understands its own events."""
    assert {(type_, 1) for type_ in CLASSES} == set(UNDERSTOOD)
    assert set(WRITES) <= set(READS)


def test_grouping() -> None:
    """Types and versions in ascending order, whatever order they come in."""
    assert by_type([("B", 2), ("A", 10), ("B", 1), ("A", 9)]) == {"A": (9, 10), "B": (1, 2)}
    assert list(by_type([("B", 1), ("A", 1)])) == ["A", "B"]
