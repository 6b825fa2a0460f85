"""The identity of the process, as in every health answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """The identity of the process. The member names are those of the JSON."""

    name: str
    environment: str
    release: str
    """The release's id, or `checkout` for a process that runs from one."""
    started_at: str
    """RFC 3339, UTC."""
    rehearsal: bool
    """Whether it only proves itself, and records nothing."""
