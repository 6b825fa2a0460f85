"""A look at an event log that has failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unread:
    """The reason why an event log could not be read, and the programs that hold its files."""

    reason: str
    holders: tuple[str, ...] = ()
    by_service: bool = False  # whether all of them are processes of the service's units: a stop ends those
    late: bool = False  # whether the look was ended by its time limit

    @property
    def text(self) -> str:
        """The reason, and the holders if there are any."""
        return f"{self.reason}; locked by {', '.join(self.holders)}" if self.holders else self.reason

    def hint(self, environment: str) -> str:
        """The way to end the holders; empty where there are none."""
        if not self.holders or self.by_service:
            ended = f"make stop ENV={environment} ends the processes of the service; then try again"
            return ended if self.holders else ""
        return "as root on the node: systemctl status PID shows where it comes from; end it, then try again"
