"""The open connections: how many there may be, and which gives way to a new one.

Each takes a file descriptor. A process that has none left cannot accept anybody, read its log, or speak to
systemd: so there is a bound, and whoever waits for something keeps nobody out. At the bound a new connection
takes the place of another one: first of those on which no request has ever come, then of those between two
requests, last of those whose answer waits to be taken; of each the one that waits for the longest time. Only
where all are being answered, the new one goes. A time limit alone would not do: to be silent costs nothing,
and whoever is cut comes back at once.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from enum import IntEnum
from typing import Protocol

from uvicorn.server import ServerState

logger = logging.getLogger("helionyx")

MOST = 2000
"""However many files may be open: each connection takes memory as well, up to 100 KB while it is silent."""

RESERVED = 80
"""File descriptors for all else: the log, the read models, what is imported late, and what is accepted and
not counted yet."""

FEWEST = 8

ACCEPTED_AT_ONCE = 8
"""In one turn of the loop. asyncio logs a line for each that it cannot accept."""

LOGGED_EVERY = 60.0
"""In seconds: the interval in which too many connections are logged once."""


class Rank(IntEnum):
    """The reasons for which a connection waits, in the order in which connections are closed."""

    SILENT = 0
    IDLE = 1
    UNREAD = 2


class Connected(Protocol):
    """A connection, as far as it matters here."""

    transport: asyncio.Transport


class Connections(ServerState):
    """uvicorn's state of the server, and which of its connections wait."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: tuple[dict[Connected, None], ...] = tuple({} for _ in Rank)
        self._logged = float("-inf")
        self.hurried = False
        """Whether the server stops: a caller that takes nothing is then cut off early."""

    def waits(self, connection: Connected, rank: Rank) -> None:
        """From now on it waits."""
        self.goes_on(connection)
        self._waiting[rank][connection] = None

    def goes_on(self, connection: Connected) -> None:
        """It waits no more."""
        for waiting in self._waiting:
            waiting.pop(connection, None)

    def admit(self, connection: Connected) -> bool:
        """Whether a new connection stays; where there are too many, one of those that wait is cut for it."""
        most = most_connections()
        if len(self.connections) <= most:
            return True
        closed = next((next(iter(waiting)) for waiting in self._waiting if waiting), connection)
        self.goes_on(closed)
        closed.transport.abort()
        now = asyncio.get_running_loop().time()
        if now >= self._logged + LOGGED_EVERY:
            self._logged = now
            logger.warning("more than %d connections: closing the idle ones", most)
        return closed is not connection


def most_connections() -> int:
    """The most connections at the moment."""
    try:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except OSError:  # a filter of system calls
        files = 1024
    return MOST if files == resource.RLIM_INFINITY else min(max(files - RESERVED, FEWEST), MOST)
