"""The events: what has happened, for ever. `services.formats` says as what each is kept in the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class MessageRecorded:
    """Somebody told the service something."""

    time: datetime
    """When it was recorded, with a time zone."""
    text: str
    source: str
    """By which way it came, such as `api`."""


Event = MessageRecorded
