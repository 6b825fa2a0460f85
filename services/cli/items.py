"""Todos, notes, tracks and decisions: what there is, and what becomes of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from services.cli.arguments import LARGEST
from services.cli.client import Client
from services.cli.errors import NoAnswerError, UsageError
from services.cli.output import Output, note, one_line
from services.dates import when
from services.domain.due import is_overdue, order
from services.domain.tags import normal_tag
from services.errors import HelionyxError

API = "/api/v1"

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """The columns of one kind of items."""

    states: tuple[str, ...]
    """Those that are wanted where none is named; nothing: all."""
    heads: tuple[str, ...]
    row: Callable[[Json, Output], tuple[str, ...]]


LISTINGS = {
    "todos": Listing(
        ("open",),
        ("number", "state", "due", "todo"),
        lambda item, out: (_state(item, out), out.moment(item.get("due") or "-"), _words(item)),
    ),
    "notes": Listing(
        (), ("number", "taken", "note"), lambda item, out: (out.moment(item["created"]), _words(item))
    ),
    "tracks": Listing(
        ("running",),
        ("number", "state", "entries", "changed", "track"),
        lambda item, out: (
            *(item["state"], str(item["entries"]), out.moment(item["changed"])),
            _words(item),
        ),
    ),
    "decisions": Listing(
        (),
        ("number", "state", "changed", "decision"),
        lambda item, out: (item["state"], out.moment(item["changed"]), _words(item)),
    ),
}
"""By the verb that lists them, which is their path as well."""

CHANGES = {
    "done": ("todos", "complete"),
    "reopen": ("todos", "reopen"),
    "cancel": ("todos", "cancel"),
    "stop": ("tracks", "stop"),
}
"""The list and the change that a verb on items means, as the path has them."""

TAGGED = {"tag": "PUT", "untag": "DELETE"}
"""The method that a verb on tags means."""

NEVER = "none"


def say(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Record a message and print the item that it created or changed."""
    message = client.change("POST", f"{API}/messages", {"text": _said(options.text)})
    item, undated = message.get("thing"), message.get("undated")
    text = f"recorded as #{message['position']}" if item is None else _summary(item, out)
    if undated is not None:
        text += f"; recorded as a todo without a due time: did not understand {one_line(undated)!r}"
    _told(out, message, text)
    return 0


def listed(client: Client, out: Output, options: argparse.Namespace) -> int:
    """The items of one kind, the newest first and open todos by their due times, or all about one item."""
    if options.number is not None:
        return _shown(client, out, options)
    listing = LISTINGS[options.verb]
    states = options.state or (() if options.all else listing.states)
    page = _page(client, out, options, states)
    if out.as_json:
        out.value(page)
        return 0
    rows = [(str(item["number"]), *listing.row(item, out)) for item in page[options.verb]]
    beyond = None if page["next"] is None else options.limit
    out.page(listing.heads, rows, _none(options.verb, states, options.tag), beyond)
    return 0


def _page(client: Client, out: Output, options: argparse.Namespace, states: Sequence[str]) -> dict[str, Any]:
    by_due = options.verb == "todos" and set(states) == {"open"}
    limit = LARGEST if by_due else options.limit  # what is overdue may be old
    page = client.listed(f"{API}/{options.verb}", options.verb, limit, state=states or None, tag=options.tag)
    if by_due:
        now = datetime.now(out.zone)
        todos = sorted(page["todos"], key=lambda todo: (order(todo.get("due"), now), -todo["number"]))
        beyond = todos[options.limit :]
        return {"todos": todos[: options.limit], "next": beyond[0]["number"] if beyond else None}
    return page


def _state(todo: Json, out: Output) -> str:
    """The state of a todo; one that is open and overdue is marked."""
    due = todo.get("due") if todo["state"] == "open" else None
    return "overdue" if due and is_overdue(due, datetime.now(out.zone)) else str(todo["state"])


def _shown(client: Client, out: Output, options: argparse.Namespace) -> int:
    path = f"{API}/{options.verb}/{options.number}"
    item = client.get(path)
    track = options.verb == "tracks"
    page = client.listed(f"{path}/entries", "entries", options.limit) if track else None
    if out.as_json:
        out.value(item if page is None else {**item, **page})
        return 0
    out.pairs(list(_pairs(item, out)))
    if page is not None:
        rows = [(str(item["position"]), out.moment(item["time"]), item["text"]) for item in page["entries"]]
        out.table(("number", "time", "entry"), rows)
    return 0


