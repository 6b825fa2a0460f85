"""The event log as it goes on: server-sent events, over every restart of the service."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from services.cli.client import Client
from services.cli.errors import NoAnswerError
from services.errors import HelionyxError

EVENTS = "/api/v1/events"
PATH = f"{EVENTS}/stream"

LONGEST_PAUSE = 5.0
"""Before it is tried again, in seconds."""


def follow(client: Client, after: int, types: Sequence[str], note: Callable[[str], None]) -> Iterator[bytes]:
    """Every record behind the position `after` and every one to come, as lines of JSON: each once, in order.

    Does not end by itself. Raises NoAnswerError where the service cannot be reached at the beginning; later
    that is tried again for ever. Raises HelionyxError for what the service refuses, and where it comes back
    with another log, as after a restore.
    """
    last, seen, begun, pause, lost = after, _there(client, after) if after else [], False, 0.5, False
    while True:
        # The service hears where this one was: from there the next one goes on.
        headers = {"Last-Event-ID": str(last)} if begun else {}
        lines = client.lines(PATH, {"after": after or None, "type": types or None}, headers)
        try:
            if seen:
                _unless_another(client, last, seen)
            for position, data in _records(lines):
                if lost:
                    note("it answers again")
                begun, pause, lost = True, 0.5, False
                if position is not None and position > last:
                    last, seen = position, [data]
                    yield data
        except NoAnswerError as error:
            if not begun:
                raise
            if not lost:
                note(f"{error.message}; trying again until it answers")
            lost, pause = True, min(2 * pause, LONGEST_PAUSE)
        client.close()
        time.sleep(pause)


def _there(client: Client, position: int) -> list[bytes]:
    """The record at a position, if there is one."""
    found = list(client.lines(EVENTS, {"after": position - 1, "limit": 1}))
    return found if found and json.loads(found[0])["position"] == position else []


def _unless_another(client: Client, position: int, seen: list[bytes]) -> None:
    """Raise HelionyxError unless the log still has what was seen there: with its hash, all before it too."""
    there = _there(client, position)
    if there != seen:
        raise HelionyxError(
            f"the event log is another one than was followed: at position {position} it has"
            f" {'another event' if there else 'nothing'}",
            "helionyx events --follow begins anew, at the log as it is now",
        )


def _records(lines: Iterable[bytes]) -> Iterator[tuple[int | None, bytes]]:
    """(position, data) of each event with an id; (None, nothing) for each other line, a sign of life.

    An event counts when its end has come: what breaks off before comes again.
    """
    position: int | None = None
    data = b""
    for line in lines:
        name, _, value = line.partition(b": ")
        if name == b"id":
            position = int(value)
        elif name == b"data":
            data = value
        elif not line and position is not None:
            yield position, data
            position, data = None, b""
        else:
            yield None, b""
