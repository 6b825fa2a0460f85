"""A uvicorn server that loses no request when it stops.

By itself uvicorn closes, on a signal, connections that were accepted and not read yet. Here a stop goes so:

1. wake up at once, and take no new connection: another process may listen on the same socket;
2. let what was accepted already get its transport, which takes a turn of the loop, and then close the socket;
3. answer whatever still arrives, now with `Connection: close`: keep-alive callers come back elsewhere;
4. close what is idle once it has had the time to speak, and what is not done when the grace is over.

This leans on uvicorn's insides, which is why its version is pinned.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.api.connections import ACCEPTED_AT_ONCE, Connections
from services.api.protocol import BoundedProtocol

ATTACH_SECONDS = 0.02
"""The time until an accepted connection can be read."""

IDLE_SECONDS = 2.0
"""The time that an idle connection stays open once the stop has begun."""

GRACE_SECONDS = 10.0
"""The time for a request that is being answered once the stop has begun."""

CUT_SECONDS = 0.5
"""The time for cancelled requests to end."""

KEEP_ALIVE_SECONDS = 30
"""The time that a connection may be idle in ordinary times."""


@dataclass
class Drain:
    """The state of a stop: whether it has begun."""

    begun: bool = False


class DrainingServer(uvicorn.Server):
    """Serves `app` until `stop` is called, and then finishes what was begun."""

    def __init__(self, app: ASGIApp, protocol: Callable[..., asyncio.Protocol] = BoundedProtocol) -> None:
        """`protocol` makes the protocol of a connection: a BoundedProtocol, or TLS with one above it."""
        self._drain = Drain()
        self._stop = asyncio.Event()
        self.serving = asyncio.Event()
        """Set once connections are accepted."""
        config = uvicorn.Config(
            _closing(app, self._drain),
            loop="asyncio",
            http=cast(type[BoundedProtocol], protocol),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            backlog=ACCEPTED_AT_ONCE,  # the sockets know by themselves how many may wait to be accepted
        )
        super().__init__(config)
        self.server_state: Connections = Connections()

    def stop(self) -> None:
        """Begin to stop; called again, give up the grace. To be called in the event loop."""
        self.force_exit = self.should_exit
        self.should_exit = True
        self._stop.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the runner's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections on `sockets`."""
        await super().startup(sockets)
        self.serving.set()

    async def main_loop(self) -> None:
        """Wait for the stop; once a second the Date header is renewed."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as this module's docstring describes. Ends within GRACE_SECONDS."""
        self._drain.begun = True
        self.server_state.hurried = True
        for protocol in self._protocols():
            protocol.hurry()
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            loop.remove_reader(listener)
        await asyncio.sleep(ATTACH_SECONDS)
        for server in self.servers:
            server.close()
        await self._finish(loop)

    async def _finish(self, loop: asyncio.AbstractEventLoop) -> None:
        begun = loop.time()
        while self.server_state.connections or self.server_state.tasks:
            seconds = loop.time() - begun
            if self.force_exit or seconds >= GRACE_SECONDS:
                break
            if seconds >= IDLE_SECONDS:
                self._close_idle()
            await asyncio.sleep(0.01)
        await self._cut_off()

    async def _cut_off(self) -> None:
        # Without its connection an answer that has begun ends by itself; what has not begun is to say why.
        for protocol in self._protocols():
            if protocol.cycle is not None and protocol.cycle.response_started and not _is_answered(protocol):
                protocol.cut("the service is stopping")
        await self._wait_for_tasks()
        for task in self.server_state.tasks:
            task.cancel()
        await self._wait_for_tasks()
        for protocol in self._protocols():
            protocol.transport.close()

    async def _wait_for_tasks(self) -> None:
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=CUT_SECONDS)

    def _close_idle(self) -> None:
        for protocol in self._protocols():
            if _is_idle(protocol):
                protocol.transport.close()

    def _protocols(self) -> list[BoundedProtocol]:
        return [cast(BoundedProtocol, connection) for connection in self.server_state.connections]


def _is_answered(protocol: HttpToolsProtocol) -> bool:
    return protocol.cycle is None or protocol.cycle.response_complete


def _is_idle(protocol: HttpToolsProtocol) -> bool:
    """Whether no request is being answered, none has begun to arrive, and none waits in the socket."""
    # A request that begins to arrive gets a scope at once, and its cycle when its headers are complete.
    cycle = protocol.cycle
    if protocol.scope is not None and (cycle is None or cycle.scope is not protocol.scope):
        return False
    if not _is_answered(protocol) or protocol.transport.get_extra_info("arriving"):
        return False
    poll = select.poll()  # select() knows no descriptor above 1023
    poll.register(protocol.transport.get_extra_info("socket"), select.POLLIN)
    return not poll.poll(0)


def _closing(app: ASGIApp, drain: Drain) -> ASGIApp:
    """Add `Connection: close` to every response of `app` that starts after the stop has begun."""

    async def closing(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_closing(message: Message) -> None:
            if drain.begun and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await app(scope, receive, send_closing)

    return closing
