"""Tables for people: columns as wide as their widest cell, no colours, no frames."""

from __future__ import annotations

import time
from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of aligned columns, the heads first."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def age(since: float | None) -> str:
    """How long ago a moment (seconds since the epoch) was, in its largest unit of which there are two."""
    if since is None:
        return "-"
    seconds = max(0, int(time.time() - since))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def size(count: int | None) -> str:
    """Bytes as megabytes, of small things with a decimal, and of very small ones as kilobytes."""
    if not count:
        return "-"
    return f"{count / 1e3:.0f} kB" if count < 1e5 else f"{count / 1e6:.{0 if count >= 1e7 else 1}f} MB"


def count(events: int) -> str:
    """`1 event`, `2 events`."""
    return "1 event" if events == 1 else f"{events:,} events"
