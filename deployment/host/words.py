"""The lines of a service as a person reads them: one JSON object each, or the text of an older release."""

from __future__ import annotations

import json

LEFT_OUT = ("time", "level", "message", "error")


def readable(text: str) -> list[str]:
    """One line of the journal, unfolded: the message, then each hint, detail and frame on a line of its own.

    What is no such object stays as it is: systemd's own words, and whatever else a process writes.
    """
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    if not isinstance(entry, dict) or not isinstance(entry.get("message"), str):
        return [text]
    head, below = (
        f"{entry.get('level', '')}: {entry['message']}".removeprefix("info: ").removeprefix(": "),
        [],
    )
    for name, value in entry.items():
        if isinstance(value, list):
            below += [f"  {item}" for item in value]
        elif name == "hint":
            below.append(f"  hint: {value}")
        elif name not in LEFT_OUT:
            head += f" {name}={value}"
    return [head, *below]
