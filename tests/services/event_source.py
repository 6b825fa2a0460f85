"""An EventSource as the HTML standard describes it: it reads a stream, and comes back to go on."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

from tests.services.instance import TOKEN, Address, Connection


@dataclass(frozen=True)
class Event:
    """An event that is dispatched."""

    type: str
    data: str
    last_event_id: str


class EventSource:
    """Reads one stream after another from one URL, with the id of the last event."""

    def __init__(self, address: Address, path: str) -> None:
        self._address = address
        self._path = path
        self._connection: Connection | None = None
        self._response: http.client.HTTPResponse | None = None
        self.last_event_id = ""
        self.retry = 3000

    def next(self) -> Event:
        """The next event; where the stream ends, that of the next stream."""
        while True:
            event = self._read(self._response or self._connect())
            if event is not None:
                return event
            self.end()

    def end(self) -> None:
        """Let the stream go; the next event is one of the next stream."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._response = None

    def _connect(self) -> http.client.HTTPResponse:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        self._connection = Connection(self._address)
        self._connection.request("GET", self._path, headers=headers)
        response = self._response = self._connection.getresponse()
        # Anything else fails the connection for good.
        assert (response.status, response.headers.get_content_type()) == (200, "text/event-stream")
        return response

    def _read(self, response: http.client.HTTPResponse) -> Event | None:
        """The next event of this stream, or None at its end."""
        kind, data, last = "", "", self.last_event_id
        for raw in iter(response.readline, b""):
            line = raw.decode().rstrip("\n")
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                self.last_event_id = last
                if data:
                    return Event(kind or "message", data.removesuffix("\n"), last)
                kind = ""
            elif name == "event":
                kind = value
            elif name == "data":
                data += f"{value}\n"
            elif name == "id":
                last = value
            elif name == "retry" and value.isdigit():
                self.retry = int(value)
        return None
