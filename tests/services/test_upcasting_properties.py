"""Whatever versions there were: an event is read as the functions make it, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from services.event_log import records
from services.event_log.records import Entry, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.upcasters import Data, Format, Upcaster

TYPES = ("A", "B", "Ü")

times = st.integers(0, 9).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)


def renamed(number: int) -> Upcaster:
    """A new name for a member."""
    return lambda data: {f"{name}{number}" if name == "n" else name: value for name, value in data.items()}


def added(number: int) -> Upcaster:
    """A new member, which says what was there before."""
    return lambda data: {**data, f"new {number}": sorted(map(str, data))}


def dropped(number: int) -> Upcaster:
    """One member less."""
    return lambda data: dict(sorted(data.items())[number % 2 :])


steps = st.tuples(st.sampled_from([renamed, added, dropped]), st.integers(0, 9)).map(
    lambda pair: pair[0](pair[1])
)
ways = st.dictionaries(st.tuples(st.sampled_from(TYPES), st.integers(0, 5)), steps, max_size=12)
stored = st.lists(
    st.builds(
        new_entry,
        st.sampled_from(TYPES),
        st.integers(0, 7),
        times,
        st.dictionaries(st.sampled_from(["n", "m", "o"]), values, max_size=3),
    ),
    max_size=8,
)


def composed(draft: Entry, registry: dict[Format, Upcaster]) -> tuple[int, Data]:
    """The data put through every function up to the first version that has none."""
    version = draft.version
    chain: list[Callable[[Data], Data]] = []
    while (draft.type, version) in registry:
        chain.append(registry[draft.type, version])
        version += 1
    data = dict(draft.data)
    for step in chain:
        data = step(data)
    return version, data


@settings(max_examples=60, deadline=None)
@given(ways, stored)
def test_any_chain_of_versions(registry: dict[Format, Upcaster], events: list[Entry]) -> None:
    """What is replayed is each event put through the functions from its version on, however often it is read
    and whatever is read again; the log itself is untouched, and has the same head without the functions.
    """
    with tempfile.TemporaryDirectory() as scratch:
        log = SqliteLog.open(Path(scratch))
        log.append(events)
        head, lines = log.head(), list(log.read())
        with patch.object(records, "UPCASTERS", registry):
            expected = [composed(draft, registry) for draft in events]
            for _ in range(2):
                found = list(log.replay())
                assert [(event.version, event.data) for event in found] == expected
                assert [event.today() for event in found] == found
                assert [(e.id, e.type, e.time) for e in found] == [(d.id, d.type, d.time) for d in events]
            assert (log.head(), list(log.read()), log.verify()) == (head, lines, None)
        assert [(event.version, event.data) for event in log.replay()] == [
            (d.version, d.data) for d in events
        ]
        log.close()
