"""Notify systemd: READY=1, STOPPING=1, STATUS=..., WATCHDOG=1."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping

logger = logging.getLogger("helionyx")


class Notifier:
    """Sends states to systemd; without a NOTIFY_SOCKET, to nobody."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        address = variables.get("NOTIFY_SOCKET", "")
        # An abstract socket is written with an @ and has a zero byte there.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        # Made now: a process that has no file descriptor left must still be heard, or it would be replaced.
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        watched = variables.get("WATCHDOG_PID") in (None, str(os.getpid()))
        microseconds = int(variables.get("WATCHDOG_USEC", "0")) if watched else 0
        self.watchdog_seconds = microseconds / 1_000_000
        """The interval in seconds in which systemd expects a WATCHDOG=1; 0: it expects none."""

    def __call__(self, *lines: str) -> None:
        """Send lines such as `READY=1` in one message."""
        if not self._address:
            return
        try:
            self._channel.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            logger.warning("cannot notify systemd of %s: %s", lines[0], error)

    async def watch(self) -> None:
        """Tell the watchdog for ever that the event loop turns, if one is set."""
        while self.watchdog_seconds:
            self("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / 2)
