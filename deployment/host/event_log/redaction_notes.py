"""Compare the redactions in the audit with the notes of redactions in a log: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..values.layout import Environment

NOTE = "EventRedacted"  # the type of event by which a release notes a redaction
NOTED = ("position", "at", "old_head", "new_head")  # the members of a note in the log that the audit has too

Line = Mapping[str, Any]  # of the audit
Note = Mapping[str, Any]  # of a redaction, as the release's `verify` lists it


def is_audited(lines: Iterable[Line], note: Note) -> bool:
    """Whether the audit knows a redaction by its note in the log, of whatever environment that was."""
    known = (line["redacted"] for line in lines if "redacted" in line)
    return any(all(item.get(key) == note[key] for key in NOTED) for item in known)


def ended_at(lines: Iterable[Line], head: str) -> bool:
    """Whether the audit knows of a redaction of a log that had this head before."""
    return any(line["redacted"].get("old_head") == head for line in lines if "redacted" in line)


def unaudited(lines: Sequence[Line], environment: Environment, notes: Iterable[Note]) -> list[int]:
    """The positions of notes in a log that no transaction here has made, nor brought with a restored log."""
    taken_back = {line.get("transaction") for line in lines if line.get("outcome") in ("failed", "refused")}
    brought = 0
    for line in lines:
        is_restore = line.get("verb") == "restore" and line.get("environment") == environment.name
        if is_restore and "wanted" in line and line.get("transaction") not in taken_back:
            length = str(line.get("wanted") or "").partition("-")[0]
            brought = int(length) if length.isdecimal() else brought
    return [int(note["at"]) for note in notes if int(note["at"]) > brought and not is_audited(lines, note)]


def undone(
    lines: Iterable[Mapping[str, Any]],
    environment: Environment,
    notes: Iterable[Mapping[str, Any]],
    length: int,
) -> list[int]:
    """The positions of events that were redacted here, and whose words a log of before has brought back."""
    known = {tuple(note[key] for key in NOTED) for note in notes}
    missing: list[int] = []
    for line in lines:
        if line.get("environment") != environment.name:
            continue
        if line.get("deleted"):
            missing.clear()
        if "redacted" in line and tuple(line["redacted"][key] for key in NOTED) not in known:
            missing.append(int(line["redacted"]["position"]))
    return sorted({position for position in missing if position <= length})


def backups(lines: Iterable[Line], environment: Environment, first: int) -> Iterable[dict[str, Any]]:
    """The backups that reach as far as the event: when each was made, and by whom."""
    for line in lines:
        is_backup = line.get("verb") == "backup" and line.get("environment") == environment.name
        if is_backup and line.get("outcome") == "done" and int(line.get("position") or 0) >= first:
            by = (line.get("actor") or {}).get("name", "somebody")
            yield {"at": line["at"], "by": by, "position": line["position"]}
