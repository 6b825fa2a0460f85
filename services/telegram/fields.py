"""Reading JSON of any shape: what is missing, or of another type than is asked for, is None or empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]

LARGEST = 1 << 63


def part(raw: object, name: str) -> Raw:
    """The object that `raw` has under this name, or an empty one."""
    found = raw.get(name) if isinstance(raw, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(raw: object, name: str) -> tuple[Raw, ...]:
    """The objects in the array that `raw` has under this name."""
    found = raw.get(name) if isinstance(raw, Mapping) else None
    return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def number(raw: object, name: str) -> int | None:
    """A whole number that a log can hold."""
    found = raw.get(name) if isinstance(raw, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) >= LARGEST:
        return None
    return found


def string(raw: object, name: str) -> str | None:
    """A text that is not blank, in Unicode."""
    found = raw.get(name) if isinstance(raw, Mapping) else None
    return clean(found) if isinstance(found, str) and found.strip() else None


def moment(raw: object, name: str) -> datetime | None:
    """A time, which is written in seconds since 1970."""
    found = number(raw, name)
    try:
        return datetime.fromtimestamp(found, UTC) if found else None
    except (ValueError, OverflowError, OSError):
        return None


def words(raw: object, name: str) -> str | None:
    """The text under this name; where it has another shape, all texts in that."""
    found = string(raw, name)
    if found is not None:
        return found
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return " ".join(strings(value)) or None


def strings(value: object) -> Iterator[str]:
    """Every text in a value that is not blank, in its order."""
    if isinstance(value, str):
        if value.strip():
            yield clean(value)
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from strings(item)


def clean(text: str) -> str:
    """`text` in Unicode: halves of a pair of UTF-16 that stand alone are replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
