"""What the use cases answer."""

from __future__ import annotations

from dataclasses import dataclass

from services.event_log import Head
from services.projections import Message


@dataclass(frozen=True)
class Recorded:
    """What became of a command."""

    message: Message
    repeated: bool
    """True where its idempotency key was known already, so that nothing new was written."""


@dataclass(frozen=True)
class Contents:
    """What the log holds, and where it ends."""

    head: Head
    holds: dict[str, tuple[int, ...]]
    """The versions of each type of event. What is appended meanwhile may be in here and not yet in `head`."""
