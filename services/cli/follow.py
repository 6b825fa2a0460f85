"""Follow the event log by server-sent events, across every restart of the service and every restore."""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from services.cli.client import Client
from services.cli.errors import GoneError, NoAnswerError
from services.errors import HelionyxError

EVENTS = "/api/v1/events"
PATH = f"{EVENTS}/stream"

LONGEST_PAUSE = 5.0
"""Before it is tried again, in seconds."""

REMEMBERED = 1000
"""The number of the last records that are compared with another log."""


class Received(NamedTuple):
    """A record that has come, by the hash that stands for all before it, too."""

    position: int
    hash: str


def follow(client: Client, after: int, types: Sequence[str], note: Callable[[str], None]) -> Iterator[bytes]:
    """Every record behind the position `after` and every one to come, as lines of JSON: each once, in order.

    Does not end by itself. Where the service comes back with another log, as after a restore, the records of
    that follow from where the two part. Raises NoAnswerError where the service cannot be reached at the
    beginning; later that is tried again for ever. Raises HelionyxError for what the service refuses.
    """
    received = deque(_first(client, after) if after else [], REMEMBERED)
    last, begun, pause, lost = after, False, 0.5, False
    while True:
        try:
            if begun and received and received[-1] != _there(client, received[-1].position):
                last = _parting(client, received)
                note(f"the event log was replaced from position {last + 1} on; continuing there")
            # The service hears where this one was: from there the next one goes on.
            headers = {"Last-Event-ID": str(last)} if begun else {}
            lines = client.lines(PATH, {"after": after or None, "type": types or None}, headers)
            for position, data in _records(lines):
                if lost:
                    note("the service answers again")
                begun, pause, lost = True, 0.5, False
                if position is None:
                    continue
                if position <= last:  # a reset: the log was replaced since it was looked at
                    break
                last = position
                received.append(_received(data))
                yield data
        except NoAnswerError as error:
            if not begun:
                raise
            if not lost:
                note(f"{error.message}; trying again until it answers")
            lost, pause = True, min(2 * pause, LONGEST_PAUSE)
        client.close()
        time.sleep(pause)


def _first(client: Client, after: int) -> list[Received]:
    first = _there(client, after)
    if first is None:
        raise HelionyxError(
            f"the event log has no position {after}", "helionyx events --last 1 shows where it ends"
        )
    return [first]


def _there(client: Client, position: int) -> Received | None:
    """The record at a position, if there is one."""
    try:
        lines = [line for line in client.lines(EVENTS, {"after": position - 1, "limit": 1}) if line]
    except GoneError:
        return None
    record = _received(lines[0]) if lines else None
    return record if record is not None and record.position == position else None


def _parting(client: Client, received: deque[Received]) -> int:
    """The last position up to which the log is the one that was followed; 0 where that is not known.

    Drops what was received behind it. A chain is the same up to a point, and another one from there on.
    """
    same = bisect_left(received, True, key=lambda each: each != _there(client, each.position))
    while len(received) > same:
        received.pop()
    return received[-1].position if received else 0


def _received(line: bytes) -> Received:
    record = json.loads(line)
    return Received(record["position"], record["hash"])


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
