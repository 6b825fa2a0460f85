"""Reading JSON of any shape: what is missing, or of another type than is asked for, is None or empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]

LARGEST = 1 << 63


def part(raw: object, name: str) -> Raw:
    """The object that `raw` has under this name, or an empty one."""
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def items(raw: object, name: str) -> tuple[Raw, ...]:
    """The objects in the array that `raw` has under this name."""
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()


def number(raw: object, name: str) -> int | None:
    """A whole number that a log can hold."""
    value = raw.get(name) if isinstance(raw, Mapping) else None
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= LARGEST:
        return None
    return value


def string(raw: object, name: str) -> str | None:
    """A text that is not blank, in Unicode."""
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return clean(value) if isinstance(value, str) and value.strip() else None


def moment(raw: object, name: str) -> datetime | None:
    """A time, which is written in seconds since 1970."""
    value = number(raw, name)
    try:
        return datetime.fromtimestamp(value, UTC) if value else None
    except (ValueError, OverflowError, OSError):
        return None


def words(raw: object, name: str) -> str | None:
    """The text under this name; where it has another shape, all texts in that."""
    value = string(raw, name)
    if value is not None:
        return value
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
