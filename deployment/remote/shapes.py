"""Shapes of JSON values: a shape returns the value that it was given, or raises `Misshapen`.

Written with the standard library alone: the doctor works in a checkout that has no packages yet, and each
verb pays for what it imports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..host.values.printable import LONGEST, printable

Shape = Callable[[Any], Any]
LARGEST = 2**63 - 1  # of a number: a position, bytes, seconds since the epoch
DEEPEST = 6  # levels of a value of any shape
MANY = 10_000  # items of one list
SHOWN = 60  # characters of a value that a message shows


class Misshapen(ValueError):
    """A value that has another shape than expected, with the path to it: `steps[0].verb`."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.problem, self.path = problem, path

    def inside(self, path: str) -> Misshapen:
        """The same fault, seen from the value around it."""
        joined = f"{path}{self.path}" if self.path.startswith("[") else f"{path}.{self.path}"
        return Misshapen(self.problem, joined if self.path else path)


def text(longest: int = LONGEST) -> Shape:
    """A text of bounded length, with escapes in place of all that could move a terminal."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise _another(f"a text of {longest} characters at most", value)
        return printable(value)

    return check


def matching(pattern: str, example: str) -> Shape:
    """A text that matches a pattern as a whole, such as the id of a release."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise _another(f"a value such as {example}", value)
        return value

    return check


def one_of(*known: str) -> Shape:
    """One of a few words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise _another(f"one of {', '.join(known)}", value)
        return value

    return check


def whole(least: int = 0, most: int = LARGEST) -> Shape:
    """A whole number between two bounds."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _another(f"a whole number from {least} to {most}", value)
        return value

    return check


def number(least: float, most: float) -> Shape:
    """A number between two bounds, such as seconds."""

    def check(value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:  # NaN is not between any
            raise _another(f"a number from {least:g} to {most:g}", value)
        return float(value)

    return check


def truth(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _another("true or false", value)
    return value


def optional(shape: Shape) -> Shape:
    """A value of a shape, or none."""
    return lambda value: None if value is None else shape(value)


def many(shape: Shape, most: int = MANY, least: int = 0) -> Shape:
    """A list of values of one shape."""

    def check(value: Any) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise _another(f"a list of {least} to {most} items", value)
        return [_inside(f"[{number}]", shape, item) for number, item in enumerate(value)]

    return check


def mapping(key: Shape, shape: Shape, most: int = MANY) -> Shape:
    """An object with keys of one shape and values of another."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise _another(f"an object of {most} members at most", value)
        return {_inside("a key", key, name): _inside(_short(name), shape, value[name]) for name in value}

    return check


def fields(
    shapes: Mapping[str, Shape], may_lack: Mapping[str, Shape] | None = None, others: Shape | None = None
) -> Shape:
    """An object with these fields; those in `may_lack` can be left out.

    Any other field is dropped, or has the shape `others`.
    """
    lacking = may_lack or {}

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _another("an object", value)
        for name in shapes:
            if name not in value:
                raise Misshapen("is missing", name)
        known = {**shapes, **lacking}
        known_values = {name: _inside(name, known[name], value[name]) for name in known if name in value}
        if others is not None:
            more = {name: item for name, item in value.items() if name not in known}
            known_values |= mapping(text(), others)(more)
        return known_values

    return check


def anything(value: Any, depth: int = 0) -> Any:
    """Any JSON value of few levels, each text, number and list in it within bounds."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text()(value)
    if isinstance(value, int):
        return whole(-LARGEST)(value)
    if isinstance(value, float):
        return number(-float(LARGEST), float(LARGEST))(value)
    if depth == DEEPEST:
        raise Misshapen(f"expected {DEEPEST} levels at most")
    deeper = partial(anything, depth=depth + 1)
    return mapping(text(), deeper)(value) if isinstance(value, dict) else many(deeper)(value)


def _inside(path: str, shape: Shape, value: Any) -> Any:
    try:
        return shape(value)
    except Misshapen as error:
        raise error.inside(path) from None


def _another(expected: str, value: Any) -> Misshapen:
    return Misshapen(f"expected {expected}, got {_short(value)}")


def _short(value: Any) -> str:
    """A value in a few characters; of a large one no more is formatted than that."""
    if isinstance(value, str):
        return printable(repr(value[:SHOWN]), SHOWN)
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)}"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a huge number"
    return str(value)
