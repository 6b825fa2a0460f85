"""A message is described once: by the types of a dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from deployment.host.values.shapes import Key, Misshapen, matching, plain, shape_of

Name = Annotated[str, matching("[a-z]+", "abc")]


@dataclass(frozen=True)
class Inner:
    """A part of a message."""

    level: Literal["ok", "bad"]
    more: Mapping[Name, Any]


@dataclass(frozen=True)
class Outer:
    """A message with each kind of attribute."""

    name: Name | None
    pair: tuple[int, int]
    inner: tuple[Inner, ...]
    ready: bool
    taken_at: Annotated[float, Key("at")] = -1.0
    known: int | None = -1


INNER = {"level": "ok", "more": {"a": [{"b": 1.5}]}}
WHOLE = {"name": "abc", "pair": [1, 2], "inner": [INNER], "ready": True, "at": 2, "known": None}
PART = {"name": None, "pair": [1, 2], "inner": [], "ready": False}


def test_message_has_the_values_of_its_json() -> None:
    """Under the names of its attributes; unknown members are dropped."""
    message = shape_of(Outer)({**WHOLE, "unknown": 1})
    expected = Outer("abc", (1, 2), (Inner("ok", {"a": [{"b": 1.5}]}),), True, 2.0, None)
    assert message == expected


@pytest.mark.parametrize("value", [WHOLE, PART])
def test_json_of_a_message_is_the_same_again(value: dict[str, Any]) -> None:
    """A member that was missing is missing again; one that was null is null."""
    assert plain(shape_of(Outer)(value)) == value


@pytest.mark.parametrize(
    ("odd", "problem"),
    [
        ({"name": "ABC"}, "name: expected a value such as abc, got 'ABC'"),
        ({"pair": [1]}, "pair: expected a list of 2 to 2 items, got a list of 1"),
        ({"pair": [1, -1]}, r"pair\[1\]: expected a whole number from 0"),
        ({"inner": [{**INNER, "level": "x"}]}, r"inner\[0\].level: expected one of ok, bad, got 'x'"),
        ({"inner": [{"level": "ok"}]}, r"inner\[0\].more: is missing"),
        ({"inner": [{**INNER, "more": {"A": 1}}]}, r"inner\[0\].more.a key: expected a value such as abc"),
        ({"ready": 1}, "ready: expected true or false, got 1"),
        ({"at": "x"}, "at: expected a number"),
    ],
)
def test_odd_value_is_named_with_its_path(odd: dict[str, Any], problem: str) -> None:
    """As the path of the JSON, and not of the dataclass."""
    with pytest.raises(Misshapen, match=f"^{problem}"):
        shape_of(Outer)({**WHOLE, **odd})
    with pytest.raises(Misshapen, match=r"^expected an object, got a list of 1$"):
        shape_of(Outer)([1])
