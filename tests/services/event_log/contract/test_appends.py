"""Appends: what a log takes, what it refuses, what it gives back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.event_log.backend import Backend
from services.event_log.errors import ConflictError, EventLogError
from services.event_log.log import EventLog
from services.event_log.records import Append, Entry, new_entry
from services.event_log.summary import GENESIS, Head

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def draft(text: str, key: str | None = None) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "test"}, key)


def texts(log: EventLog) -> list[object]:
    return [record.entry().data["text"] for record in log.read()]


def test_an_empty_log(log: EventLog) -> None:
    """It ends at 0 with the hash of zeros, and its chain holds."""
    assert (log.head(), list(log.read()), log.verify()) == (Head(0, GENESIS), [], None)


def test_records_follow_each_other(log: EventLog) -> None:
    """Positions from 1 without gaps; each names the hash of the one before."""
    first = log.append([draft("a"), draft("b")])
    second = log.append([draft("c")])
    assert [record.position for record in (*first, *second)] == [1, 2, 3]
    assert [first[0].previous, first[1].previous, second[0].previous] == [
        GENESIS,
        first[0].hash,
        first[1].hash,
    ]
    assert tuple(log.read()) == first + second
    assert log.head() == Head(3, second[0].hash)
    assert log.verify() is None


def test_append_gives_back_what_is_stored(log: EventLog, backend: Backend) -> None:
    """Another reader finds the same bytes after the file was closed."""
    written = log.append([draft("größe \x00 \U0001f600")])
    log.close()
    assert tuple(backend.open(read_only=True).read()) == written


def test_hash_at(log: EventLog) -> None:
    """Known for every record and for the beginning."""
    (record,) = log.append([draft("a")])
    assert [log.hash_at(position) for position in (0, 1, 2, -1)] == [GENESIS, record.hash, None, None]


def test_all_or_none(log: EventLog) -> None:
    """Where one draft cannot be stored, none is, and the log goes on."""
    bad = new_entry("X", 1, NOW, {"text": "\ud800"})
    with pytest.raises(UnicodeEncodeError):
        log.append([draft("a"), bad])
    assert log.head().position == 0
    assert log.append([draft("b")])[0].position == 1


def test_a_repeat_returns_the_first_record(log: EventLog) -> None:
    """A known key with the same content writes nothing, whatever time it is by now."""
    first = log.append([draft("a", "k")])
    log.append([draft("b")])
    assert log.append([draft("a", "k")]) == first
    assert log.head().position == 2


def test_a_repeat_of_several(log: EventLog) -> None:
    """An append of several drafts is repeated as a whole, by the key of any of them."""
    first = log.append([draft("a"), draft("b", "k"), draft("c")])
    assert log.append([draft("a"), draft("b", "k"), draft("c")]) == first
    assert log.head().position == 3


@pytest.mark.parametrize(
    "other",
    [
        [draft("b", "k")],
        [new_entry("MessageRecorded", 2, NOW, {"text": "a", "source": "test"}, "k")],
        [new_entry("Other", 1, NOW, {"text": "a", "source": "test"}, "k")],
        [draft("x"), draft("a", "k")],
        [draft("a", "k"), draft("x")],
        [draft("a", "k"), draft("a", "k2")],
        [draft("a", "new"), draft("b", "k")],
    ],
)
def test_a_key_with_other_content(log: EventLog, other: list[Entry]) -> None:
    """A known key that comes with anything else is a conflict, and nothing is written."""
    log.append([draft("a", "k")])
    with pytest.raises(ConflictError, match="'k' was used at position 1 for something else"):
        log.append(other)
    assert log.head().position == 1


def test_read_only_changes_nothing(log: EventLog, backend: Backend) -> None:
    """A reader cannot append."""
    reader = backend.open(read_only=True)
    for append in (reader.append, lambda _: reader.adopt([])):
        with pytest.raises(EventLogError):
            append([draft("a")])
    assert log.head() == Head(0, GENESIS)


def test_reading_makes_no_store(backend: Backend) -> None:
    """Nor does an append to what does not exist."""
    missing = backend.open(read_only=True)
    assert missing.head() == Head(0, GENESIS)
    with pytest.raises(EventLogError):
        missing.append([draft("a")])
    assert not backend.store.exists()


def test_a_reader_sees_what_is_appended(log: EventLog, backend: Backend) -> None:
    """At once, and before any checkpoint."""
    reader = backend.open(read_only=True)
    (record,) = log.append([draft("a")])
    assert (tuple(reader.read()), reader.head().position) == ((record,), 1)


def refusal() -> Exception | None:
    return RuntimeError("not now")


def test_a_refusal_is_the_outcome_of_that_append_alone(log: EventLog) -> None:
    """The others of its group are appended, and its drafts are not."""
    outcomes = log.append_each(
        [Append([draft("a")]), Append([draft("b")], refused=refusal), Append([draft("c")])]
    )
    assert isinstance(outcomes[1], RuntimeError)
    assert [record.entry().data["text"] for record in log.read()] == ["a", "c"]


def test_a_repeat_is_answered_whatever_is_said_of_it(log: EventLog) -> None:
    """It was done the first time, whatever has become of it since."""
    first = log.append([draft("a", "k")])
    (again,) = log.append_each([Append([draft("a", "k")], refused=refusal)])
    assert again == first


def test_each_append_of_a_group_has_its_own_answer(log: EventLog) -> None:
    """What is wrong with one is its outcome alone."""
    log.append([draft("old", "k")])
    outcomes = log.append_each(
        [
            Append([draft("a")]),
            Append([draft("other", "k")]),
            Append([draft("old", "k")]),
            Append([draft("b", "new"), draft("c")]),
            Append([draft("b", "new"), draft("c")]),
            Append([draft("not this"), new_entry("X", 1, NOW, {"text": "\ud800"})]),
            Append([new_entry("X", 1, NOW, {"text": object()})]),
            Append([draft("e", "twice"), draft("f", "twice")]),
            Append([]),
            Append([draft("d")]),
            Append([draft("no key", "\ud800")]),
        ]
    )
    kinds = [tuple if isinstance(outcome, tuple) else type(outcome) for outcome in outcomes]
    assert kinds == [
        *(tuple, ConflictError, tuple, tuple, tuple),
        *(UnicodeEncodeError, TypeError, ValueError, tuple, tuple, UnicodeEncodeError),
    ]
    assert outcomes[3] == outcomes[4]
    assert texts(log) == ["old", "a", "b", "c", "d"]
    assert log.verify() is None


def test_what_the_table_refuses_fails_alone_and_whole(log: EventLog) -> None:
    """The drafts in front of the one that cannot be stored go with it, those of other appends stay."""
    unfit = new_entry("X", 1, NOW, [])  # type: ignore[arg-type]
    groups = [Append([draft("a")]), Append([draft("not this"), unfit]), Append([unfit]), Append([draft("b")])]
    outcomes = log.append_each(groups)
    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, True, True, False]
    assert texts(log) == ["a", "b"]
    assert log.verify() is None
