"""The output of commands: tables that fit a terminal, plain lines for a pipe, or JSON."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TextIO

BOLD, DIM, RED, GREEN, PLAIN = "\033[1m", "\033[2m", "\033[31m", "\033[32m", ""
RESET = "\033[0m"

ELLIPSIS = "…"

COLOURS = {
    "done": GREEN,
    "accepted": GREEN,
    "cancelled": DIM,
    "stopped": DIM,
    "rejected": RED,
    "overdue": RED,
}
"""Of words that stand in a column of states."""


class Output:
    """Writes to `stream`. Colours and cut lines are for a terminal alone, and colours can be switched off."""

    def __init__(self, stream: TextIO, variables: Mapping[str, str], *, as_json: bool, timezone: str) -> None:
        self._stream = stream
        self.as_json = as_json
        self._timezone = timezone
        self._terminal = stream.isatty()
        self._coloured = self._terminal and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"
        self._width = shutil.get_terminal_size().columns if self._terminal else None

    def value(self, value: object) -> None:
        """One JSON object, on a line of its own."""
        self.line(json.dumps(value))

    def line(self, text: str, *, now: bool = False) -> None:
        """A line as it is; `now`: not to be held back."""
        self._stream.write(text + "\n")
        if now:
            self._stream.flush()

    def page(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], none: str, beyond: int | None
    ) -> None:
        """Print a table, and a note that there are more rows than `beyond`, or none."""
        self.table(heads, rows)
        if beyond is not None:
            note(f"more than {beyond} results; use --limit")
        elif not rows:
            self.nothing(none)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns; the heads are for a terminal. Where nothing is, nothing is written."""
        rows = [[one_line(cell) for cell in row] for row in rows]
        lines = [list(heads), *rows] if self._terminal and rows else rows
        widths = [max((width_of(line[i]) for line in lines), default=0) for i in range(len(heads))]
        for line in lines:
            self.row(line, widths, BOLD if line is lines[0] and self._terminal else PLAIN)

    def nothing(self, none: str) -> None:
        """Tell a person that there is nothing, in these words; a program sees it."""
        if self._terminal:
            note(none)

    def row(
        self, cells: Sequence[str], widths: Sequence[int], colour: str = PLAIN, *, now: bool = False
    ) -> None:
        """One line of columns that are so wide; the last one takes what the terminal has left."""
        room, parts = self._width, []
        for cell, width in zip(cells, [*widths[:-1], 0], strict=True):
            shown = one_line(cell) + " " * (width - width_of(cell))
            if room is not None:
                shown = cut(shown, room)
                room -= width_of(shown) + 2
            own = COLOURS.get(cell, PLAIN) if width else PLAIN  # the last column is what people said
            parts.append(self._painted(shown, colour or own))
            if room is not None and room <= 0:
                break
        self.line("  ".join(parts).rstrip(), now=now)

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Names and values, one pair on a line, whole; more lines of a value stand below it."""
        width = max(width_of(name) for name, _ in pairs)
        for name, value in pairs:
            first, *more = [one_line(line) for line in value.splitlines()] or [""]
            self.line(f"{self._painted(name.ljust(width), BOLD)}  {first}".rstrip())
            for line in more:
                self.line(f"{' ' * width}  {line}".rstrip())

    def moment(self, text: str) -> str:
        """A time of the service, in the time zone of the configuration; a day stays one."""
        if "T" not in text:
            return text
        try:
            return datetime.fromisoformat(text).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")
        except OverflowError:  # beyond the first or the last year
            return text

    @property
    def zone(self) -> tzinfo:
        """The time zone of the configuration."""
        if self._timezone == "UTC":
            return UTC
        from zoneinfo import ZoneInfo  # only where it is wanted: a command should feel instant

        return ZoneInfo(self._timezone)

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{RESET}" if colour and self._coloured else text


def note(text: str) -> None:
    """Tell a person something beside what was asked for."""
    print(one_line(text), file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """`text` on one line, with nothing in it that a terminal would obey."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if _obeyed(character) else character
        for character in " ".join(text.split())
    )


def _obeyed(character: str) -> bool:
    # Also what turns the direction of writing: it would show other words than were said.
    return unicodedata.category(character) == "Cc" or unicodedata.bidirectional(character) in (
        *("LRE", "RLE", "LRO", "RLO", "PDF"),
        *("LRI", "RLI", "FSI", "PDI"),
    )


def width_of(text: str) -> int:
    """The columns of a terminal that a line takes."""
    return sum(map(_columns, text))


def cut(text: str, width: int) -> str:
    """As much of `text` as fits so many columns, with an ellipsis for the rest."""
    if width_of(text) <= width:
        return text
    taken, shortened = 1, ""
    for character in text:
        taken += _columns(character)
        if taken > width:
            break
        shortened += character
    return shortened + ELLIPSIS


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
