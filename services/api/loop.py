"""The event loop of the service."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any


class Loop(asyncio.SelectorEventLoop):
    """An event loop that ends without waiting for a name server.

    asyncio looks names up in the threads of its executor, and waits for these at its end: where no name
    server answers, each stop took 20 s. A thread of its own for each look-up ends with the process.
    """

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        """Look a name up, as `socket.getaddrinfo` does."""
        answer: asyncio.Future[Any] = self.create_future()

        def settle(error: Exception | None, addresses: Any) -> None:
            if answer.done():  # whoever asked has given up
                return
            if error is None:
                answer.set_result(addresses)
            else:
                answer.set_exception(error)

        def look_up() -> None:
            error, addresses = None, None
            try:
                addresses = socket.getaddrinfo(host, port, **hints)
            except Exception as raised:  # noqa: BLE001 - whatever it is, it is the caller's
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.call_soon_threadsafe(settle, error, addresses)

        threading.Thread(target=look_up, name="getaddrinfo", daemon=True).start()
        return await answer
