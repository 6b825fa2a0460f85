"""The events: what has happened, for ever. A field that changes its meaning makes a new version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class MessageRecorded:
    """Somebody told the service something."""

    type: ClassVar[str] = "MessageRecorded"
    version: ClassVar[int] = 1

    time: datetime
    """When it was recorded, with a time zone."""
    text: str
    source: str
    """By which way it came, such as `api`."""


Event = MessageRecorded

WRITES = ((MessageRecorded.type, MessageRecorded.version),)
"""The (type, version) of every event that this release can write."""

READS = WRITES
"""The (type, version) of every event that this release understands."""
