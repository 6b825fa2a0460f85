"""One finding of `make doctor`, and its fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

OK, WARN, BAD = "ok", "warn", "bad"


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is (ok, warn or bad), what was found, and the mend if not ok."""

    name: str
    level: str
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, Any]:
        """The check as plain values."""
        return asdict(self)


def ok(name: str, found: str) -> Check:
    """As it should be."""
    return Check(name, OK, found)


def warn(name: str, found: str, mend: str) -> Check:
    """Nothing that is deployed is in trouble by it, and yet somebody should know."""
    return Check(name, WARN, found, mend)


def bad(name: str, found: str, mend: str) -> Check:
    """A finding that needs attention."""
    return Check(name, BAD, found, mend)


def graver(first: Check, second: Check) -> Check:
    """The one of two that matters more; the first where they are alike."""
    order = (OK, WARN, BAD)
    return second if order.index(second.level) > order.index(first.level) else first


def any_bad(checks: Iterable[Check]) -> bool:
    """Whether somebody has to do something."""
    return any(check.level == BAD for check in checks)
