"""What systemd is told: READY=1, STOPPING=1, STATUS=..., WATCHDOG=1."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping

logger = logging.getLogger("helionyx")


class Notifier:
    """Tells systemd how things are; without a NOTIFY_SOCKET, nobody."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._address = variables.get("NOTIFY_SOCKET", "")
        watched = variables.get("WATCHDOG_PID") in (None, str(os.getpid()))
        microseconds = int(variables.get("WATCHDOG_USEC", "0")) if watched else 0
        self.watchdog_seconds = microseconds / 1_000_000
        """Within how many seconds systemd wants to hear from this process; 0: it does not."""

    def __call__(self, *lines: str) -> None:
        """Send lines such as `READY=1` in one message."""
        if not self._address:
            return
        # An abstract socket is written with an @ and has a zero byte there.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            logger.warning("cannot tell systemd %s: %s", lines[0], error)

    async def watch(self) -> None:
        """Tell the watchdog for ever that the event loop turns, if one is set."""
        while self.watchdog_seconds:
            self("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / 2)
