"""Times, items and events as pages show them: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from services.domain.commands import Command
from services.domain.due import day_of, is_day, is_overdue, local
from services.domain.items import Item, Key, track_key
from services.event_log.records import Entry
from services.projections.messages import message_of


def day_words(day: date, today: date) -> str:
    """A day for people: today, tomorrow, yesterday, a weekday within a week, or a date."""
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((day - today).days)
    if near is not None:
        return near
    if timedelta(0) < day - today < timedelta(7):
        return f"{day:%A}"
    return f"{day:%a} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


def due_words(due: str, now: datetime) -> str:
    """A due time for people, in the zone of `now`."""
    zone = now.tzinfo
    assert zone is not None
    day = day_words(day_of(due, zone), now.date())
    return day if is_day(due) else f"{day} {local(datetime.fromisoformat(due), zone):%H:%M}"


def time_words(moment: datetime | str, now: datetime) -> str:
    """A time for people, in the zone of `now`: without the day, if it is today."""
    zone = now.tzinfo
    assert zone is not None
    shown = local(datetime.fromisoformat(moment) if isinstance(moment, str) else moment, zone)
    return (
        f"{shown:%H:%M}"
        if shown.date() == now.date()
        else f"{day_words(shown.date(), now.date())} {shown:%H:%M}"
    )


def moment_of(seconds: float) -> datetime:
    """A moment from Unix time."""
    return datetime.fromtimestamp(seconds, UTC)


def is_late(item: Item, now: datetime) -> bool:
    """Whether a todo is open and overdue."""
    return item.state == "open" and item.due is not None and is_overdue(item.due, now)


class Row(Struct, frozen=True):
    """One line of the timeline."""

    position: int
    time: str
    """RFC 3339, UTC."""
    what: str
    """The event in words."""
    text: str
    number: int | None = None
    """The item that it is about."""
    detail: str = ""


_WORDS = {
    "TodoAdded": ("todo", "text"),
    "TodoCompleted": ("todo done", "todo"),
    "TodoReopened": ("todo opened again", "todo"),
    "TodoCancelled": ("todo cancelled", "todo"),
    "TodoDueSet": ("due time set", "todo"),
    "NoteTaken": ("note", "text"),
    "TrackStarted": ("track started", "track"),
    "TrackEntryAdded": ("entry", "text"),
    "TrackStopped": ("track stopped", "track"),
    "DecisionProposed": ("decision proposed", "text"),
    "DecisionAccepted": ("decision accepted", "decision"),
    "DecisionRejected": ("decision rejected", "decision"),
    "DecisionRevisited": ("decision opened again", "decision"),
    "TagAdded": ("tag added", "tag"),
    "TagRemoved": ("tag removed", "tag"),
    "ServiceStarted": ("service started", "release"),
    "ServiceStopped": ("service stopped", "release"),
    "EventRedacted": ("event redacted", "reason"),
}
"""Type of event -> (in words, the member that its line shows: a text, or the number of an item)."""

SHOWN_TYPES = ("MessageRecorded", *_WORDS)
"""The types of events in the timeline: without the bot's own bookkeeping."""


def rows(entries: Sequence[Entry], about: Mapping[Key, Item]) -> list[Row]:
    """The timeline of `entries`, the newest first. `about` has the items that they are about.

    A message and the item that it became are one line.
    """
    lines: list[Row] = []
    meant: Entry | None = None
    for entry in entries:
        if entry.type == "MessageRecorded":
            lines.append(_message(entry, meant, about))
            meant = None
            continue
        if meant is not None:
            lines.append(_row(meant, about))
        meant = entry
    return lines if meant is None else [*lines, _row(meant, about)]


def _message(entry: Entry, meant: Entry | None, about: Mapping[Key, Item]) -> Row:
    message = message_of(entry)
    if meant is None or meant.position != entry.position + 1 or meant.time != entry.time:
        return Row(entry.position, message.said_at, "message", message.text)
    item = about.get(key_in(meant))
    what = _WORDS.get(meant.type, (meant.type, ""))[0]
    return Row(meant.position, message.said_at, what, message.text, item.position if item else None)


def _row(entry: Entry, about: Mapping[Key, Item]) -> Row:
    what, member = _WORDS.get(entry.type, (entry.type, ""))
    item = about.get(key_in(entry))
    value = entry.data.get(member, "")
    text = item.text if item and isinstance(value, int) else str(value)
    if item and entry.type.startswith("Tag"):
        text = f"#{text}: {item.text}"
    detail = entry.data.get(_DETAILS.get(entry.type, "rationale"))
    return Row(entry.position, entry.time, what, text, item.position if item else None, str(detail or ""))


_DETAILS = {"TodoDueSet": "due", "TodoAdded": "due", "TrackEntryAdded": "track"}
"""Type of event -> the member that its line shows after the text."""


def key_in(entry: Entry) -> Key:
    """The key of the item that an event is about, or creates at its position."""
    for name in ("todo", "decision", "thing"):
        number = entry.data.get(name)
        if isinstance(number, int):
            return number
    track = entry.data.get("track")
    return track_key(track) if isinstance(track, str) else entry.position


def command_words(command: Command, now: datetime) -> list[tuple[str, str]]:
    """The parts of a command as (name, value): first the kind of item that it creates."""
    kind = _MEANT.get(type(command).__name__)
    if kind is None:
        return [("message", "")]
    text = getattr(command, "text", "")
    track, due = getattr(command, "track", None), getattr(command, "due", None)
    parts = [(kind, str(track if track is not None else text))]
    if track is not None and text:
        parts.append(("entry", text))
    if due:
        parts.append(("due", due_words(due, now)))
    rationale = getattr(command, "rationale", None)
    if rationale:
        parts.append(("because", rationale))
    return parts + [("tag", f"#{tag}") for tag in getattr(command, "tags", ())]


_MEANT = {
    "AddTodo": "todo",
    "TakeNote": "note",
    "StartTrack": "track",
    "AddEntry": "track",
    "ProposeDecision": "decision",
}
