"""Todos, notes, tracks and decisions: what there is, and what becomes of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.cli.client import Client
from services.cli.errors import NoAnswerError, UsageError
from services.cli.output import Output, note, one_line
from services.dates import when
from services.errors import HelionyxError

API = "/api/v1"

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """How things of one kind are shown."""

    states: tuple[str, ...]
    """Those that are wanted where none is named; nothing: all."""
    heads: tuple[str, ...]
    row: Callable[[Json, Output], tuple[str, ...]]


LISTINGS = {
    "todos": Listing(
        ("open",),
        ("number", "state", "due", "todo"),
        lambda thing, out: (thing["state"], out.moment(thing.get("due") or "-"), _words(thing)),
    ),
    "notes": Listing(
        (), ("number", "taken", "note"), lambda thing, out: (out.moment(thing["created"]), _words(thing))
    ),
    "tracks": Listing(
        ("running",),
        ("number", "state", "entries", "changed", "track"),
        lambda thing, out: (
            *(thing["state"], str(thing["entries"]), out.moment(thing["changed"])),
            _words(thing),
        ),
    ),
    "decisions": Listing(
        (),
        ("number", "state", "changed", "decision"),
        lambda thing, out: (thing["state"], out.moment(thing["changed"]), _words(thing)),
    ),
}
"""By the verb that lists them, which is their path as well."""

CHANGES = {"done": "complete", "reopen": "reopen", "cancel": "cancel"}
"""What the verbs on todos are called in a path."""

NEVER = "none"


def say(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Have something kept, and tell what it was taken as."""
    message = client.change("POST", f"{API}/messages", {"text": _said(options.text)})
    thing, undated = message.get("thing"), message.get("undated")
    text = f"kept as {message['position']}" if thing is None else _summary(thing, out)
    if undated is not None:
        text += f"; recorded as a todo without a due time: did not understand {one_line(undated)!r}"
    _told(out, message, text)
    return 0


def listed(client: Client, out: Output, options: argparse.Namespace) -> int:
    """The things of one kind, the newest first, or all about one of them."""
    if options.number is not None:
        return _shown(client, out, options)
    listing = LISTINGS[options.verb]
    states = options.state or (() if options.all else listing.states)
    page = client.listed(
        f"{API}/{options.verb}", options.verb, options.limit, state=states or None, tag=options.tag
    )
    if out.as_json:
        out.value(page)
        return 0
    rows = [(str(thing["number"]), *listing.row(thing, out)) for thing in page[options.verb]]
    beyond = None if page["next"] is None else options.limit
    out.page(listing.heads, rows, _none(options.verb, states, options.tag), beyond)
    return 0


def _shown(client: Client, out: Output, options: argparse.Namespace) -> int:
    path = f"{API}/{options.verb}/{options.number}"
    thing = client.get(path)
    track = options.verb == "tracks"
    page = client.listed(f"{path}/entries", "entries", options.limit) if track else None
    if out.as_json:
        out.value(thing if page is None else {**thing, **page})
        return 0
    facts = {"tags": " ".join(thing["tags"]), **{name: thing.get(name) for name in ("due", "rationale")}}
    out.pairs(
        [
            (thing["kind"], str(thing["number"])),
            ("state", thing["state"]),
            ("text", thing["text"]),
            *(
                (name, out.moment(value) if name == "due" else value)
                for name, value in facts.items()
                if value
            ),
            *((name, out.moment(thing[name])) for name in ("created", "changed")),
        ]
    )
    if page is not None:
        rows = [(str(item["position"]), out.moment(item["time"]), item["text"]) for item in page["entries"]]
        out.table(("number", "time", "entry"), rows)
    return 0


def turned(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Todos done, reopened or cancelled, each by itself: a refused one does not keep the others back."""
    things, refused = [], 0
    for number in options.numbers:
        try:
            things.append(client.change("POST", f"{API}/todos/{number}/{CHANGES[options.verb]}"))
        except NoAnswerError:
            raise
        except HelionyxError as error:
            refused += 1
            say_error(error)
        else:
            if not out.as_json:
                out.line(_summary(things[-1], out), now=True)
    if out.as_json:
        out.value({"todos": things})
    return 1 if refused else 0


def due(client: Client, out: Output, options: argparse.Namespace) -> int:
    """By when a todo has to be done, or by no time. WHEN is understood as docs/GRAMMAR.md says."""
    text = " ".join(options.when)
    time = None if text == NEVER else when(text, datetime.now(out.zone))
    if time is None and text != NEVER:
        raise UsageError(
            f"expected a day or a time, found {text!r}.", "2026-02-11, friday 17:00, in 3 days, or none"
        )
    thing = client.change("PUT", f"{API}/todos/{options.number}/due", {"due": time})
    _told(out, thing, _summary(thing, out) + ("" if thing.get("due") else f", due {NEVER}"))
    return 0


def decided(client: Client, out: Output, options: argparse.Namespace) -> int:
    """A decision accepted, rejected or opened again."""
    body = {} if options.because is None else {"rationale": options.because}
    thing = client.change("POST", f"{API}/decisions/{options.number}/{options.verb}", body)
    _told(out, thing, _summary(thing, out))
    return 0


def say_error(error: HelionyxError) -> None:
    """One error, and what to do about it, on standard error."""
    hint = f"\nhint: {error.hint}" if error.hint else ""
    print(f"error: {error.message}{hint}", file=sys.stderr, flush=True)


def _told(out: Output, value: Json, text: str) -> None:
    if out.as_json:
        out.value(value)
    else:
        out.line(text)


def _said(words: list[str]) -> str:
    """What was typed, or what standard input holds."""
    if words not in ([], ["-"]):
        text = " ".join(words)
    else:
        if sys.stdin.isatty():
            note("what is to be kept? Ctrl-D at the end")
        text = sys.stdin.buffer.read().decode(errors="surrogateescape").rstrip("\n")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("expected text in UTF-8, found bytes that are none.") from None
    return text


def _summary(thing: Json, out: Output) -> str:
    """All that was understood of it: what was not, is a part of the text."""
    text = f"{thing['kind']} {thing['number']} is {thing['state']}: {_words(thing)}"
    if thing.get("due"):
        text += f", due {out.moment(thing['due'])}"
    if thing.get("rationale"):
        text += f", because {thing['rationale']}"
    if thing.get("entries"):
        text += f", {thing['entries']} {'entry' if thing['entries'] == 1 else 'entries'}"
    return one_line(text)


def _none(kind: str, states: Sequence[str], tag: str | None) -> str:
    """That there are no such things."""
    wanted = f"{' or '.join(states)} " if states else ""
    return f"no {wanted}{kind}" + (f" with #{tag}" if tag else "")


def _words(thing: Json) -> str:
    return " ".join((thing["text"], *(f"#{tag}" for tag in thing["tags"])))
