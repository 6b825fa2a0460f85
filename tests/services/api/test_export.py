"""Everything as a document and as a table, over HTTP."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.api.test_things_api import API, made, problem
from tests.services.instance import Instance, running
from tests.services.person import Person, beside_service

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A service with some of everything."""
    with running(tmp_path_factory.mktemp("export"), TIMEZONE="Europe/Vienna") as instance:
        made(instance, "todos", text="buy *milk*", due="2042-02-13", tags=["home"])
        made(instance, "todos", text="call Ada\n- at noon", due="2042-02-13T16:00:00Z")
        done = made(instance, "todos", text="=1+1")["number"]
        instance.call("POST", f"{API}/todos/{done}/complete")
        made(instance, "notes", text='the key, "under" the stone')
        track = made(instance, "tracks", name="weight")["number"]
        for text in ("82.1 kg", "81.9 kg"):
            instance.call("POST", f"{API}/tracks/{track}/entries", {"text": text})
        decision = made(instance, "decisions", text="train", rationale="quiet")["number"]
        instance.call("POST", f"{API}/decisions/{decision}/accept", {"rationale": "cheap"})
        instance.call("POST", f"{API}/messages", {"text": "# hello"})
        yield instance


def test_a_document(service: Instance) -> None:
    answer = service.call("GET", f"{API}/export")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="helionyx.md"'
    text = TIME.sub("TIME", answer.body.decode())
    text = re.sub(r"### \d{4}-\d\d-\d\d", "### DAY", re.sub(r"- \d\d:\d\d", "- CLOCK", text))
    assert (
        text
        == """\
# Helionyx

## Open todos

- **todo 3**, due TIME, TIME: call Ada\\
  \\- at noon
- **todo 2**, #home, due 2042-02-13, TIME: buy \\*milk\\*

## Done todos

- **todo 4**, TIME: =1+1

## Notes

- **note 6**, TIME: the key, "under" the stone

## Running tracks

### weight

**track 7**, TIME

- TIME: 81.9 kg
- TIME: 82.1 kg


## Accepted decisions

- **decision 10**, TIME: train

  Because: quiet

  Accepted because: cheap

## Messages

### DAY

- CLOCK: \\# hello
"""
    )
    assert "due 2042-02-13 17:00" in answer.body.decode()


def test_a_table(service: Instance) -> None:
    """What a spreadsheet would calculate has an apostrophe in front."""
    answer = service.call("GET", f"{API}/export?format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert [(row["number"], row["kind"], row["state"], row["text"]) for row in rows] == [
        ("4", "todo", "done", "'=1+1"),
        ("3", "todo", "open", "call Ada\n- at noon"),
        ("2", "todo", "open", "buy *milk*"),
        ("6", "note", "kept", 'the key, "under" the stone'),
        ("7", "track", "running", "weight"),
        ("10", "decision", "accepted", "train"),
    ]
    assert (rows[1]["due"], rows[2]["tags"], rows[5]["rationale"], rows[5]["reason"]) == (
        *("2042-02-13T16:00:00Z", "home"),
        *("quiet", "cheap"),
    )


def test_another_format_is_refused(service: Instance) -> None:
    message = problem(service.call("GET", f"{API}/export?format=pdf"), 400)
    assert message == "expected format to be markdown or csv, found 'pdf'"


def test_pages_are_joined(tmp_path: Path) -> None:
    """Everything is there once, also behind the first page of a list."""
    text = "x" * 60_000
    with running(tmp_path) as service:
        for number in range(10, 30):
            made(service, "todos", text=f"{text} {number}")
            service.call("POST", f"{API}/messages", {"text": f"{text} m{number}"})
        document = service.call("GET", f"{API}/export").body.decode()
        table = service.call("GET", f"{API}/export?format=csv").body.decode()
    numbers = [str(number) for number in range(10, 30)]
    assert re.findall("x ([0-9]+)", document) == re.findall("x ([0-9]+)", table) == numbers[::-1]
    assert re.findall("x m([0-9]+)", document) == numbers


def test_the_command_line_exports(tmp_path: Path) -> None:
    with beside_service(tmp_path) as (person, service):
        made(service, "todos", text="milk\nand bread")
        assert "- **todo 2**" in exported(person)
        assert exported(person, "--format", "csv").startswith("number,kind,state,text")
        log = exported(person, "--format", "jsonl")
        assert log.encode() == service.call("GET", f"{API}/events").body
        assert exported(person, "--json") == log


def exported(person: Person, *words: str) -> str:
    """The output of the command."""
    done = person.run("export", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
