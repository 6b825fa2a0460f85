"""The events that a redaction changes, and their bodies afterwards.

The words of an event lie in other events too: the message that a todo was made of, the bot's reply, its
reminders, its lists. What the service itself derived or said is changed with it. Where other people's words
repeat it, their positions are named: each is somebody's to decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from services.domain.events import EventRedacted
from services.errors import HelionyxError
from services.event_codec import draft_of, event_of
from services.event_log.log import EventLog
from services.event_log.reading import Selection
from services.event_log.records import Entry, new_id
from services.event_log.summary import Head
from services.formats import EVENT_REDACTED, MESSAGE_RECORDED, OF_ITSELF
from services.redaction import REDACTED

SENDING = "SendingAnnounced"
MESSAGE = MESSAGE_RECORDED[0]

STRUCTURE = frozenset({"source", "due", "about", "release", "said_at", "at", "kind", "album", "sender"})
"""The members of an event, at any depth, that hold no words: sources, times, references."""

NAMES = frozenset({"track", "tag", "tags", "origin"})
"""The members that are short and often repeated, or other people's words. They are replaced, and not searched
for in other events."""

SHORTEST = 4
"""Characters of a text that is searched for in other events: a shorter one is in too many."""

LONGEST = 199
"""Characters of a text that the bot's lists show."""


class RedactionError(HelionyxError):
    """There is nothing to redact at that position."""


class Done(Struct, frozen=True):
    """A redaction that the log holds."""

    at: int
    """The position of its EventRedacted."""
    event: EventRedacted


class Redaction(Struct, frozen=True):
    """The changes of a redaction."""

    position: int
    changed: Mapping[int, Entry]
    """By position: the events as they are to be."""
    elsewhere: tuple[int, ...]
    """The positions of other events that repeat the words."""
    names: Callable[[str], bool]
    """Whether a text repeats the words that are replaced."""


def done_at(log: EventLog, position: int) -> Done | None:
    """The redaction of the event at `position`; None where its words are there. Raises RedactionError."""
    event = _event_at(log, position)
    whole = event.redacted is not None and not any(_words(event.data))  # else only a quotation in it was
    return noted(log, event.redacted) if whole and event.redacted is not None else None


def noted(log: EventLog, at: int) -> Done | None:
    """The redaction that the event at `at` notes; None where that event is of another type."""
    for record in log.read(at - 1, 1):
        stored = record.entry().today()
        if record.position == at and (stored.type, stored.version) == EVENT_REDACTED:
            event = event_of(stored)
            return Done(at, event) if isinstance(event, EventRedacted) else None
    return None


def planned(log: EventLog, position: int) -> Redaction:
    """Work out what a redaction of the event at `position` changes. Raises RedactionError."""
    family = _family(log, position)
    words = [text for event in family.values() for text in _words(event.data)]
    if not words:
        raise RedactionError(
            f"the event at position {position}, {family[position].type}, holds no text to redact",
            "name the position of the event that holds the text",
        )
    words_of = _Words(family)
    at = log.head().position + 1
    changed = {number: _without_words(event, at) for number, event in family.items()}
    elsewhere = []
    for record in log.read():
        event = record.entry()
        if record.position in changed or event.type in OF_ITSELF:
            continue
        if event.type == SENDING and words_of.is_sent(event):
            changed[record.position] = _without_words(event, at)
        elif words_of.is_quoted(event):
            changed[record.position] = _without_words(event, at, ("origin",))
        if event.type != SENDING and words_of.is_said(event):
            elsewhere.append(record.position)
    return Redaction(position, changed, tuple(elsewhere), words_of.holds)


def note_of(redaction: Redaction, by: str, reason: str, now: datetime, old: Head, new: Head) -> Entry:
    """The note of a redaction, to follow the record whose hash was `old` and is `new`."""
    positions = tuple(sorted(redaction.changed))
    heads = {"old_head": old.hash, "new_head": new.hash}
    return draft_of(EventRedacted(now, "operator", redaction.position, positions, by, reason, **heads))


def notes(log: EventLog) -> list[Done]:
    """The redactions that the log holds, in their order."""
    records = log.read(selection=Selection((EVENT_REDACTED[0],)))
    return [done for record in records if (done := noted(log, record.position)) is not None]


def contradiction(log: EventLog) -> str | None:
    """The first disagreement of redacted events with the notes of their redactions; None without any."""
    marks, known = log.redacted(), notes(log)
    named = {position: done.at for done in known for position in done.event.positions}
    for position in sorted(marks.keys() | named.keys()):
        if position not in named:
            return f"the event at position {position} is marked as redacted, and no event says so"
        if marks.get(position) != named[position]:
            return (
                f"the event at position {named[position]} says that {position} was redacted, and it was not"
            )
    if known and log.hash_at(known[-1].at - 1) != known[-1].event.new_head:
        return (
            f"the event at position {known[-1].at} does not name the hash of the one before as its new head"
        )
    return None


