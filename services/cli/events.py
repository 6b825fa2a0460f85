"""The event log, read: as it is, and as it goes on."""

from __future__ import annotations

import argparse
import json
import select
import signal
import sys
import threading
from types import FrameType

from services.cli.client import Client
from services.cli.follow import follow
from services.cli.output import Output, note

API = "/api/v1"

WIDTHS = (6, 16, 16, 0)
"""Of position, time, type and what happened. The lines come one by one: none knows those behind it."""


def events(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Each event on a line; the records themselves, as JSON Lines, where JSON is asked for."""
    after = _begin(client, options)
    if options.follow:
        _end_with_reader()
        lines = follow(client, after, options.type, note)
    else:
        lines = client.lines(f"{API}/events", {"after": after or None, "type": options.type or None})
    shown = False
    for line in filter(None, lines):
        shown = True
        if out.as_json:
            out.line(line.decode(), now=options.follow)
        else:
            out.row(_cells(line, out), WIDTHS, now=options.follow)
    if not shown and not out.as_json:
        out.nothing("no matching events")
    return 0


def export(client: Client, out: Output, options: argparse.Namespace) -> int:
    """Print everything that was recorded: as a document, as a table, or the log as JSON Lines."""
    is_log = out.as_json or options.format == "jsonl"
    path = f"{API}/events" if is_log else f"{API}/export"
    for line in client.lines(path, {} if is_log else {"format": options.format}):
        out.line(line.decode())
    return 0


def _begin(client: Client, options: argparse.Namespace) -> int:
    """The position behind which to begin."""
    if options.last is None:
        return int(options.after)
    page = client.listed(f"{API}/timeline", "entries", options.last or 1, type=options.type or None)
    if not page["entries"]:
        return 0
    first = int(page["entries"][-1]["position"])
    return first - 1 if options.last else first


def _cells(line: bytes, out: Output) -> tuple[str, ...]:
    record = json.loads(line)
    event = json.loads(record["body"])
    data = {
        name: value for name, value in event["data"].items() if name != "source" and value not in (None, [])
    }
    text = str(data.pop("text", ""))
    more = (
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in data.items()
    )
    return str(record["position"]), out.moment(event["time"]), event["type"], " ".join((text, *more)).strip()


def _end_with_reader() -> None:
    """End as soon as nobody reads standard output any more, and not when the next event comes."""

    def gone(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(1)  # as for a pipe that is found closed, but no OSError: the connection has those

    def wait() -> None:
        poll = select.poll()
        poll.register(sys.stdout, 0)  # that it is gone is told in any case
        poll.poll()
        signal.pthread_kill(main, signal.SIGUSR1)  # wakes it where it waits for the service

    main = threading.get_ident()
    signal.signal(signal.SIGUSR1, gone)
    threading.Thread(target=wait, daemon=True).start()
