"""Days and times at the corners of the calendar and the clock; docs/GRAMMAR.md has the plain ones."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.config import ROOT
from services.dates import when

VIENNA = "Europe/Vienna"


def said(words: str, at: str, zone: str = VIENNA, fold: int = 0) -> str | None:
    return when(words, datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone), fold=fold))


@pytest.mark.parametrize(
    ("words", "at", "due"),
    [
        ("in 1 month", "2026-01-31", "2026-02-28"),
        ("in 1 month", "2028-01-31", "2028-02-29"),
        ("in 12 months", "2024-02-29", "2025-02-28"),
        ("tomorrow", "2028-02-28", "2028-02-29"),
        ("tomorrow", "2026-12-31", "2027-01-01"),
        ("29 feb", "2028-02-29", "2028-02-29"),
        ("29 feb", "2028-03-01", "2032-02-29"),
        ("29 feb", "2096-03-01", "2104-02-29"),
        ("29 feb 2100", "2026-01-01", None),
        ("31 dec", "2026-12-31", "2026-12-31"),
        ("30 dec", "2026-12-31", "2027-12-30"),
        ("31 apr", "2026-01-01", None),
        ("monday", "2026-02-09", "2026-02-16"),
        ("next week", "2026-02-09", "2026-02-16"),
        ("next week", "2026-02-15", "2026-02-16"),
        ("next monday", "2026-02-15", "2026-02-16"),
        ("next sunday", "2026-02-15", "2026-02-22"),
        ("next month", "2026-12-31", "2027-01-01"),
        ("end of the month", "2028-02-01", "2028-02-29"),
        ("the 31st", "2026-02-10", "2026-03-31"),
        ("the 31st", "2026-04-01", "2026-05-31"),
        ("24.12.", "2026-12-25", "2027-12-24"),
        ("in a year", "2028-02-29", "2029-02-28"),
        ("in 100 years", "2026-02-10", "2126-02-10"),
        ("in 101 years", "2026-02-10", None),
        ("in 9999 days", "2026-02-10", "2053-06-27"),
        ("9 feb 1926", "2026-02-10", "1926-02-09"),
        ("9 feb 1925", "2026-02-10", None),
    ],
)
def test_ends_of_months_and_leap_years(words: str, at: str, due: str | None) -> None:
    """A count ends at the last day of a short month; a day that a year lacks is looked for further on."""
    assert said(words, at) == due


@pytest.mark.parametrize(
    ("words", "at", "due"),
    [
        ("17:00", "2026-02-10 17:00", "2026-02-11T16:00:00Z"),
        ("17:00", "2026-02-10 16:59:59", "2026-02-10T16:00:00Z"),
        ("12am", "2026-02-10 00:00", "2026-02-10T23:00:00Z"),
        ("12pm", "2026-02-10 00:00", "2026-02-10T11:00:00Z"),
        ("00:00", "2026-02-10 09:00", "2026-02-10T23:00:00Z"),
        ("today 9:00", "2026-02-10 10:00", "2026-02-10T08:00:00Z"),
        ("tonight", "2026-02-10 21:00", "2026-02-10T19:00:00Z"),
        ("in the evening", "2026-02-10 21:00", "2026-02-11T17:00:00Z"),
        ("at 12", "2026-02-10 09:00", "2026-02-10T11:00:00Z"),
        ("at 24", "2026-02-10", None),
        ("at 9.5", "2026-02-10", None),
        ("24:00", "2026-02-10", None),
        ("0am", "2026-02-10", None),
        ("17:60", "2026-02-10", None),
        ("17:00pm", "2026-02-10", None),
        ("17:00 18:00", "2026-02-10", None),
        ("in 2 hours 17:00", "2026-02-10", None),
    ],
)
def test_times_of_a_day(words: str, at: str, due: str | None) -> None:
    """A time that is now has passed; one that was said with its day stays where it was said."""
    assert said(words, at) == due


@pytest.mark.parametrize(
    ("words", "at", "zone", "due"),
    [
        ("2:30", "2026-03-28 20:00", VIENNA, "2026-03-29T01:30:00Z"),
        ("tomorrow 2:30", "2026-03-28 20:00", VIENNA, "2026-03-29T01:30:00Z"),
        ("in 3 hours", "2026-03-29 01:00", VIENNA, "2026-03-29T03:00:00Z"),
        ("in 1 day", "2026-03-28 20:00", VIENNA, "2026-03-29"),
        ("2:30", "2026-10-24 20:00", VIENNA, "2026-10-25T00:30:00Z"),
        ("in 3 hours", "2026-10-25 01:00", VIENNA, "2026-10-25T02:00:00Z"),
        ("2026-10-04 2:15", "2026-10-01", "Australia/Lord_Howe", "2026-10-03T15:45:00Z"),
        ("2011-12-30 12:00", "2011-12-29", "Pacific/Apia", "2011-12-30T22:00:00Z"),
    ],
)
def test_clock_changes(words: str, at: str, zone: str, due: str) -> None:
    """What is left out is as much later, what comes twice is the first; hours count as they pass."""
    assert said(words, at, zone) == due


def test_hours_are_counted_from_the_second_time_too() -> None:
    """What the clock shows twice is told apart."""
    assert said("in 1 hour", "2026-10-25 02:10") == "2026-10-25T01:10:00Z"
    assert said("in 1 hour", "2026-10-25 02:10", fold=1) == "2026-10-25T02:10:00Z"


def test_the_day_is_that_of_the_zone() -> None:
    """At one moment it is another day elsewhere."""
    now = datetime.fromisoformat("2026-02-10T23:30:00+00:00")
    assert when("today", now.astimezone(ZoneInfo("Asia/Kathmandu"))) == "2026-02-11"
    assert when("today", now.astimezone(ZoneInfo("America/New_York"))) == "2026-02-10"


@pytest.mark.parametrize(
    ("words", "zone"),
    [
        ("tomorrow", VIENNA),
        ("next week", VIENNA),
        ("in 9999 weeks", VIENNA),
        ("in 9999 hours", VIENNA),
        ("1 jan", VIENNA),
        ("31 dec 9999 23:59", "America/New_York"),
        ("0001-01-01 0:00", VIENNA),
        ("0000-01-01", VIENNA),
        ("1 jan 0001", VIENNA),
    ],
)
def test_outside_of_the_years_that_there_are(words: str, zone: str) -> None:
    """It is no time."""
    assert said(words, "9999-12-31 12:00", zone) is None


@pytest.mark.parametrize(
    "words",
    [
        "",
        " ",
        "a",
        "10",
        "2026",
        "feb",
        "feb 2027",
        "99 feb",
        "11 febtober",
        "the 11th of",
        "11.2",
        "1.13.",
        "2026-02.01",
        "32nd",
        "in a",
        "in 2 h 3 h",
        "in 5 min 1 h",
        "in 3 days 2 hours",
        "friday morning at 8",
        "fri fri",
        "at",
    ],
)
def test_nothing_is_guessed(words: str) -> None:
    """What the library would make a time of, but nobody meant as one, is none."""
    assert said(words, "2026-02-10") is None


@pytest.mark.parametrize(
    "words", ["\u0663 feb", "\u0662\u0663:\u0660\u0660", "in \u0663 days", "in \u0663 hours"]
)
def test_digits_are_those_of_the_document(words: str) -> None:
    """Others are text."""
    assert said(words, "2026-02-10") is None


def test_dateutil_is_imported_by_the_first_time_that_is_said() -> None:
    """Whoever names none does without its memory."""
    program = """
import sys
from datetime import UTC, datetime
from services.dates import when
from services.domain.grammar import parse_message
for text in ("todo: buy milk #home", "todo: pay due 17:00"):
    parse_message(text, "api", datetime(2026, 2, 10, tzinfo=UTC), when)
    print("dateutil" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "True"]
