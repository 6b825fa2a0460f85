"""The verbs on todos, notes, tracks and decisions, and what they look like on a pipe and on a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.cli.output import width_of
from services.dates import in_utc
from tests.services.instance import Instance
from tests.services.person import Person, beside_service


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[tuple[Person, Instance]]:
    """A person and a service."""
    with beside_service(tmp_path) as both:
        yield both


def made(service: Instance, path: str, **body: object) -> int:
    """The number of something new."""
    answer = service.call("POST", f"/api/v1/{path}", body)
    assert answer.status == 201, answer.body
    number: int = answer.json["number"]
    return number


def shown(person: Person, *words: str) -> list[list[str]]:
    """The words of each line of a command's output."""
    done = person.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\t" not in done.stdout
    return [line.split() for line in done.stdout.splitlines()]


def as_json(person: Person, *words: str) -> Any:
    """What a command says to a program."""
    return json.loads(person.run(*words, "--json").stdout)


def test_todos(beside: tuple[Person, Instance]) -> None:
    """The open ones, overdue ones first; all, those with a tag, and all about one where that is asked for."""
    person, service = beside
    assert shown(person, "todos") == []
    milk = made(service, "todos", text="buy milk", due="2026-02-11", tags=["home"])
    call = made(service, "todos", text="call mum")
    assert shown(person, "todos") == [
        [str(milk), "overdue", "2026-02-11", "buy", "milk", "#home"],
        [str(call), "open", "-", "call", "mum"],
    ]
    assert shown(person, "todos", "--tag", "#home")[0][0] == str(milk)
    person.run("done", str(milk))
    assert [line[0] for line in shown(person, "todos")] == [str(call)]
    assert [line[1] for line in shown(person, "todos", "--all")] == ["open", "done"]
    assert [line[0] for line in shown(person, "todos", "--state", "done")] == [str(milk)]
    assert ["due", "2026-02-11"] in shown(person, "todos", str(milk))
    assert as_json(person, "todos", str(call))["text"] == "call mum"
    assert [todo["number"] for todo in as_json(person, "todos", "--all")["todos"]] == [call, milk]


def test_more_than_asked_for(beside: tuple[Person, Instance]) -> None:
    """Is said, beside what is shown."""
    person, service = beside
    for number in range(3):
        made(service, "notes", text=f"note {number}")
    done = person.run("notes", "--limit", "2")
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == "more than 2 results; use --limit\n"


def test_pages_are_put_together(beside: tuple[Person, Instance]) -> None:
    """What is asked for is shown, also where the service gives it in several answers."""
    person, service = beside
    for number in range(30):
        made(service, "notes", text=f"{number} " + "x" * 60_000)
    assert len(service.call("GET", "/api/v1/notes").json["notes"]) < 30
    done = person.run("notes", "--limit", "29")
    assert [line.split()[3] for line in done.stdout.splitlines()] == [str(n) for n in range(29, 0, -1)]
    assert "more than 29" in done.stderr
    assert len(as_json(person, "notes")["notes"]) == 30


def test_what_becomes_of_todos(beside: tuple[Person, Instance]) -> None:
    """Several at once; one that is refused is told, in the service's words, and the others go on."""
    person, service = beside
    one, two = (made(service, "todos", text=text) for text in ("one", "two"))
    done = person.run("done", str(one), "999", f"#{two}")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [f"todo {one} is done: one", f"todo {two} is done: two"]
    assert done.stderr.startswith("error: ")
    assert "999" in done.stderr
    assert person.run("done", str(one)).returncode == 1
    assert person.run("reopen", str(one)).stdout == f"todo {one} is open: one\n"
    assert as_json(person, "cancel", str(one))["todos"][0]["state"] == "cancelled"
    assert person.run("reopen", str(one), str(two)).returncode == 0


def test_due(beside: tuple[Person, Instance]) -> None:
    """By a day or a moment in the time zone of the configuration, or by none; not by what is no time."""
    person, service = beside
    one = str(made(service, "todos", text="one"))
    assert person.run("due", one, "2026-02-11").stdout == f"todo {one} is open: one, due 2026-02-11\n"
    assert as_json(person, "due", one, "none")["due"] is None
    assert as_json(person, "due", one, "2027-02-11", "17:00")["due"].startswith("2027-02-11T17:00:00")
    assert person.run("snooze", one, "1h").stdout.split()[-1].startswith("18:00")
    assert person.run("snooze", one).stdout == f"todo {one} is open: one, due 2027-02-12 18:00\n"
    assert as_json(person, "snooze", one, "next", "week")["due"] == "2027-02-15T18:00:00Z"
    done = person.run("snooze", one, "someday")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        "error: did not understand 'someday' as a time",
    )
    done = person.run("due", one, "2026-02-31")
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected a day or a time, found '2026-02-31'" in done.stderr


