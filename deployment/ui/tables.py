"""Tables for people: columns as wide as their widest cell, no colours, no frames.

Only on a terminal is a line folded that is too long for it: in a pipe a row stays a line.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Sequence

from ..host.values.printable import printable

INDENT = 4  # columns in front of what does not fit into the line above
NARROW = 40  # columns; nothing is laid out for less


def columns() -> int | None:
    """The columns of the terminal on standard output; None if that is no terminal."""
    return max(shutil.get_terminal_size().columns, NARROW) if sys.stdout.isatty() else None


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Lines of aligned columns, the heads first; those that `width` columns have no room for go below."""
    lines = [tuple(map(printable, line)) for line in (heads, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    shown = []
    for line in lines:
        for number, group in enumerate(_groups(widths, width)):
            text = "  ".join(line[i].ljust(widths[i]) for i in group).rstrip()
            if text or not number:
                shown.append(fold(" " * INDENT if number else "", text, INDENT, width) + "\n")
    return "".join(shown)


def fold(start: str, text: str, indent: int, width: int | None) -> str:
    """The two in one line, or between words in several of at most `width` columns, where that is one."""
    start, text = printable(start), printable(text)
    if width is None or not text or len(start) + len(text) <= width:
        return start + text
    wrapper = textwrap.TextWrapper(
        width,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.fill(text)


def _groups(widths: Sequence[int], width: int | None) -> list[list[int]]:
    """The columns that stand in one line, line by line."""
    groups: list[list[int]] = [[]]
    used = 0
    for index, size_ in enumerate(widths):
        if width is not None and groups[-1] and used + size_ > width:
            groups.append([])
            used = INDENT
        groups[-1].append(index)
        used += size_ + 2
    return groups


def age(since: float | None) -> str:
    """The age of a moment (seconds since the epoch), in the largest unit of which there are two."""
    if since is None:
        return "-"
    seconds = max(0, int(time.time() - since))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def short(release: str | None) -> str:
    """As much of a release's id as tells it from others, and as `RELEASE=` takes."""
    return release[:-8] if release else "-"


def count(events: int) -> str:
    """`1 event`, `2 events`."""
    return "1 event" if events == 1 else f"{events:,} events"
