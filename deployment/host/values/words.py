"""The lines of a service as a person reads them: one JSON object each, or the text of an older release."""

from __future__ import annotations

import json
from typing import Any

from .printable import printable

LEFT_OUT = ("time", "level", "message", "error", "hint")
READINESS = "/health/ready"
"""The path that is asked of a service until it can be used."""
JOURNAL = "journalctl: "
"""Begins each line of what journalctl has refused: other programs write to stderr too, before we begin."""


def readable(text: str) -> list[str]:
    """One line of the journal, unfolded: the message, then each hint, detail and frame on a line of its own.

    What is no such object stays as it is: systemd's own words, and whatever else a process writes. Nothing
    in it moves a terminal.
    """
    entry = _entry(text)
    if entry is None:
        return [printable(text)]
    level = entry.get("level", "info")
    head = entry["message"] if level == "info" else f"{level}: {entry['message']}"
    lists = {name: value for name, value in entry.items() if isinstance(value, list)}
    below = [f"  {item}" for value in lists.values() for item in value]
    below += [f"  hint: {entry['hint']}"] if "hint" in entry else []
    beside = [f" {name}={value}" for name, value in entry.items() if name not in (*LEFT_OUT, *lists)]
    return [printable(line) for line in ("".join((head, *beside)), *below)]


def count(events: int) -> str:
    """`1 event`, `2 events`."""
    return "1 event" if events == 1 else f"{events} events"


def times(number: int) -> str:
    """`once`, `3 times`."""
    return "once" if number == 1 else f"{number} times"


def size(bytes_: float | None) -> str:
    """Bytes as megabytes, of small things with a decimal, and of very small ones as kilobytes."""
    if not bytes_:
        return "-"
    return f"{bytes_ / 1e3:.0f} kB" if bytes_ < 1e5 else f"{bytes_ / 1e6:.{0 if bytes_ >= 1e7 else 1}f} MB"


def is_probe(text: str) -> bool:
    """Whether one line of the journal says only that somebody asked whether the service is ready."""
    entry = _entry(text) or {}
    return entry.get("message") == "answered" and entry.get("path") == READINESS


def _entry(text: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("message"), str) else None