def test_notes_tracks_and_decisions(beside: tuple[Person, Instance]) -> None:
    """Each in its own columns; a track is shown with its entries."""
    person, service = beside
    note = made(service, "notes", text="a thought", tags=["x"])
    track = made(service, "tracks", name="running")
    service.call("POST", f"/api/v1/tracks/{track}/entries", {"text": "5 km"})
    decision = made(service, "decisions", text="use SQLite", rationale="it is there")
    assert shown(person, "notes")[0][0] == str(note)
    assert shown(person, "notes")[0][3:] == ["a", "thought", "#x"]
    assert shown(person, "tracks")[0][:3] == [str(track), "running", "1"]
    assert shown(person, "tracks", str(track))[-1][3:] == ["5", "km"]
    assert as_json(person, "tracks", str(track))["entries"][0]["text"] == "5 km"
    done = person.run("accept", str(decision), "--because", "it is fast")
    because = "use SQLite, because it is there"
    assert done.stdout == f"decision {decision} is accepted: {because}; accepted because it is fast\n"
    refused = person.run("done", str(note))
    assert refused.returncode == 1
    assert refused.stderr == f"error: there is no todo {note}\nhint: {note} is a note\n"
    said = [
        person.run("say", text).stdout for text in ("todo: call Ada due 2026-02-11", "track: weight: 82.1 kg")
    ]
    assert said[0].endswith("is open: call Ada, due 2026-02-11\n")
    assert said[1].endswith("is running: weight, 1 entry\n")
    facts = shown(person, "decisions", str(decision))
    assert ["rationale", "it", "is", "there"] in facts
    assert ["reason", "it", "is", "fast"] in facts
    assert person.run("reject", str(decision)).returncode == 1
    other = made(service, "decisions", text="use a file")
    assert as_json(person, "reject", str(other))["state"] == "rejected"
    assert [line[1] for line in shown(person, "decisions")] == ["rejected", "accepted"]
    again = person.run("revisit", str(decision), "--because", "it has grown")
    assert again.stdout == (
        f"decision {decision} is proposed: {because}; opened again because it has grown\n"
    )


def test_open_todos_are_sorted_by_their_due_times(tmp_path: Path) -> None:
    """In the time zone of the configuration, whatever was told last; a limit leaves out the least urgent."""
    with beside_service(tmp_path, TIMEZONE="Asia/Kathmandu") as (person, service):
        now = datetime.now(ZoneInfo("Asia/Kathmandu"))
        dues = [
            *((now + timedelta(days=days)).date().isoformat() for days in (-1, 0, 1)),
            *(in_utc(now + timedelta(hours=hours)) for hours in (-49, 49)),
        ]
        yesterday, today, tomorrow, before, after, never = (
            made(service, "todos", text="x", due=due) for due in (*dues, None)
        )
        expected = [before, yesterday, today, tomorrow, after, never]
        lines = shown(person, "todos")
        assert [int(line[0]) for line in lines] == expected
        assert [line[1] for line in lines] == ["overdue"] * 2 + ["open"] * 4
        assert [todo["number"] for todo in as_json(person, "todos", "--limit", "4")["todos"]] == expected[:4]
        assert "more than 5" in person.run("todos", "--limit", "5").stderr
        assert [int(line[0]) for line in shown(person, "todos", "--all")] == sorted(expected)[::-1]


def test_tracks_are_stopped_and_items_tagged(beside: tuple[Person, Instance]) -> None:
    """With several numbers or tags at once; a tag that cannot be one is refused before anything is asked."""
    person, service = beside
    one, two = (made(service, "tracks", name=name) for name in ("weight", "sleep"))
    done = person.run("stop", str(one), str(two))
    assert done.stdout == f"track {one} is stopped: weight\ntrack {two} is stopped: sleep\n"
    assert person.run("stop", str(one)).returncode == 1
    assert shown(person, "tracks") == []
    note = str(made(service, "notes", text="x"))
    assert person.run("tag", note, "#Home", "größe").stdout == f"note {note} is kept: x #größe #home\n"
    assert as_json(person, "untag", note, "home")["tags"] == ["größe"]
    done = person.run("tag", note, "b", "a b")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: expected a tag, found 'a b'.")
    assert person.run("untag", note, "home").returncode == 1
    assert shown(person, "notes", "--tag", "größe")[0][-1] == "#größe"


