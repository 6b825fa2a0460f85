"""Old events are read for ever; what is unknown where it has to be understood is named, with its position."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import formats, upcasters
from services.domain.commands import RecordMessage
from services.event_log import records
from services.event_log.errors import ConflictError
from services.event_log.records import Entry, new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.projections import files, messages
from services.projections.database import Projections
from services.projections.models import BadEventError
from services.service import Service
from services.upcasters import Data, Format, UnknownEventError, Upcaster, readable, upcast

NOW = datetime(2026, 1, 2, tzinfo=UTC)
V0: Format = ("MessageRecorded", 0)


def from_v0(data: Data) -> Data:
    """Before there were sources, a message was said by its `words`."""
    return {"text": data["words"], "source": "unknown"}


@pytest.fixture
def _older(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that reads a version 0 of messages as well."""
    registry: dict[Format, Upcaster] = {V0: from_v0}
    for module in (upcasters, records, files):
        monkeypatch.setattr(module, "UPCASTERS", registry)


def old(words: str, key: str | None = None) -> Entry:
    return new_entry(*V0, NOW, {"words": words}, key)


def new(text: str, key: str | None = None, *, source: str = "unknown") -> Entry:
    return new_entry(*formats.MESSAGE_RECORDED, NOW, {"text": text, "source": source}, key)


def test_the_registry_fits() -> None:
    """Every way ends in a version that is understood: READS is what it says, and WRITES is part of it."""
    assert set(upcasters.UPCASTERS) <= set(formats.READS)
    assert set(formats.WRITES) <= set(formats.UNDERSTOOD) <= set(formats.READS)
    assert not set(upcasters.UPCASTERS) & set(formats.UNDERSTOOD)


def test_what_can_be_read() -> None:
    """What is understood, and every version from which there is a way without a gap."""
    ways = [("A", 1), ("A", 2), ("B", 1), ("C", 7)]
    assert readable([("A", 3), ("B", 3)], ways) == (("A", 1), ("A", 2), ("A", 3), ("B", 3))
    assert readable([], ways) == ()


@given(st.integers(1, 5), st.integers(1, 8), st.dictionaries(st.text(), st.integers()))
def test_every_step_is_taken_once_and_in_order(version: int, newest: int, data: Data) -> None:
    """Whatever version is read, the newest comes out; what is read is not changed by it."""

    def step(number: int) -> Upcaster:
        return lambda given: {**given, "steps": [*given.get("steps", []), number]}  # type: ignore[misc]

    registry: dict[Format, Upcaster] = {("T", number): step(number) for number in range(1, newest)}
    data.pop("steps", None)
    before = dict(data)
    reached, made = upcast("T", version, data, registry)
    assert data == before
    assert reached == max(version, newest)
    assert made == (data if version >= newest else {**data, "steps": list(range(version, newest))})
    assert upcast("T", reached, made, registry) == (reached, made)
    assert upcast("Other", version, data, registry) == (version, data)


@pytest.mark.usefixtures("_older")
def test_an_old_version_is_read_as_todays(tmp_path: Path) -> None:
    """By who replays, by the read models and in the answer to a repeat; the log itself stays as it was."""
    log = SqliteLog.open(tmp_path / "events")
    first = log.append([old("hello", "api:k"), new("bye")])
    events = list(log.replay())
    assert [(event.position, event.version, event.data) for event in events] == [
        (1, 1, {"text": "hello", "source": "unknown"}),
        (2, 1, {"text": "bye", "source": "unknown"}),
    ]
    assert events[0].understood() == events[0]
    assert list(log.read()) == list(first)
    assert first[0].entry().data == {"words": "hello"}
    projections = Projections.open(tmp_path / "p" / "helionyx.db")
    projections.catch_up(log)
    assert [message.text for message in projections.ask(lambda models: messages.after(models, 0, 10))] == [
        "hello",
        "bye",
    ]


@pytest.mark.usefixtures("_older")
def test_a_key_from_before_a_new_version(tmp_path: Path) -> None:
    """The same message in today's version is a repeat, and answered with the first record; another is not."""
    log = SqliteLog.open(tmp_path / "events")
    first = log.append([old("hello", "k")])
    assert log.append([new("hello", "k")]) == first
    assert log.append([old("hello", "k")]) == first
    for other in (new("hello!", "k"), new("hello", "k", source="api"), new_entry("X", 1, NOW, {}, "k")):
        with pytest.raises(ConflictError):
            log.append([other])


@pytest.mark.usefixtures("_older")
def test_a_repeat_through_the_service(tmp_path: Path) -> None:
    """It is answered as today's message."""
    SqliteLog.open(tmp_path / "events").append([new_entry(*V0, NOW, {"words": "a"}, "unknown:k")])

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), tmp_path / "p" / "helionyx.db", lambda: NOW)
        await service.open()
        recorded = await service.record(RecordMessage("a", source="unknown"), "k")
        assert (recorded.repeated, recorded.message.position, recorded.message.text) == (True, 1, "a")
        await service.close()

    asyncio.run(run())


def test_the_file_of_the_read_models_depends_on_what_is_upcast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that reads more builds its own: the rows would be others."""
    stem = Path("/p/helionyx.db")
    before = files.file_of(stem)
    monkeypatch.setattr(files, "UPCASTERS", {V0: from_v0})
    assert files.file_of(stem) != before


@pytest.mark.parametrize("draft", [new_entry("Other", 1, NOW, {}), new_entry("MessageRecorded", 9, NOW, {})])
def test_what_has_to_be_understood_is_named(tmp_path: Path, draft: Entry) -> None:
    """Type, version and position; to read it as it is stays possible."""
    log = SqliteLog.open(tmp_path)
    log.append([new("a"), draft])
    found = {event.position: event for event in log.replay()}
    assert (found[2].type, found[2].version) == (draft.type, draft.version)
    match = f"at position 2, found '{draft.type}' in version {draft.version}"
    with pytest.raises(UnknownEventError, match=match):
        found[2].understood()


def test_a_message_that_says_nothing_stops_the_read_models(tmp_path: Path) -> None:
    """It is named where it is entered, and not whenever a page of messages is read."""
    log = SqliteLog.open(tmp_path / "events")
    log.append([new("a"), new_entry("MessageRecorded", 1, NOW, {"text": "by nobody"})])
    with pytest.raises(BadEventError, match="a MessageRecorded at position 2"):
        Projections.open(tmp_path / "p" / "helionyx.db").catch_up(log)


def test_an_unknown_version_stops_the_read_models(tmp_path: Path) -> None:
    """They would be silent about it. The service says so, and keeps what it is told all the same."""
    log = SqliteLog.open(tmp_path / "events")
    log.append([new("a"), new_entry("Other", 1, NOW, {})])
    stem = tmp_path / "p" / "helionyx.db"

    async def run() -> None:
        service = Service(SqliteBackend(tmp_path / "events"), stem, lambda: NOW)
        await service.open()
        log.append([new_entry("MessageRecorded", 9, NOW, {})])
        assert (await service.record(RecordMessage("b", source="api"))).message.position == 4
        assert service.not_ready is not None
        assert "at position 3, found 'MessageRecorded' in version 9" in service.not_ready
        await service.close()

    asyncio.run(run())
    with pytest.raises(UnknownEventError, match="at position 3"):
        Projections.open(stem).catch_up(log)
