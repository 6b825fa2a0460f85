"""Shapes of JSON values: a shape returns the value that it was given, or raises `Misshapen`.

A message is a dataclass, and the types of its attributes describe it: `shape_of` makes a shape of them, which
returns the message for a JSON object, and `plain` makes the JSON again.

Written with the standard library alone: the doctor works in a checkout that has no packages yet, and each
verb pays for what it imports.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from .printable import LONGEST, printable

Shape = Callable[[Any], Any]
LARGEST = 2**63 - 1  # of a number: a position, bytes, seconds since the epoch
DEEPEST = 6  # levels of a value of any shape
MANY = 10_000  # items of one list
SHOWN = 60  # characters of a value that a message shows


class Key(str):
    """The name of an attribute in JSON, if it is another one: `Annotated[int, Key("taken_at")]`."""

    __slots__ = ()


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

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise _another(f"a list of {least} to {most} items", value)
        return tuple(_inside(f"[{number}]", shape, item) for number, item in enumerate(value))

    return check


def mapping(key: Shape, shape: Shape, most: int = MANY) -> Shape:
    """An object with keys of one shape and values of another."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise _another(f"an object of {most} members at most", value)
        return {_inside("a key", key, name): _inside(_short(name), shape, value[name]) for name in value}

    return check


@cache
def shape_of(kind: Any) -> Shape:
    """The shape of a type: the one that it is annotated with, or else the usual one of such values."""
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        return partial(_message, kind)
    if origin is Annotated:
        shapes = [item for item in arguments[1:] if not isinstance(item, Key)]
        return shapes[0] if shapes else shape_of(arguments[0])
    if origin in (Union, UnionType):
        return optional(shape_of(arguments[0]))
    if origin is Literal:
        return one_of(*arguments)
    if origin is tuple:
        item, count = shape_of(arguments[0]), len(arguments)
        return many(item) if arguments[-1] is ... else many(item, count, count)
    if origin is Mapping:
        return mapping(shape_of(arguments[0]), shape_of(arguments[1]))
    return USUAL[kind]


def _message(kind: Any, value: Any) -> Any:
    """A dataclass from a JSON object. Attributes with a default may be missing; it drops unknown members."""
    if not isinstance(value, dict):
        raise _another("an object", value)
    members = _members(kind)
    for name, (item, _) in members.items():
        if name not in value and item.default is dataclasses.MISSING:
            raise Misshapen("is missing", name)
    known = {name: member for name, member in members.items() if name in value}
    return kind(**{item.name: _inside(name, shape, value[name]) for name, (item, shape) in known.items()})


@cache
def _members(kind: Any) -> dict[str, tuple[dataclasses.Field[Any], Shape]]:
    """The attributes of a dataclass, each with its shape, by their names in JSON."""
    kinds = get_type_hints(kind, include_extras=True)
    members = {}
    for item in dataclasses.fields(kind):
        keys = [key for key in getattr(kinds[item.name], "__metadata__", ()) if isinstance(key, Key)]
        members[next(iter(keys), item.name)] = item, shape_of(kinds[item.name])
    return members


def plain(value: Any) -> Any:
    """A message as JSON. An attribute with its default is left out: it was missing in the message."""
    if dataclasses.is_dataclass(value):
        kind: Any = type(value)
        shown = {name: getattr(value, item.name) for name, (item, _) in _members(kind).items()}
        defaults = {name: item.default for name, (item, _) in _members(kind).items()}
        return {name: plain(member) for name, member in shown.items() if member != defaults[name]}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


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
    return mapping(text(), deeper)(value) if isinstance(value, dict) else list(many(deeper)(value))


USUAL: dict[Any, Shape] = {
    str: text(),
    int: whole(),
    float: number(-1e9, 1e9),
    bool: truth,
    Any: anything,
}
"""The shapes of values that are not annotated with another one; a number counts seconds."""


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