def test_said_and_taken(beside: tuple[Person, Instance]) -> None:
    """What a message was taken as is told, and its number is the one to go on with."""
    person, _ = beside
    said = person.run("say", "todo: buy milk").stdout
    found = re.fullmatch(r"todo ([0-9]+) is open: buy milk\n", said)
    assert found, said
    assert person.run("done", found[1]).stdout == f"todo {found[1]} is done: buy milk\n"
    undated = person.run("say", "todo: buy milk due someday").stdout
    why = "; recorded as a todo without a due time: did not understand 'due someday'\n"
    assert undated.endswith(f" is open: buy milk due someday{why}")
    assert as_json(person, "say", "todo: buy milk due someday")["undated"] == "due someday"


def test_search_and_stats(beside: tuple[Person, Instance]) -> None:
    """Where words were said, and how many there are of everything."""
    person, service = beside
    note = made(service, "notes", text="Brötchen holen")
    assert shown(person, "search", "brotchen", "hol")[0][0] == str(note)
    assert shown(person, "search", "nothing") == []
    person.run("say", "todo: Brötchen essen due friday #bäcker")
    number = shown(person, "todos")[0][0]
    person.run("done", number)
    found = shown(person, "search", "brötchen")
    assert [(line[0], *line[3:]) for line in found] == [
        (number, "todo", "done", "Brötchen", "essen"),
        (str(note), "note", "kept", "Brötchen", "holen"),
    ]
    assert shown(person, "search", "bäcker") == found[:1]
    assert as_json(person, "search", "essen")["hits"][0]["number"] == int(number)
    assert ["NoteTaken", "1"] in shown(person, "stats")
    assert ["note", "kept", "1"] in shown(person, "stats")
    assert "NoteTaken" in json.dumps(as_json(person, "stats"))
    assert as_json(person, "search", "holen")["next"] is None


def test_times_are_those_of_the_time_zone(tmp_path: Path) -> None:
    """Of a moment that a todo is due at, and of days never."""
    with beside_service(tmp_path, TIMEZONE="Asia/Kathmandu") as (person, service):
        made(service, "todos", text="a moment", due="2026-02-11T10:00:00Z")
        made(service, "todos", text="a day", due="2026-02-11")
        day, moment = person.run("todos").stdout.splitlines()
        assert "2026-02-11 15:45" in moment
        assert "2026-02-11  " in day


def test_a_terminal(beside: tuple[Person, Instance]) -> None:
    """Has heads, colours unless they are not wanted, and no line that is wider than it."""
    person, service = beside
    made(service, "todos", text="größe und 日本語 " * 20)
    for columns in (80, 40, 12, 3):
        seen = person.see("todos", columns=columns, NO_COLOR="1")
        assert "\033" not in seen
        assert max(width_of(line) for line in seen.splitlines()) <= columns
        assert "…" in seen
    assert person.see("todos").startswith("\033[1mnumber")
    assert "\033" not in person.run("todos").stdout
    assert "…" not in person.run("todos").stdout


def test_where_there_is_nothing(beside: tuple[Person, Instance]) -> None:
    """A person is told so, and a program gets nothing."""
    person, service = beside
    for words, none in (
        (("todos",), "no open todos"),
        (("todos", "--all", "--tag", "home"), "no todos with #home"),
        (("tracks", "--state", "stopped", "--state", "running"), "no stopped or running tracks"),
        (("search", "milk"), "no results"),
        (("events", "--type", "Noted"), "no matching events"),
    ):
        assert person.see(*words) == f"{none}\n"
        done = person.run(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    made(service, "todos", text="milk")
    assert "no open" not in person.see("todos")


def test_nothing_that_was_said_steers_a_terminal(beside: tuple[Person, Instance]) -> None:
    """Escape sequences, line ends and turned writing are shown for what they are."""
    person, service = beside
    number = made(service, "notes", text="a\033[2Jb\nc\u202ed\u009b31m")
    for seen in (
        person.see("notes", NO_COLOR="1"),
        person.see("notes", str(number), NO_COLOR="1"),
        person.run("notes").stdout,
        person.run("events").stdout,
        person.run("say", "note: a\033[2Jb\u202e").stdout,
    ):
        assert not set(seen) & set("\033\u202e\u009b")
        assert "a\N{REPLACEMENT CHARACTER}[2Jb" in seen
