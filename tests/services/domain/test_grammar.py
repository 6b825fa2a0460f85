"""What a message means: docs/GRAMMAR.md, row by row, and what holds for any message."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.config import ROOT
from services.dates import when
from services.domain import commands as c
from services.domain.decisions import validate
from services.domain.grammar import LONGEST_SHOWN, parse_message, undated

TEXT = (ROOT / "docs" / "GRAMMAR.md").read_text()
NOW = datetime(2026, 2, 10, 14, 30, tzinfo=ZoneInfo("Europe/Vienna"))

ZONES = st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
NOWS = st.builds(
    lambda seconds, zone: datetime.fromtimestamp(seconds, ZoneInfo(zone)),
    st.integers(0, 4_000_000_000),
    ZONES,
)
PARTS = """
todo: note: track: decide: because due #a # friday tomorrow 17:00 : x milk 9999-12-31 29_feb in_3_hours
31_dec_9999 in_9999_months in_9999_weeks due: (due ) , friday! in_a_week in_2h 24.12. the_9th
2026-12-24T17:00Z
"""
WORDS = st.sampled_from([*(word.replace("_", " ") for word in PARTS.split()), "\n", "  "])
SAID = st.one_of(st.text(), st.lists(WORDS, max_size=8).map(" ".join))


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def told(command: c.Command) -> tuple[str, str, str]:
    """A command as the table of examples has it: kind, text, rest."""
    tags = " ".join(f"#{tag}" for tag in getattr(command, "tags", ()))
    match command:
        case c.AddTodo(text, due):
            return "todo", text, ", ".join(filter(None, (due and f"due {due}", tags)))
        case c.TakeNote(text):
            return "note", text, tags
        case c.AddEntry(track, text):
            return "entry", text, f"on {track}"
        case c.StartTrack(track):
            return "track", track, tags
        case c.ProposeDecision(text, rationale):
            return "decision", text, ", ".join(filter(None, (rationale and f"because {rationale}", tags)))
    return "message", "", ""


@pytest.mark.parametrize("row", rows("Examples"), ids=lambda row: row[0])
def test_every_example(row: list[str]) -> None:
    """What the document says a message becomes, it becomes."""
    text, *expected = (cell.strip("`").replace("⏎", "\n") for cell in row)
    assert told(parse_message(text, "api", NOW, when)[-1]) == tuple(expected)


TIMES = [(words, meant) for said, meant in rows("Days and times") for words in re.findall(r"`([^`]+)`", said)]


@pytest.mark.parametrize(("words", "meant"), TIMES, ids=[words for words, _ in TIMES])
def test_every_time(words: str, meant: str) -> None:
    """What the document says a day or a time is, it is."""
    assert when(words, NOW) == (None if meant == "no time" else meant)
    assert when(f"  {words.upper()}\n", NOW) == when(words, NOW)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pay what is due someday", "due someday"),
        ("pay what is Due: next moon #home", "Due: next moon"),
        ("pay what is due someday\nor never", "due someday"),
        ("pay what is due, and the rent", None),
        ("a long-due, overdue and undue thing", None),
        ("buy milk due", "due"),
        ("due friday", "due friday"),
        ("buy milk due friday", None),
        ("buy milk", None),
        ("buy milk {due friday}", "due friday}"),
        ('buy milk "due friday"', 'due friday"'),
        ("buy milk \u201edue friday\u201c", "due friday\u201c"),
        ("buy milk *due friday*", "due friday*"),
        ("buy milk\u2014due friday?", None),
        ("buy milk \u2013due someday", "due someday"),
        ("see https://example.org/due friday", None),
        ("x due " + "y" * 99, "due " + "y" * (LONGEST_SHOWN - 5) + "…"),
    ],
)
def test_a_time_that_is_not_understood_is_named(text: str, shown: str | None) -> None:
    """On one short line, whatever stands behind it; a word that only holds `due` is a word."""
    made = parse_message(f"todo: {text}", "api", NOW, when)[-1]
    assert isinstance(made, c.AddTodo)
    assert (undated(made.text) if made.due is None else None) == shown


@pytest.mark.parametrize(
    "text",
    ["x due y\n" * 8000, "(due x)" * 9000, "due \n" * 13000, "#a" + "!" * 60_000 + "x", "#a " * 20_000],
)
def test_a_hostile_text_is_read_in_no_time(text: str) -> None:
    """Of as many bytes as a body may have: the service answers nobody else meanwhile."""
    begun = time.process_time()
    parse_message(f"todo: {text}", "api", NOW, when)
    assert time.process_time() - begun < 0.3


@given(SAID, NOWS)
def test_whatever_is_said(text: str, now: datetime) -> None:
    """The message comes first, to the letter; what it means is fit, and the same each time it is asked."""
    commands = parse_message(text, "api", now, when)
    assert commands[0] == c.RecordMessage(text, source="api")
    assert len(commands) <= 2
    assert all(validate(command) is None for command in commands[1:])
    assert parse_message(text, "api", now, when) == commands


@given(st.text().filter(lambda text: ":" not in text), NOWS)
def test_without_a_keyword_it_is_a_message(text: str, now: datetime) -> None:
    """And nothing else."""
    assert parse_message(text, "api", now, when) == (c.RecordMessage(text, source="api"),)


@pytest.mark.parametrize("text", ["dec\u0131de: a", "dec\u0130de: a", "trac\u212a: a"])
def test_a_word_with_a_letter_that_only_looks_alike(text: str) -> None:
    """It is none of the four, and the message is kept."""
    assert parse_message(text, "api", NOW, when) == (c.RecordMessage(text, source="api"),)


@pytest.mark.parametrize(
    "text", ["track: run\n5 km", "track: run\nfar: 5 km", "track: : 5 km", "track: run:\n"]
)
def test_a_name_is_on_one_line_and_an_entry_says_something(text: str) -> None:
    """Else it is a message, and starts no track that nobody meant."""
    assert parse_message(text, "api", NOW, when) == (c.RecordMessage(text, source="api"),)


@given(st.one_of(WORDS, st.tuples(WORDS, WORDS).map(" ".join), st.text()), NOWS)
def test_a_time_is_one_that_can_be_kept(words: str, now: datetime) -> None:
    """A day or a moment in UTC; a time alone lies ahead, by a day and an hour at most."""
    due = when(words, now)
    if due is not None:
        assert validate(c.SetDue(1, due, source="api")) is None
    if words.strip() == "17:00":
        moment = datetime.fromisoformat(str(due))
        assert timedelta() < moment - now.astimezone(UTC) <= timedelta(hours=25)
