"""One finding of `make doctor`, and its fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

OK, WARN, BAD = "ok", "warn", "bad"


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is (ok, warn or bad), the finding, and its fix if not ok."""

    name: str
    level: str
    text: str
    mend: str = ""

    def to_json(self) -> dict[str, Any]:
        """The check as plain values."""
        return {"name": self.name, "level": self.level, "found": self.text, "mend": self.mend}


def ok(name: str, finding: str) -> Check:
    """As it should be."""
    return Check(name, OK, finding)


def warn(name: str, finding: str, mend: str) -> Check:
    """Nothing that is deployed is in trouble by it, and yet somebody should know."""
    return Check(name, WARN, finding, mend)


def bad(name: str, finding: str, mend: str) -> Check:
    """A finding that needs attention."""
    return Check(name, BAD, finding, mend)


def graver(first: Check, second: Check) -> Check:
    """The one of two that matters more; the first where they are alike."""
    order = (OK, WARN, BAD)
    return second if order.index(second.level) > order.index(first.level) else first


def any_bad(checks: Iterable[Check]) -> bool:
    """Whether somebody has to do something."""
    return any(check.level == BAD for check in checks)
