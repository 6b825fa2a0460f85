"""The calendar of todos, read by a library for calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.calendar import calendar
from services.domain import commands as c
from services.domain.items import Item
from services.projections import items
from services.projections.database import Projections
from tests.services.projections.test_things import appended

CHANGED = datetime(2026, 2, 10, 13, 30, 0, 500_000, tzinfo=UTC)
NOW = datetime(2026, 2, 11, 8, 0, tzinfo=ZoneInfo("Europe/Vienna"))


def todo(text: str = "call Ada", due: str | None = "2026-02-12", tags: tuple[str, ...] = ()) -> Item:
    return Item(5, "todo", "open", text, tags, CHANGED, CHANGED, due)


def parsed(*todos: Item) -> Any:
    """The calendar; Any, because the library types each value as one of thirty."""
    return icalendar.Calendar.from_ical(calendar(todos, "live", NOW))


def event(item: Item) -> Any:
    (only,) = parsed(item).walk("VEVENT")
    return only


def read_back(item: Item) -> str:
    """The whole text, as a program for calendars shows it."""
    only = event(item)
    return str(only.get("DESCRIPTION", only["SUMMARY"]))


def test_a_calendar_has_the_name_of_its_environment() -> None:
    whole = parsed()
    assert (whole["VERSION"], whole["NAME"], whole["X-WR-CALNAME"]) == ("2.0", *["Helionyx live"] * 2)
    assert whole["X-WR-TIMEZONE"] == "Europe/Vienna"
    assert whole["REFRESH-INTERVAL"].dt == timedelta(minutes=15)
    assert whole.walk("VEVENT") == []


def test_a_day_is_an_event_of_the_whole_day() -> None:
    only = event(todo(tags=("home", "work")))
    assert type(only["DTSTART"].dt) is date
    assert only["DTSTART"].dt == date(2026, 2, 12)
    assert "DURATION" not in only
    assert only["UID"] == "todo-5@live.helionyx"
    assert only["DTSTAMP"].dt == only["LAST-MODIFIED"].dt == CHANGED.replace(microsecond=0)
    assert only["CATEGORIES"].cats == ["home", "work"]
    assert only["SUMMARY"] == "call Ada"
    assert "DESCRIPTION" not in only


@pytest.mark.parametrize("due", ["2026-02-12T16:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_moment_is_half_an_hour_in_utc(due: str) -> None:
    only = event(todo(due=due))
    assert only["DTSTART"].dt == datetime.fromisoformat(due)
    assert only["DURATION"].dt == timedelta(minutes=30)


def test_a_todo_without_a_due_time_is_left_out() -> None:
    assert parsed(todo(due=None)).walk("VEVENT") == []


def test_the_bytes_are_the_same_until_a_todo_changes() -> None:
    later = NOW + timedelta(hours=1)
    assert calendar([todo()], "live", NOW) == calendar([todo()], "live", later)


@pytest.mark.parametrize(
    "text",
    [
        "milk, eggs; bread: \\n is no line \\, \\; \\\\",
        "one\ntwo\n\nthree\\\nfour",
        "END:VEVENT\nEND:VCALENDAR\nBEGIN:VEVENT",
        "family \U0001f468\u200d\U0001f469\u200d\U0001f467 " * 40,
        "ü" * 10_000,
        "x\t" + "a b " * 2_500 + "c",
        '"quoted" ^n ^^ DTSTART:20260101',
        "\u05d0\u200f\ufeff\u202e",
    ],
)
def test_every_text_comes_back_as_it_is(text: str) -> None:
    assert read_back(todo(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf", "a\nb\nc\nd\ne\nf"),
        ("a\x00b\x1bc\x7fd", "a b c d"),
    ],
)
def test_characters_that_a_calendar_must_not_have_are_replaced(text: str, expected: str) -> None:
    assert read_back(todo(text)) == expected


@pytest.mark.parametrize(
    ("text", "summary"),
    [("\n  call Ada \nabout the train", "call Ada"), ("x" * 201, "x" * 199 + "…"), ("x" * 200, "x" * 200)],
)
def test_the_title_is_the_first_line(text: str, summary: str) -> None:
    assert event(todo(text))["SUMMARY"] == summary


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_lines_are_folded_and_end_as_the_standard_says(text: str) -> None:
    """No line is longer than 75 octets, none holds a control character, and no character is cut."""
    *lines, end = calendar([todo(text)], "live", NOW).split(b"\r\n")
    assert end == b""
    for line in lines:
        assert len(line) <= 75
        assert not set(line.decode()) & {chr(code) for code in (*range(9), *range(10, 32), 127)}
    assert len(parsed(todo(text)).walk("VEVENT")) == 1


def test_a_calendar_has_every_open_todo_with_a_due_time(tmp_path: Path) -> None:
    """Also those behind the first page of texts."""
    text = "x" * 300_000
    commands: list[c.Command] = [
        *(c.AddTodo(text, f"2026-02-{20 - number}", source="x") for number in range(6)),
        c.AddTodo("no due", source="x"),
        c.AddTodo("done", "2026-02-12", source="x"),
        c.CompleteTodo(8, source="x"),
    ]
    log, _ = appended(tmp_path / "e", commands)
    models = Projections.open(tmp_path / "p" / "h.db")
    models.catch_up(log)
    assert [item.position for item in models.ask(items.all_due)] == [6, 5, 4, 3, 2, 1]
    models.close()
    log.close()


def test_a_calendar_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[c.Command] = [c.AddTodo("x" * 10, f"2026-02-1{number}", source="x") for number in range(6)]
    log, _ = appended(tmp_path / "e", commands)
    models = Projections.open(tmp_path / "p" / "h.db")
    models.catch_up(log)
    monkeypatch.setattr(items, "MOST_DUE", 4)
    assert [item.position for item in models.ask(items.all_due)] == [1, 2, 3, 4]
    monkeypatch.setattr(items, "LARGEST_DUE", 1)
    assert [item.position for item in models.ask(items.all_due)] == [1]
    models.close()
    log.close()
