"""Things, entries, words, numbers and sendings out of the log: the same however they were built."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain import commands as c
from services.domain import events as e
from services.domain.decisions import event_of
from services.domain.due import until_of
from services.domain.items import TODO, Item, track_key
from services.domain.tags import tag_key
from services.event_codec import draft_of
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from services.projections import counts, database, entries, items, search, sendings
from services.projections.database import Projections
from services.projections.models import BadEventError, Query
from tests.services.domain.test_domain import COMMANDS, NOW, fold


def appended(directory: Path, commands: Sequence[c.Command]) -> tuple[SqliteLog, list[e.Event]]:
    """A log of these, whatever decisions would say of them."""
    log = SqliteLog.open(directory)
    events = [event_of(command, NOW + timedelta(seconds=n)) for n, command in enumerate(commands)]
    if events:
        log.append([draft_of(event) for event in events])
    return log, events


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    return tmp_path / "p" / "h.db"


@settings(max_examples=40, deadline=None)
@given(st.lists(COMMANDS, max_size=25), st.integers(1, 5))
def test_they_are_what_the_domain_says(commands: list[c.Command], batch: int) -> None:
    """After any events, also such as nobody would have decided; step by step, and built at once."""
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        directory = Path(place)
        patch.setattr(database, "BATCH", batch)
        log, events = appended(directory / "e", commands)
        models, built = Projections.open(directory / "one.db"), Projections.open(directory / "two.db")
        models.catch_up(log)
        built.rebuild(log)
        expected = fold(events)
        assert {
            thing.position: thing for kind in KINDS for thing in models.ask(partial(items.items, kind=kind))
        } == expected
        for thing in expected.values():
            assert models.ask(partial(items.item, key=thing.position)) == thing
            if thing.kind == "track":
                assert models.ask(partial(items.item, key=track_key(thing.text))) == thing
                assert len(models.ask(partial(entries.entries, track=thing.text))) == thing.entries
        borne = [tag_key(tag) for thing in expected.values() for tag in thing.tags]
        assert [(tag_key(tag), number) for tag, number in models.ask(items.tags).items()] == [
            (tag, borne.count(tag)) for tag in sorted(set(borne))
        ]
        assert sum(models.ask(counts.counts).values()) == len(events)
        assert models.digest() == built.digest()
        for opened in (models, built, log):
            opened.close()


KINDS = ("todo", "note", "track", "decision")


def todo(number: int, **more: object) -> c.Command:
    return c.AddTodo(f"todo {number}", source="x", **more)  # type: ignore[arg-type]


def test_lists_are_read_from_their_newest_end(tmp_path: Path, stem: Path) -> None:
    """By state, tag and day, and from a position on."""
    commands = [
        todo(1, due="2026-02-11"),
        todo(2, due="2026-02-11T08:00:00Z", tags=("home",)),
        todo(3, tags=("home", "work")),
        c.CompleteTodo(2, source="x"),
    ]
    log, _ = appended(tmp_path, commands)
    models = Projections.open(stem)
    models.catch_up(log)

    def found(*arguments: int, **more: object) -> list[int]:
        find: Query[tuple[Item, ...]] = lambda connection: items.items(  # noqa: E731
            connection,
            TODO,
            *arguments,
            **more,  # type: ignore[arg-type]
        )
        return [item.position for item in models.ask(find)]

    assert found() == [3, 2, 1]
    assert found(3, 1) == [2]
    assert found(states=("open",)) == [3, 1]
    assert found(states=("open", "done")) == [3, 2, 1]
    assert found(tag="home") == [3, 2]
    assert found(tag="none") == []
    assert found(due_until=until_of("2026-02-11", UTC)) == []
    assert found(due_until=until_of("2026-02-11T08:00:00Z", UTC)) == [1]
    assert found(due_until=until_of("2026-02-12", UTC)) == [2, 1]


def test_rare_ones_are_found_without_looking_at_all(tmp_path: Path, stem: Path) -> None:
    """The lists, their tags and a track's entries are walks through an index."""
    log, _ = appended(tmp_path, [todo(1)])
    models = Projections.open(stem)
    models.catch_up(log)
    newest = "position < 9 ORDER BY position DESC"
    plans = {
        f"SELECT * FROM things WHERE kind = 'todo' AND state IN ('open') AND {newest}": "things_state",  # noqa: S608
        "SELECT * FROM things WHERE track = 'a'": "things_track",
        f"SELECT * FROM entries WHERE track = 'a' AND {newest}": "entries_track",  # noqa: S608
        f"SELECT * FROM sendings WHERE state IN ('announced') AND {newest}": "sendings_state",  # noqa: S608
    }
    for sql, index in plans.items():
        rows = models.ask(partial(explained, sql))
        assert len(rows) == 1, rows
        assert index in rows[0], rows


