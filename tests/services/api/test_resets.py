"""Going on from a position that the log does not have, as after a restore."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.services.api.test_following import EVENTS, say, service
from tests.services.event_source import EventSource
from tests.services.instance import Instance, configure, listener, starting

__all__ = ["service"]


def test_a_position_that_the_log_does_not_have(service: Instance) -> None:
    """A poll, also a long poll, and a page answer 410 at once."""
    last = say(service, "a")
    for query in (
        f"events?after={last + 1}",
        f"events?after={2**63 - 1}&wait=20",
        f"messages?after={last + 1}",
    ):
        answer = service.call("GET", f"/api/v1/{query}")
        assert (answer.status, answer.headers["content-type"]) == (410, "application/problem+json")
        assert answer.json["detail"].startswith(f"the log ends at position {last}, and ")
        assert answer.json["hint"] == "begin again with after=0"
    assert service.call("GET", f"{EVENTS}?after={last}").body == b""
    assert service.call("GET", f"/api/v1/messages?after={last}").json == {"messages": [], "next": None}


@pytest.mark.parametrize("known", ["Last-Event-ID", "after"])
def test_a_stream_from_a_position_that_the_log_does_not_have(service: Instance, known: str) -> None:
    """The stream sends `reset` first and then the whole log; an EventSource then goes on from there."""
    say(service, "a")
    source = EventSource(service.address, f"{EVENTS}/stream" + ("?after=8" if known == "after" else ""))
    source.last_event_id = "8" if known == "Last-Event-ID" else ""
    reset, first, second = source.next(), source.next(), source.next()
    assert (reset.type, reset.last_event_id, json.loads(reset.data)["after"]) == ("reset", "0", 0)
    assert "ends at position 2, and 8 was asked for" in json.loads(reset.data)["reason"]
    assert [(event.type, event.last_event_id) for event in (first, second)] == [
        ("message", "1"),
        ("message", "2"),
    ]


def test_an_event_source_over_a_restore(tmp_path: Path) -> None:
    """An EventSource gets `reset` from a service with a shorter log, and then all of that log."""
    heard: list[tuple[str, str]] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with listener() as sock:
        source = EventSource(sock.getsockname(), f"{EVENTS}/stream")
        for directory, count in (("one", 5), ("two", 2), ("two", 1)):
            with starting(configure(tmp_path / directory), sock=sock) as service:
                service.wait_ready()
                last = max(say(service, "x") for _ in range(count))
                while not heard or heard[-1] != ("message", str(last)):
                    event = source.next()
                    heard.append((event.type, event.last_event_id))
                service.process.send_signal(signal.SIGTERM)
                event = source.next()
                assert event.type == "end"
                source.end()
                assert service.end()[0] == 0
    assert source.retry == 500
    one, two = [("message", str(n)) for n in range(1, 7)], [("message", str(n)) for n in range(1, 7)]
    assert heard == [*one, ("reset", "0"), *two]
