"""A table is for people: on a terminal that is too narrow nothing is lost, and columns stay columns."""

from __future__ import annotations

import io
import os
import pty

import pytest
from rich.console import Console

from deployment.ui import tables
from deployment.ui.terminal import Terminal

HEADS = ("when", "what", "why")
ROWS = [("2026-01-02", "deploy", ""), ("2026-01-03", "restart of it", "it did not come up within 30 s")]


def test_row_is_a_line_where_nothing_is_said_of_a_width() -> None:
    """As in a pipe, however long it is."""
    assert len(tables.table(HEADS, [*ROWS, ("x" * 300, "y" * 300, "z" * 300)]).splitlines()) == 4


def test_columns_that_have_no_room_go_below() -> None:
    """The same ones of every row, the heads too; a row that has nothing for them takes no line for it."""
    assert tables.table(HEADS, ROWS, 40).splitlines() == [
        "when        what",
        "    why",
        "2026-01-02  deploy",
        "2026-01-03  restart of it",
        "    it did not come up within 30 s",
    ]
    assert tables.table(HEADS, ROWS, 59) == tables.table(HEADS, ROWS)


def test_long_text_is_folded_between_words() -> None:
    """A word that is longer than the line stays whole: it may be a path that somebody copies."""
    assert tables.fold("reason: ", "one two three", 4, 13) == "reason: one\n    two three"
    assert tables.fold("reason: ", "one /a/very-long/path", 4, 13) == "reason: one\n    /a/very-long/path"
    assert tables.fold("reason: ", "one two three", 4, None) == "reason: one two three"


def test_width_is_that_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """And none where somebody else reads than a person."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours), os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.setenv("COLUMNS", "100")
        assert tables.columns() == 100
        monkeypatch.setenv("COLUMNS", "7")
        assert tables.columns() == tables.NARROW
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert tables.columns() is None


def test_remark_on_a_step_goes_below_where_it_has_no_room() -> None:
    """On a terminal; one that has room stands beside it."""
    output, shown = Terminal(), io.StringIO()
    output._console = Console(file=shown, width=80, highlight=False, soft_wrap=True)
    output.done("rehearse", 1.5, "answered [ready]")
    output.done("rehearse", 1.5, "it answered as release c0ffee000000-111111111111 of dev [ready]")
    first, second, below, end = shown.getvalue().split("\n")
    assert first.endswith(" s  answered [ready]")
    assert second.endswith("1.50 s")
    assert below == "    it answered as release c0ffee000000-111111111111 of dev [ready]"
    assert end == ""
