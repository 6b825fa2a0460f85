"""The schemas of the OpenAPI description, named or unnamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Component(dict[str, Any]):
    """A named part that the description contains once and refers to elsewhere.

    A schema among them becomes one type of a generated client.
    """

    __slots__ = ("name", "section")

    def __init__(self, section: str, name: str, content: Mapping[str, Any]) -> None:
        super().__init__(content)
        self.section = section
        """The member of `components` that holds it: `schemas`, `responses`, `parameters`, `headers`."""
        self.name = name


def named(name: str, schema: Mapping[str, Any]) -> Component:
    """A schema with a name."""
    return Component("schemas", name, schema)


def members(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def record(name: str, description: str, /, **properties: Mapping[str, Any]) -> Component:
    """The named schema of an object with exactly these members."""
    return named(name, {**members(**properties), "description": description})


def text(description: str, **more: Any) -> dict[str, Any]:
    """The schema of a text."""
    return {"type": "string", "description": description, **more}


def moment(description: str) -> dict[str, Any]:
    """The schema of a date with its time and zone."""
    return text(description, format="date-time")


def integer(description: str, minimum: int = 1) -> dict[str, Any]:
    """The schema of a whole number."""
    return {"type": "integer", "minimum": minimum, "description": description}


def mapping(name: str, description: str, schema: Mapping[str, Any]) -> Component:
    """The named schema of an object with any members, each of which looks like `schema`."""
    return named(name, {"type": "object", "description": description, "additionalProperties": schema})


POSITION = integer("The position of the event in the log.")

HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

TEXT_OR_NULL = {"type": ["string", "null"]}

PROBLEM = named(
    "Problem",
    {
        "type": "object",
        "description": "An error (RFC 9457).",
        "required": ["type", "title", "status", "detail", "request_id"],
        "properties": {
            "type": text("Always `about:blank`: the status is the kind of the problem.", const="about:blank"),
            "title": text("The name of the status."),
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": text("What is wrong, with the value."),
            "hint": text("What to do about it."),
            "request_id": text("The id under which the service's log says more."),
        },
    },
)

REQUEST_ID = Component(
    "headers",
    "X-Request-Id",
    {
        "description": "The id of this request in the service's log.",
        "required": True,
        "schema": {"type": "string"},
    },
)

LOCATION = Component(
    "headers",
    "Location",
    {
        "description": "The path of the new item, to be read with GET.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
)