def _pairs(item: dict[str, Any], out: Output) -> Iterator[tuple[str, str]]:
    """The members of an item, for people."""
    yield item["kind"], str(item["number"])
    yield "state", _state(item, out)
    yield "text", item["text"]
    if item["tags"]:
        yield "tags", " ".join(item["tags"])
    if item.get("due"):
        yield "due", out.moment(item["due"])
    for name in ("rationale", "reason"):
        if item.get(name):
            yield name, item[name]
    for name in ("created", "changed"):
        yield name, out.moment(item[name])


def turned(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Change the state of several items, each by itself: a refused one does not keep the others back."""
    kinds, change = CHANGES[options.verb]
    items, refused = [], 0
    for number in options.numbers:
        try:
            items.append(client.change("POST", f"{API}/{kinds}/{number}/{change}"))
        except NoAnswerError:
            raise
        except HelionyxError as error:
            refused += 1
            say_error(error)
        else:
            if not out.as_json:
                out.line(_summary(items[-1], out), now=True)
    if out.as_json:
        out.value({kinds: items})
    return 1 if refused else 0


def tagged(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Give an item tags, or take them from it."""
    tags = [normal_tag(text) for text in options.tags]
    for text, tag in zip(options.tags, tags, strict=True):
        if tag is None:
            raise UsageError(f"expected a tag, found {text!r}.", "letters, digits, - and _, such as home")
    for tag in tags:
        path = f"{API}/things/{options.number}/tags/{quote(str(tag))}"
        item = client.change(TAGGED[options.verb], path)
    _told(out, item, _summary(item, out))
    return 0


def due(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Set or remove the due time of a todo. docs/GRAMMAR.md explains WHEN."""
    text = " ".join(options.when)
    time = None if text == NEVER else when(text, datetime.now(out.zone))
    if time is None and text != NEVER:
        raise UsageError(
            f"expected a day or a time, found {text!r}.", "2026-02-11, friday 17:00, in 3 days, or none"
        )
    item = client.change("PUT", f"{API}/todos/{options.number}/due", {"due": time})
    _told(out, item, _summary(item, out) + ("" if item.get("due") else f", due {NEVER}"))
    return 0


def snooze(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Snooze a todo. The service reads WHEN, since it counts from the due time of the todo."""
    until = " ".join(options.when) or "tomorrow"
    item = client.change("POST", f"{API}/todos/{options.number}/snooze", {"until": until})
    _told(out, item, _summary(item, out))
    return 0


def decided(client: Client, out: Output, options: argparse.Namespace) -> int:
    """A decision accepted, rejected or opened again."""
    if options.because is not None and not options.because.strip():
        raise UsageError("expected a reason behind --because, found nothing but white space.")
    body = {} if options.because is None else {"rationale": options.because}
    item = client.change("POST", f"{API}/decisions/{options.number}/{options.verb}", body)
    _told(out, item, _summary(item, out))
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
    """The text of the arguments, or of standard input."""
    if words not in ([], ["-"]):
        text = " ".join(words)
    else:
        if sys.stdin.isatty():
            note("type the message, then Ctrl-D")
        text = sys.stdin.buffer.read().decode(errors="surrogateescape").rstrip("\n")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("expected text in UTF-8, found bytes that are none.") from None
    if not text.strip():
        raise UsageError("expected a text, found nothing but white space.", 'helionyx say "buy milk"')
    return text


def _summary(item: Json, out: Output) -> str:
    """All that was understood of it: what was not, is a part of the text."""
    text = f"{item['kind']} {item['number']} is {item['state']}: {_words(item)}"
    if item.get("due"):
        text += f", due {out.moment(item['due'])}"
    if item.get("rationale"):
        text += f", because {item['rationale']}"
    if item.get("reason"):
        decided = "opened again" if item["state"] == "proposed" else item["state"]
        text += f"; {decided} because {item['reason']}"
    if item.get("entries"):
        text += f", {item['entries']} {'entry' if item['entries'] == 1 else 'entries'}"
    return one_line(text)


def _none(kind: str, states: Sequence[str], tag: str | None) -> str:
    """The text for an empty list."""
    condition = f"{' or '.join(states)} " if states else ""
    return f"no {condition}{kind}" + (f" with #{tag}" if tag else "")


def _words(item: Json) -> str:
    return " ".join((item["text"], *(f"#{tag}" for tag in item["tags"])))