def explained(sql: str, connection: apsw.Connection) -> list[str]:
    """The steps by which SQLite answers."""
    return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("milk", [3, 1]),
        ("MIL", [3, 1]),
        ("mil honey", []),
        ("cafes", [2]),
        ("CAFÉ", [2]),
        ("Cafe\u0301s", [2]),
        ("5 run", [4]),
        ("\u304c\u3093", [6]),
        ("\u304b\u3099\u3093", [6]),
        ("because-it's", [5]),
        ("", []),
        ("...", []),
        ('"milk', [3, 1]),
        ("milk AND", [3]),
        ("milk*", [3, 1]),
        ("NEAR(milk)", []),
        ("text:milk", []),
        ("^milk", [3, 1]),
        ("\x00", []),
        ("\U0001f600", [2]),
    ],
)
def test_words_are_found(tmp_path: Path, stem: Path, words: str, expected: list[int]) -> None:
    """All of them, whatever case and accents; the last may be a beginning; signs are nothing."""
    commands: list[c.Command] = [
        c.RecordMessage("buy milk", source="x"),
        c.TakeNote("Die Cafés \U0001f600", source="x"),
        c.AddTodo("milk and milking", source="x"),
        c.AddEntry("Run", "5 km", source="x"),
        c.ProposeDecision("x", "because it's so", source="x"),
        c.TakeNote("\u304b\u3099\u3093\u306f\u3099\u308b", source="x"),
    ]
    log, _ = appended(tmp_path, commands)
    models = Projections.open(stem)
    models.catch_up(log)
    assert [
        hit.position for hit in models.ask(lambda connection: search.search(connection, words))
    ] == expected


def test_what_was_said_is_shown(tmp_path: Path, stem: Path) -> None:
    """As it was, page by page."""
    log, _ = appended(tmp_path, [c.RecordMessage(f"milk {n}", source="x") for n in range(5)])
    models = Projections.open(stem)
    models.catch_up(log)
    assert models.ask(lambda connection: search.search(connection, "\ud800")) == ()
    assert [
        (hit.text, hit.type) for hit in models.ask(lambda connection: search.search(connection, "milk", 4, 2))
    ] == [
        ("milk 2", "MessageRecorded"),
        ("milk 1", "MessageRecorded"),
    ]


def test_what_was_sent(tmp_path: Path, stem: Path) -> None:
    """Announced, and perhaps gone out, until it is known how it ended."""
    commands: list[c.Command] = [
        *(c.AnnounceSending(f"reply:{n}", "hi", source="x") for n in range(3)),
        c.NoteSent(1, source="x"),
        c.NoteUnsent(2, "refused", source="x"),
    ]
    log, _ = appended(tmp_path, commands)
    models = Projections.open(stem)
    models.catch_up(log)
    assert [
        (one.about, one.reason)
        for one in models.ask(lambda connection: sendings.sendings(connection, ("announced", "failed")))
    ] == [
        ("reply:2", None),
        ("reply:1", "refused"),
    ]
    sent = models.ask(lambda connection: sendings.sending(connection, "reply:0"))
    assert sent is not None
    assert (sent.state, sent.text) == ("sent", "hi")
    assert models.ask(lambda connection: sendings.sending(connection, "reply:9")) is None


def test_what_no_release_wrote_is_named(tmp_path: Path, stem: Path) -> None:
    """With its position; nothing of its step is entered."""
    log, _ = appended(tmp_path, [todo(1)])
    log.append([new_entry("TodoAdded", 1, datetime.now(UTC), {"text": 5})])
    models = Projections.open(stem)
    with pytest.raises(BadEventError, match="TodoAdded at position 2"):
        models.catch_up(log)
    assert (models.position(), models.ask(lambda connection: items.items(connection, TODO))) == (0, ())
