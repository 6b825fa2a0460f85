"""The commands: what somebody wants to happen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordMessage:
    """Keep this text."""

    text: str
    source: str
    """By which way it came, such as `api`."""


Command = RecordMessage
