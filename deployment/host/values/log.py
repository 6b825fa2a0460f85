"""The end of an event log, by which two logs are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Log:
    """The length and the head of an event log, and the versions of each type of event that it holds.

    `said` are the position and the hash of the last event that is not what a service noted of itself, as its
    start is: two logs that agree in it tell the same. A release that notes nothing does not tell it either.
    """

    length: int
    head: str
    holds: Mapping[str, Any] = field(default_factory=dict)
    table: int = 0  # the version of its table; 0 where that is not known
    said: tuple[int, str] | None = None

    @property
    def last(self) -> tuple[int, str]:
        """The position and the hash of the last thing that was said; position 0 where nothing was."""
        return (self.length, self.head) if self.said is None else (self.said[0], self.said[1])

    @property
    def name(self) -> str:
        """The name of its archive: a start or a stop of a service does not change it."""
        position, digest = self.last
        return f"{position}-{digest[:12]}"

    def tells(self, other: Log | None) -> bool:
        """Whether the two tell the same; where one does not say what was said, whether they are equal."""
        if other is None or self.said is None or other.said is None:
            return other is not None and (self.length, self.head) == (other.length, other.head)
        return self.last == other.last

    @classmethod
    def of_answer(cls, length: int, head: str, answer: Mapping[str, Any], table: int = 0) -> Log:
        """Read the log from a release's `answer`; an older release leaves some of it out."""
        said = answer.get("said")
        last = None if said is None else (int(said["position"]), str(said["hash"]))
        return cls(length, head, answer.get("holds") or {}, table, last)
