"""The lists that the bot sends, and the day's summary: pure, as long as a message may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from services.domain.due import day_of, order
from services.domain.items import DECISION, Item
from services.projections.search import Hit
from services.telegram.schedule import Hours, is_due
from services.telegram.texts import (
    BUTTONS,
    LONGEST,
    NOTHING_FOUND,
    Reply,
    count,
    cut,
    day_words,
    described,
    short,
)

MOST_BUTTONS = 12
"""The most buttons below a list: other items are found by their numbers."""


def todo_list(todos: Sequence[Item], hours: Hours, now: datetime) -> Reply:
    """The open todos: overdue ones first, then by the time that they are due, then the newest first."""
    here = hours.local(now)
    ordered = sorted(todos, key=lambda todo: (order(todo.due, here), -todo.position))
    return _listed("to do", ordered, hours, now, "no open todos", "todos", (("Done", "done"),))


def decision_list(decisions: Sequence[Item], hours: Hours, now: datetime) -> Reply:
    """The decisions that are still open."""
    verbs = BUTTONS[DECISION, "proposed"]
    return _listed("to decide", decisions, hours, now, "no proposed decisions", "decisions", verbs)


def note_list(notes: Sequence[Item], hours: Hours, now: datetime) -> Reply:
    """The newest notes."""
    return _listed("notes, the newest first", notes, hours, now, "no notes")


def track_list(tracks: Sequence[Item]) -> Reply:
    """The tracks that run."""
    if not tracks:
        return Reply("no running tracks")
    lines = [
        f"{track.position}: {short(track.text)}, {count(track.entries, 'entry', 'entries')}"
        for track in tracks
    ]
    return Reply(fitting(["running tracks:", *lines]))


_FOUND = {
    "MessageRecorded": "message",
    "TodoAdded": "todo",
    "NoteTaken": "note",
    "TrackStarted": "track",
    "TrackEntryAdded": "entry on track",
}


def hit_list(hits: Sequence[Hit]) -> Reply:
    """The hits of a search, each with its kind, number, state and text."""
    return Reply(fitting([_hit_line(hit) for hit in hits]) or NOTHING_FOUND)


def _hit_line(hit: Hit) -> str:
    state = "" if hit.state in (None, "kept") else f" ({hit.state})"
    return f"{_FOUND.get(hit.type, 'decision')} {hit.number or hit.position}{state}: {short(hit.text)}"


def summary(
    day: date,
    todos: Iterable[Item],
    decisions: Sequence[Item],
    yesterday: Mapping[str, int],
    hours: Hours,
    now: datetime,
) -> Reply | None:
    """The todos due, the open decisions and yesterday's numbers; None where there is nothing to report."""
    here = hours.local(now)
    due = [todo for todo in todos if is_due(todo, day, hours)]
    due.sort(key=lambda todo: (order(todo.due, here), todo.position))
    overdue = [todo for todo in due if todo.due is not None and day_of(todo.due, hours.zone) < day]
    today = [todo for todo in due if todo not in overdue]
    lines = []
    for title, items in (("overdue", overdue), ("due today", today), ("to decide", decisions)):
        if items:
            lines += ["", f"{title}:", *(described(item, hours, now) for item in items)]
    counts = counted(yesterday)
    if counts:
        lines += ["", f"yesterday: {counts}"]
    return Reply(fitting([day_words(day, day), *lines])) if lines else None


_COUNTED = (
    ("MessageRecorded", "message", "messages"),
    ("TodoAdded", "todo added", "todos added"),
    ("TodoCompleted", "todo done", "todos done"),
    ("NoteTaken", "note", "notes"),
    ("TrackEntryAdded", "entry on a track", "entries on tracks"),
    ("DecisionProposed", "decision proposed", "decisions proposed"),
    ("DecisionAccepted", "decision accepted", "decisions accepted"),
    ("DecisionRejected", "decision rejected", "decisions rejected"),
)

COUNTED = tuple(type_ for type_, _, _ in _COUNTED)
"""The types of events that a summary counts."""


def counted(events: Mapping[str, int]) -> str:
    """The number of events of each type that matters to a person."""
    return ", ".join(count(events[type_], one, many) for type_, one, many in _COUNTED if events.get(type_))


def _listed(
    title: str,
    items: Sequence[Item],
    hours: Hours,
    now: datetime,
    none: str,
    where: str = "",
    verbs: Sequence[tuple[str, str]] = (),
) -> Reply:
    """The items, and below them buttons for `verbs` on the items that are shown, in the list `where`."""
    if not items:
        return Reply(none)
    lines = [f"{title}:", *(described(item, hours, now, mark=True) for item in items)]
    buttons = [
        (f"{label} {item.position}", f"{verb}:{item.position}:{where}")
        for item in items[: _room(lines) - 1]
        for label, verb in verbs
    ]
    return Reply(fitting(lines), tuple(buttons[:MOST_BUTTONS]))


def fitting(lines: Sequence[str]) -> str:
    """As many whole lines as a message holds, and the number of the others."""
    room = _room(lines)
    more = [] if room == len(lines) else [f"… and {count(len(lines) - room, 'more line', 'more lines')}"]
    return "\n".join((*lines[:room], *more))


def _room(lines: Sequence[str]) -> int:
    """The number of lines that fit a message: all, or fewer with room for the count of the others."""
    if _fits("\n".join(lines), LONGEST):
        return len(lines)
    longest = LONGEST - len("\n… and 1000000 more lines")
    return next(room for room in range(len(lines) - 1, -1, -1) if _fits("\n".join(lines[:room]), longest))


def _fits(text: str, longest: int) -> bool:
    return cut(text, longest) == text
