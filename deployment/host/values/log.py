"""The end of an event log, by which two logs are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Log:
    """The length and the head of an event log, and the versions of each type of event that it holds.

    `said` has the position and the hash of the last message: a start or a stop that the service notes of
    itself is none. Two logs with the same last message are equal. An older release does not report it.
    """

    length: int
    head: str
    holds: Mapping[str, Any] = field(default_factory=dict)
    table: int = 0  # the version of its table; 0 where that is not known
    said: tuple[int, str] | None = None

    @property
    def last(self) -> tuple[int, str]:
        """The position and the hash of the last message; position 0 where there is none."""
        return (self.length, self.head) if self.said is None else (self.said[0], self.said[1])

    @property
    def name(self) -> str:
        """The name of its archive: a start or a stop of a service does not change it."""
        position, digest = self.last
        return f"{position}-{digest[:12]}"

    def tells(self, other: Log | None) -> bool:
        """Whether both have the same last message; without that, whether length and head are the same."""
        if other is None or self.said is None or other.said is None:
            return other is not None and (self.length, self.head) == (other.length, other.head)
        return self.last == other.last

    @classmethod
    def of_answer(cls, length: int, head: str, answer: Mapping[str, Any], table: int = 0) -> Log:
        """Read the log from a release's `answer`; an older release leaves some of it out."""
        message = answer.get("said")
        last = None if message is None else (int(message["position"]), str(message["hash"]))
        return cls(length, head, answer.get("holds") or {}, table, last)
