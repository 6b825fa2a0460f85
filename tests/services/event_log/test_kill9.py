"""kill -9 under load, again and again: what was acknowledged is there, once, and nothing is there twice.

KILLS=100 in the environment makes them a hundred; with -s the numbers are told.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.event_log.reading import Selection
from services.event_log.sqlite.log import SqliteLog
from services.projections.database import Projections
from tests.services.instance import Address, Connection, Instance, configure, exchange, listener, starting

KILLS = int(os.environ.get("KILLS", "10"))
CLIENTS = 8

pytestmark = pytest.mark.timeout(60 + 10 * KILLS)


@dataclass
class Callers:
    """Clients that send a message again, with the same key, until they hear that it is kept."""

    address: Address
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Each key, and the position that was told."""
    contradictions: list[str] = field(default_factory=list)
    repeats: int = 0
    """How often a message was kept already when it was sent again: its first answer never came."""
    cut: int = 0
    """How many requests a kill left without an answer."""
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let them begin."""
        self.threads += [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def finish(self) -> None:
        """Wait until each has its last answer."""
        self.over.set()
        for thread in self.threads:
            thread.join()

    def client(self, number: int) -> None:
        """One client, on a connection that it keeps for as long as it lasts."""
        connection = Connection(self.address, 15)
        turn = 0
        while not self.over.is_set():
            turn += 1
            self._keep(connection, f"{number}-{turn}")
        connection.close()

    def _keep(self, connection: http.client.HTTPConnection, key: str) -> None:
        while True:
            try:
                answer = exchange(
                    connection, "POST", "/api/v1/messages", {"text": f"text {key}"}, Idempotency_Key=key
                )
            except (OSError, http.client.HTTPException):
                self.cut += 1
                connection.close()
                time.sleep(0.005)
                continue
            if answer.status not in (200, 201) or answer.json["text"] != f"text {key}":
                self.contradictions.append(f"{key}: {answer.status} {answer.body!r}")
                return
            self.repeats += answer.status == 200
            self.acknowledged[key] = answer.json["position"]
            return


@contextlib.contextmanager
def calling(address: Address) -> Iterator[Callers]:
    """So many clients at once."""
    made = Callers(address)
    made.start()
    try:
        yield made
    finally:
        made.finish()


def killed(instance: Instance, callers: Callers, chance: random.Random) -> None:
    """kill -9: one time of five while it starts, else when it has answered, and answers."""
    if chance.random() < 0.2:
        time.sleep(chance.uniform(0, 0.2))
    else:
        instance.wait_ready()
        before, end = len(callers.acknowledged), time.monotonic() + 10
        while len(callers.acknowledged) == before:
            assert time.monotonic() < end
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.1))
    instance.process.kill()
    instance.process.wait()


def digest(log: SqliteLog, stem: Path, *, anew: bool) -> tuple[int, str]:
    """How far the read models have come, and what they hold; of new ones or of those that are there."""
    with contextlib.closing(Projections.open(stem)) as projections:
        if anew:
            projections.rebuild(log)
        return projections.position(), projections.digest()


def examine(store: Path, stem: Path, callers: Callers, fresh: Path) -> None:
    """What was acknowledged is where it was told, once; the chain and the read models are whole."""
    with contextlib.closing(SqliteLog.open(store, read_only=True)) as log:
        assert log.verify() is None
        assert log.damage() is None
        messages = log.read(selection=Selection(("MessageRecorded",)))
        found = [(str(record.entry().idempotency_key), record.position) for record in messages]
        times = Counter(key for key, _ in found)
        doubled = [key for key, count in times.items() if count > 1]
        there = {key.removeprefix("api:"): position for key, position in found}
        lost = [key for key, position in callers.acknowledged.items() if there.get(key) != position]
        print(
            f"{KILLS} kills, {callers.cut} requests cut off; {len(callers.acknowledged)} messages "
            f"acknowledged, {callers.repeats} of these were kept when they were sent again;"
            f" lost {len(lost)}, doubled {len(doubled)}"
        )
        assert (callers.contradictions, lost, doubled) == ([], [], [])
        assert there == callers.acknowledged  # all of them were sent until they were
        assert digest(log, stem, anew=False) == digest(log, fresh, anew=True)


def test_kills_under_load(tmp_path: Path) -> None:
    """On one socket and one log, and whoever hears nothing asks again with the same key."""
    chance = random.Random(9)  # noqa: S311
    environment = configure(tmp_path)
    with listener() as sock, calling(sock.getsockname()) as callers:
        for _ in range(KILLS):
            with starting(environment, sock=sock) as instance:
                killed(instance, callers, chance)
        with starting(environment, sock=sock) as instance:
            instance.wait_ready()
            callers.finish()
            assert instance.stop()[0] == 0
    assert callers.cut > 0
    examine(tmp_path / "events", tmp_path / "projections" / "helionyx.db", callers, tmp_path / "fresh.db")
