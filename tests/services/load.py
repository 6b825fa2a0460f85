"""Clients that keep a service busy while it is stopped, started and killed."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.event_log.sqlite.log import SqliteLog
from tests.services.instance import Address, Connection, exchange


@dataclass
class Load:
    """Clients that send as fast as they are answered, and note everything that goes wrong."""

    address: Address
    context: ssl.SSLContext | None = None
    acknowledged: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answered: list[tuple[str, int]] = field(default_factory=list)
    """The id and the status of each request that has an answer."""
    over: threading.Event = field(default_factory=threading.Event)

    def keep(self, number: int) -> None:
        """One client, on a connection that it keeps for as long as the server does."""
        connection = Connection(self.address, 15, self.context)
        while not self.over.is_set():
            self.one(connection, f"keep {number} {time.monotonic_ns()}")

    def renew(self, number: int) -> None:
        """One client, with a new connection for each request."""
        while not self.over.is_set():
            connection = Connection(self.address, 15, self.context)
            self.one(connection, f"renew {number} {time.monotonic_ns()}")
            connection.close()

    def rest(self, number: int) -> None:
        """One client that keeps its connection, and leaves it idle for most of the time."""
        connection = Connection(self.address, 15, self.context)
        while not self.over.wait(0.4):
            self.one(connection, f"rest {number} {time.monotonic_ns()}")

    def one(self, connection: http.client.HTTPConnection, text: str) -> None:
        """One request; reads and writes in turn."""
        request_id = text.replace(" ", "-")
        try:
            if len(self.answered) % 2:
                answer = exchange(connection, "GET", "/api/v1/messages?limit=3", X_Request_Id=request_id)
            else:
                body = {"text": text}
                answer = exchange(connection, "POST", "/api/v1/messages", body, X_Request_Id=request_id)
            self.answered.append((request_id, answer.status))
            if answer.status not in (200, 201):
                self.failures.append(f"{answer.status} {answer.body!r}")
            elif answer.status == 201:
                self.acknowledged.append(answer.json["text"])
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
            connection.close()


@contextlib.contextmanager
def load(address: Address, context: ssl.SSLContext | None = None) -> Iterator[Load]:
    """Twelve clients of three kinds, by TLS if there is a context for it."""
    made = Load(address, context)
    threads = [
        threading.Thread(target=kind, args=(number,))
        for kind in (made.keep, made.renew, made.rest)
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.over.set()
        for thread in threads:
            thread.join()


def recorded(store: Path) -> list[str]:
    """The texts in the log, whose chain must hold."""
    log = SqliteLog.open(store, read_only=True)
    assert log.verify() is None
    return [str(event.data["text"]) for event in log.replay() if event.type == "MessageRecorded"]
