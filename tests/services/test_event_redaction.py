"""The events that a redaction changes, which stay readable."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest

from services.domain.events import Event
from services.event_codec import CLASSES, draft_of, event_of
from services.event_log.records import Entry, moment, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_redaction import LONGEST, STRUCTURE, RedactionError, planned
from services.formats import EVENT_REDACTED
from services.projections.database import Projections

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECRET = "hunter2 hunter2"


def draft(type_: str, key: str | None = None, at: datetime = NOW, **data: Any) -> Entry:
    return new_entry(type_, 1, at, {"source": "telegram", **data}, key)


def message(text: str, key: str | None = None) -> Entry:
    return draft("MessageRecorded", key, text=text)


def todo(text: str, *tags: str) -> Entry:
    return draft("TodoAdded", text=text, due=None, tags=list(tags))


def sending(about: str, text: str) -> Entry:
    return draft("SendingAnnounced", f"telegram:{about}", about=about, text=text)


@pytest.fixture
def log(tmp_path: Path) -> SqliteLog:
    return SqliteLog.open(tmp_path)


def changed(log: SqliteLog, position: int) -> list[int]:
    return sorted(planned(log, position).changed)


def example(type_: str) -> Event:
    """An event of a type that holds the secret wherever words can be."""
    data = {**filled(CLASSES[type_]), "time": moment(NOW), "source": "api"}
    return msgspec.convert(data | ({"due": "2026-02-11"} if "due" in data else {}), CLASSES[type_])


def filled(kind: type) -> dict[str, object]:
    """Something in every member of a class, the secret in each text."""
    return {name: _value(hint) for name, hint in get_type_hints(kind).items()}


def _value(hint: Any) -> object:
    hint = next(iter(set(get_args(hint)) - {type(None)}), hint) if isinstance(hint, UnionType) else hint
    if get_origin(hint) is tuple:
        return [_value(get_args(hint)[0])]
    if issubclass(hint, msgspec.Struct):
        return filled(hint)
    return {str: SECRET, int: 1, bool: True, datetime: moment(NOW)}[hint]


def without_structure(value: object) -> object:
    """The value without the members that hold no words."""
    if isinstance(value, dict):
        return {name: without_structure(item) for name, item in value.items() if name not in STRUCTURE}
    return [without_structure(item) for item in value] if isinstance(value, list) else value


def test_every_type_of_event_can_be_read_without_its_words(log: SqliteLog, tmp_path: Path) -> None:
    """Nothing of the words is left, the read models take it, and what holds no words says so."""
    types = sorted(set(CLASSES) - {EVENT_REDACTED[0]})
    log.append([draft_of(example(type_), f"key of {type_}") for type_ in types])
    without: list[Entry] = []
    for position, (type_, record) in enumerate(zip(types, list(log.read()), strict=True), start=1):
        stored = record.entry()
        if SECRET not in json.dumps(without_structure(stored.data)):
            with pytest.raises(RedactionError, match=f"position {position}, {type_}, holds no text"):
                planned(log, position)
            continue
        event = planned(log, position).changed[position]
        assert "hunter2" not in json.dumps(without_structure(event.data)), type_
        kept = (stored.type, stored.time, stored.idempotency_key)
        assert (event.type, event.time, event.idempotency_key) == kept
        assert msgspec.json.decode(event.body())["redacted"] == len(types) + 1
        without.append(new_entry(type_, event.version, NOW, event.data))
    other = SqliteLog.open(tmp_path / "other")
    other.append(without)
    assert [type(event_of(record.entry())) for record in other.read()] == [CLASSES[d.type] for d in without]
    assert Projections.open(tmp_path / "models.db").catch_up(other) == len(without)


def said(text: str, number: int, **origin: object) -> Entry:
    """A message that came through a chat."""
    return draft("MessageRecorded", text=text, origin={"chat": 5, "message": number, **origin})


def test_what_came_with_a_message_goes_with_it(log: SqliteLog) -> None:
    """Quotations, addresses, files; who said it, and when, stays."""
    ada = {"id": 9, "name": "Ada"}
    links, file = [{"text": "here", "url": f"https://{SECRET}"}], {"kind": "photo", "file": "AgAC"}
    reply = {"message": 1, "text": "part of it", "sender": ada}
    log.append([said(SECRET, 1, sender=ada, reply=reply, links=links, attachment=file, album="7")])
    assert planned(log, 1).changed[1].data["origin"] == {
        "chat": 5,
        "message": 1,
        "sender": ada,
        "album": "7",
        "reply": {**reply, "text": "[redacted]"},
        "links": [{"text": "[redacted]", "url": "[redacted]"}],
        "attachment": {"kind": "photo", "file": "[redacted]"},
    }


def test_quotations_go_with_what_they_quote(log: SqliteLog) -> None:
    """Also those of a part, which only the number of the message tells; what answers them stays."""
    log.append([said("my password is hunter2", 1)])
    log.append([said("delete that", 2, reply={"message": 1, "text": "hunter2"})])
    log.append([said("and that", 3, reply={"message": 1, "chat": 6, "text": "of another chat"})])
    log.append([said("yes", 4, reply={"message": 8, "text": "so: my password is hunter2."})])
    log.append([said("my pa55word", 1, edited=True)])
    found = planned(log, 1)
    assert (sorted(found.changed), found.elsewhere) == ([1, 2, 4], (5,))
    quoting = found.changed[2].data
    assert quoting["text"] == "delete that"
    assert quoting["origin"] == {"chat": 5, "message": 2, "reply": {"message": 1, "text": "[redacted]"}}


@pytest.mark.parametrize("named", [2, 3])
def test_what_was_derived_or_said_of_a_message_goes_with_it(log: SqliteLog, named: int) -> None:
    """The todo and its tags, the reply, reminders, and the lists that name it: by either number."""
    long = "x" * 300
    log.append([message("hello there")])
    log.append(
        [message(f"todo: {SECRET} {long} #home", "telegram:update:7:1"), todo(f"{SECRET} {long}", "home")]
    )
    log.append([sending("reply:7:1", "todo 3: ...")])
    log.append([sending("reply:7:2", f"to do:\n3: {SECRET} {long[:183]}…\n9: else")])
    log.append([sending("reminder:3:2026-01-02", "it is time")])
    log.append([sending("reminder:33:2026-01-02", "something else")])
    log.append([sending("reply:7:11", "nothing of it")])
    assert changed(log, named) == [2, 3, 4, 5, 6]
    assert planned(log, named).changed[3].data["tags"] == []


def test_neighbours_of_a_message_stay(log: SqliteLog) -> None:
    """Other messages of the same moment stay, and so do events recorded on their own."""
    log.append([message("one message")])
    log.append([message("the password")])
    log.append([message("another message")])
    log.append([draft("TodoAdded", "telegram:k", text="by itself", due=None, tags=[])])
    later = NOW.replace(second=1)
    log.append([draft("NoteTaken", at=later, text="taken later", tags=[])])
    assert (changed(log, 2), changed(log, 4), changed(log, 5)) == ([2], [4], [5])


def test_other_words_are_named_and_not_changed(log: SqliteLog) -> None:
    """Repetitions by people are named, unless the text is part of another word or too short."""
    log.append([message("Hunter2 is it")])
    log.append([message("so hunter2  IS it!")])
    log.append([message("xhunter2 is it")])
    log.append([message("ok")])
    log.append([message("ok then")])
    found = planned(log, 1)
    assert (sorted(found.changed), found.elsewhere) == ([1], (2,))
    assert planned(log, 4).elsewhere == ()


@pytest.mark.parametrize("text", ["secret " * 40, "x" * 300], ids=["cut in a word", "one word"])
def test_repeated_words_of_a_long_text(log: SqliteLog, text: str) -> None:
    """Where the bot showed it as a line of a list, in full, or somebody said it again with more around it."""
    log.append([message(text)])
    log.append([sending("summary:2026-01-02", f"1: {text[:LONGEST]}…")])
    log.append([sending("reply:9", f"note 1: {text}")])
    log.append([message(f"again: {text}")])
    log.append([message(text[: LONGEST - 1])])
    plan = planned(log, 1)
    assert (sorted(plan.changed), plan.elsewhere) == ([1, 2, 3], (4,))


def test_a_redacted_event_gets_another_id(log: SqliteLog) -> None:
    """Half of it is random: else the old hash would tell whether a guess at the words is right."""
    (record,) = log.append([message("a password")])
    assert planned(log, 1).changed[1].id != record.entry().id


@pytest.mark.parametrize("position", [0, -1, 3])
def test_position_that_does_not_exist(log: SqliteLog, position: int) -> None:
    """The error names the position and the end of the log."""
    log.append([message("a"), message("b")])
    with pytest.raises(RedactionError, match=f"no event at position {position}: the log ends at 2"):
        planned(log, position)
