"""What the bot says: pure, plain text without any markup, so that nothing in it has to be escaped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.domain.things import DECISION, TODO, Thing
from services.telegram.schedule import Hours, day_of, is_due

LONGEST = 4096
"""Of a message, as Telegram counts: in UTF-16 units."""

LONGEST_LINE = 200
"""Of a thing in a list, in characters."""

MOST_BUTTONS = 12
"""Below a list: who has more to do finds the others with their numbers."""

Button = tuple[str, str]
"""What stands on it, and what it sends: a verb and a number, such as `done:12`, and in which list it is."""


@dataclass(frozen=True)
class Said:
    """A message of the bot, with the buttons below it."""

    text: str
    buttons: tuple[Button, ...] = ()


BUTTONS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    (TODO, "open"): (("Done", "done"), ("Cancel", "cancel")),
    (DECISION, "proposed"): (("Accept", "accept"), ("Reject", "reject")),
}
"""What can be done with a thing of a kind in a state."""

COMMANDS = (
    ("todos", "what is to be done"),
    ("decisions", "what is to be decided"),
    ("notes", "the last notes"),
    ("tracks", "what is followed over time"),
    ("search", "words: where they were said"),
    ("done", "number: that todo is done"),
    ("stats", "how much there is"),
    ("status", "which environment this is, and how it does"),
    ("help", "this"),
)
"""The commands and what they do, as Telegram offers them to whoever types a slash."""

HELP = "\n".join(
    (
        "Whatever you write is kept, word for word. Some of it is understood:",
        "",
        "todo: buy milk due friday #home",
        "note: the key is under the stone #garden",
        "track: weight: 82.1 kg",
        "decide: take the train because it is quiet #travel",
        "",
        *(f"/{name} {what}" for name, what in COMMANDS),
        "/cancel, /reopen, /accept, /reject with a number work like /done; /show 12 shows one thing.",
    )
)

KEPT = "kept"
KEPT_EDITED = "kept as you have edited it; what the first wording was taken as stays as it is"
ONLY_TEXT = "I keep words only: this one has none that I could keep. A caption would be kept."
NOTHING_FOUND = "nothing found"


def cut(text: str, longest: int = LONGEST) -> str:
    """`text`, or as much of its beginning as a message can hold."""
    encoded = text.encode("utf-16-le", "replace")
    if len(encoded) <= 2 * longest:
        return text
    return encoded[: 2 * (longest - 1)].decode("utf-16-le", "ignore") + "…"


def standing(thing: Thing, hours: Hours, now: datetime) -> Said:
    """A thing as it stands, and what can be done with it."""
    state = "" if thing.state in ("open", "kept", "running") else f" ({thing.state})"
    because = f"\nbecause {thing.rationale}" if thing.rationale else ""
    buttons = BUTTONS.get((thing.kind, thing.state), ())
    return Said(
        f"{thing.kind} {_described(thing, hours, now, longest=LONGEST)}{state}{because}",
        tuple((label, f"{verb}:{thing.position}") for label, verb in buttons),
    )


def undated(said: Said, words: str) -> Said:
    """The same, and that no time was understood from `due` on."""
    why = f"\nrecorded as a todo without a due time: did not understand {words!r}"
    return Said(cut(said.text, LONGEST - len(why)) + why, said.buttons)


def entered(track: Thing, text: str) -> Said:
    """What was noted on a track."""
    return Said(f"track {track.text}, entry {track.entries}: {text}")


def todo_list(todos: Sequence[Thing], hours: Hours, now: datetime) -> Said:
    """The open todos: those that are due first, and then the newest first."""
    ordered = sorted(todos, key=lambda todo: (todo.due is None, todo.due or "", -todo.position))
    return _listed("to do", ordered, hours, now, "nothing is to be done", "todos", (("Done", "done"),))


def decision_list(decisions: Sequence[Thing], hours: Hours, now: datetime) -> Said:
    """What is to be decided."""
    verbs = BUTTONS[DECISION, "proposed"]
    return _listed("to decide", decisions, hours, now, "nothing is open", "decisions", verbs)


def note_list(notes: Sequence[Thing], hours: Hours, now: datetime) -> Said:
    """The newest notes."""
    return _listed("notes, the newest first", notes, hours, now, "there are no notes")


def track_list(tracks: Sequence[Thing]) -> Said:
    """The tracks that run."""
    if not tracks:
        return Said("nothing is followed")
    lines = [
        f"{track.position}: {_short(track.text)}, {_count(track.entries, 'entry', 'entries')}"
        for track in tracks
    ]
    return Said(_fitting(["followed over time:", *lines]))


_FOUND = {
    "MessageRecorded": "message",
    "TodoAdded": "todo",
    "NoteTaken": "note",
    "TrackStarted": "track",
    "TrackEntryAdded": "entry",
}


def hit_list(hits: Sequence[tuple[int, str, str]]) -> Said:
    """What was found: (position, type of event, text) of each."""
    lines = [f"{_FOUND.get(type_, 'decision')} {at}: {_short(text)}" for at, type_, text in hits]
    return Said(_fitting(lines) or NOTHING_FOUND)


def reminder(todo: Thing, hours: Hours, now: datetime) -> Said:
    """It is time for that."""
    said = standing(todo, hours, now)
    return Said(f"reminder: {said.text}", said.buttons)


def summary(
    day: date,
    todos: Iterable[Thing],
    decisions: Sequence[Thing],
    yesterday: Mapping[str, int],
    hours: Hours,
    now: datetime,
) -> Said | None:
    """What is due, what is to be decided, what yesterday brought; None where there is nothing to say."""
    due = sorted(
        (todo for todo in todos if is_due(todo, day, hours)), key=lambda todo: (todo.due or "", todo.position)
    )
    overdue = [todo for todo in due if todo.due is not None and day_of(todo.due, hours) < day]
    parts = [
        ("overdue", [_described(todo, hours, now) for todo in overdue]),
        ("due today", [_described(todo, hours, now) for todo in due if todo not in overdue]),
        ("to decide", [_described(decision, hours, now) for decision in decisions]),
    ]
    lines = [line for title, items in parts if items for line in ("", f"{title}:", *items)]
    counts = counted(yesterday)
    if counts:
        lines += ["", f"yesterday: {counts}"]
    return Said(_fitting([_day(day, day), *lines])) if lines else None


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

COUNTED: Collection[str] = tuple(type_ for type_, _, _ in _COUNTED)
"""The types of events that a summary counts."""


def counted(events: Mapping[str, int]) -> str:
    """How many events of each type there were, as far as a person wants to know."""
    return ", ".join(_count(events[type_], one, many) for type_, one, many in _COUNTED if events.get(type_))


def stats(standing: Mapping[str, Mapping[str, int]], counts: Mapping[str, int]) -> Said:
    """How many things there are of each kind, by state, and how many events."""
    lines = [_count(counts.get("MessageRecorded", 0), "message", "messages")]
    for kind, states in standing.items():
        lines.append(f"{kind}s: " + ", ".join(f"{count} {state}" for state, count in states.items()))
    return Said("\n".join((*lines, f"{_count(sum(counts.values()), 'event', 'events')} in all")))


def status(
    who: Mapping[str, str], head: int, perhaps: Sequence[tuple[str, str]], hours: Hours, started: datetime
) -> Said:
    """Which process this is, where its log ends, and what it perhaps sent: (about, text) of each."""
    shown = hours.local(started)
    lines = [
        f"environment {who['environment']}",
        f"release {who['release']}",
        f"since {_day(shown.date(), shown.date())} {shown:%H:%M}",
        f"{_count(head, 'event', 'events')} in the log",
    ]
    if perhaps:
        lines += ["", "perhaps sent, and never sent again:"]
        lines += [f"{about}: {_short(text)}" for about, text in perhaps]
    return Said("\n".join(lines))


def unset_chat(chat: int) -> Said:
    """How the environment gets to know its chat."""
    return Said(
        f"The id of this chat is {chat}. Put TELEGRAM_CHAT_ID={chat} into the environment's .env file and"
        " deploy: then I listen to this chat, and to no other."
    )


def when(due: str, hours: Hours, now: datetime) -> str:
    """A due date as a person says it, such as `Friday 13 Feb` or `Friday 13 Feb 17:00`."""
    day = _day(day_of(due, hours), hours.local(now).date())
    return day if len(due) == len("2026-02-11") else f"{day} {hours.local(datetime.fromisoformat(due)):%H:%M}"


def _day(day: date, today: date) -> str:
    return f"{day:%A} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


def _described(thing: Thing, hours: Hours, now: datetime, longest: int = LONGEST_LINE) -> str:
    due = f", due {when(thing.due, hours, now)}" if thing.due else ""
    tags = "".join(f" #{tag}" for tag in thing.tags if f"#{tag}" not in thing.text.casefold())
    return f"{thing.position}: {_short(thing.text, longest)}{due}{tags}"


def _listed(
    title: str,
    things: Sequence[Thing],
    hours: Hours,
    now: datetime,
    none: str,
    where: str = "",
    verbs: Sequence[tuple[str, str]] = (),
) -> Said:
    """The things, and below them buttons for `verbs` on those that are shown, in the list `where`."""
    if not things:
        return Said(none)
    lines = [f"{title}:", *(_described(thing, hours, now) for thing in things)]
    buttons = [
        (f"{label} {thing.position}", f"{verb}:{thing.position}:{where}")
        for thing in things[: _room(lines) - 1]
        for label, verb in verbs
    ]
    return Said(_fitting(lines), tuple(buttons[:MOST_BUTTONS]))


def _fitting(lines: Sequence[str]) -> str:
    """As many whole lines as a message holds, and how many there are besides."""
    room = _room(lines)
    more = [] if room == len(lines) else [f"… and {_count(len(lines) - room, 'more line', 'more lines')}"]
    return "\n".join((*lines[:room], *more))


def _room(lines: Sequence[str]) -> int:
    """How many of the lines a message holds: all, or as many as leave room for how many there are besides."""
    if _fits("\n".join(lines), LONGEST):
        return len(lines)
    longest = LONGEST - len("\n… and 1000000 more lines")
    return next(room for room in range(len(lines) - 1, -1, -1) if _fits("\n".join(lines[:room]), longest))


def _fits(text: str, longest: int) -> bool:
    return cut(text, longest) == text


def _short(text: str, longest: int = LONGEST_LINE) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