def _event_at(log: EventLog, position: int) -> Entry:
    record = next(log.read(position - 1, 1), None) if position > 0 else None
    if record is None or record.position != position:
        end = log.head().position
        raise RedactionError(
            f"there is no event at position {position}: the log ends at {end}",
            "./helionyx events shows the positions",
        )
    event = record.entry()
    if event.type == EVENT_REDACTED[0]:
        raise RedactionError(
            f"the event at position {position} is the note of a redaction, and cannot be redacted",
            "name the position of the event that holds the text",
        )
    return event


def _family(log: EventLog, position: int) -> dict[int, Entry]:
    """The event and the events appended with it: a message, followed by the item made of it."""
    event = _event_at(log, position)
    events = {position: event}
    first = position
    while events[first].type != MESSAGE and events[first].idempotency_key is None and first > 1:
        before = next(log.read(first - 2, 1)).entry()
        if not _together(before, event):
            break
        first -= 1
        events[first] = before
    if events[first].type != MESSAGE:  # it was not derived from a message
        return {position: event}
    for record in log.read(position):
        derived = record.entry()
        is_derived = derived.type != MESSAGE and derived.idempotency_key is None
        if not (is_derived and _together(derived, event)):
            break
        events[record.position] = derived
    return dict(sorted(events.items()))


def _together(one: Entry, other: Entry) -> bool:
    """Whether two neighbours can have been appended together: then they have one time and one source."""
    return (one.time, one.data.get("source")) == (other.time, other.data.get("source"))


class _Words:
    """The words of some events, and where they are found again."""

    def __init__(self, family: Mapping[int, Entry]) -> None:
        texts = {text for event in family.values() for text in _words(event.data, without=NAMES)}
        texts = texts or {text for event in family.values() for text in _words(event.data)}
        lines = sorted({" ".join(text.split()) for text in texts})
        parts = [_pattern_of(line) for line in lines if len(line) >= SHORTEST]
        self._pattern = re.compile("|".join(parts), re.IGNORECASE) if parts else None
        keys = [event.idempotency_key for event in family.values() if event.idempotency_key]
        self._replies = {f"reply:{key.rpartition('update:')[2]}" for key in keys if "update:" in key}
        self._reminders = tuple(f"reminder:{position}:" for position in family)
        self._messages = {_message_of(event) for event in family.values()} - {None}

    def holds(self, text: str) -> bool:
        """Whether a text holds one of these texts, as far as the bot's lists show it."""
        return self._pattern is not None and self._pattern.search(" ".join(text.split())) is not None

    def is_sent(self, event: Entry) -> bool:
        """Whether a message of the bot repeats these words, answers them or reminds of them."""
        about = str(event.data.get("about"))
        related = about in self._replies or about.startswith(self._reminders)
        return related or any(map(self.holds, _words(event.data)))

    def is_said(self, event: Entry) -> bool:
        """Whether somebody has said these words again, or has edited the message."""
        again = _message_of(event) in self._messages
        return again or any(map(self.holds, _words(event.data, without=frozenset({"origin"}))))

    def is_quoted(self, event: Entry) -> bool:
        """Whether a message quotes these words: a partial quote shows only by the quoted message's number."""
        origin = event.data.get("origin")
        if not isinstance(origin, dict):
            return False
        reply = origin.get("reply") or {}
        number = (reply.get("chat", origin.get("chat")), reply.get("message"))
        return number in self._messages or any(map(self.holds, _words(origin)))


def _pattern_of(line: str) -> str:
    """The pattern of a text that stands between words; of the beginning of a longer one, whatever follows."""
    end = r"(?!\w)" if len(line) <= LONGEST else ""
    return rf"(?<!\w){re.escape(line[:LONGEST])}{end}"


def _message_of(event: Entry) -> tuple[object, object] | None:
    """The chat and the number of a message in it; None where it did not come through a chat."""
    origin = event.data.get("origin")
    if not isinstance(origin, dict) or origin.get("message") is None:
        return None
    return origin.get("chat"), origin["message"]


def _words(data: Mapping[str, object], without: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every text in the data of an event that is no structure, however deep it lies."""
    for name, value in data.items():
        if name not in STRUCTURE | without:
            yield from _texts(value, without)


def _texts(value: object, without: frozenset[str]) -> Iterator[str]:
    match value:
        case str():
            yield from [value] if value not in ("", REDACTED) else []
        case dict():
            yield from _words(value, without)
        case list():
            for item in value:
                yield from _texts(item, without)


def _without_words(event: Entry, at: int, members: Collection[str] | None = None) -> Entry:
    """The event without its words, or without those in some of its members.

    It gets a new id, half of which nobody can guess: else whoever knows an old hash could try passwords until
    one fits.
    """
    data = {
        name: _replaced(name, value) if members is None or name in members else value
        for name, value in event.data.items()
    }
    return msgspec.structs.replace(event, id=new_id(), data=data, redacted=at)


def _replaced(name: str, value: object) -> object:
    if name in STRUCTURE:
        return value
    match value:
        case str():
            return REDACTED
        case dict():
            return {inner: _replaced(str(inner), item) for inner, item in value.items()}
        case list():  # of names, or of objects
            return [_replaced(name, item) for item in value if not isinstance(item, str)]
        case _:
            return value
