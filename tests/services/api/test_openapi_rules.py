"""The description is a valid OpenAPI document that people and generators of clients can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import fields
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.api import app, openapi
from services.api.schemas import members, record, text
from services.domain import origin

Node = tuple[str, Mapping[str, Any]]
"""A JSON pointer and the object that is there."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document((*app.OPERATIONS, openapi.OPERATIONS))


def nodes(part: Any, pointer: str = "#") -> Iterator[Node]:
    """Every object of the document."""
    if isinstance(part, Mapping):
        yield pointer, part
    items = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
    for name, value in items:
        escaped = str(name).replace("~", "~0").replace("/", "~1")
        yield from nodes(value, f"{pointer}/{escaped}")


def operations(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def test_it_is_valid(document: dict[str, Any]) -> None:
    """As the specification's own schema says, and with every reference resolved."""
    errors = [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert errors == []


def test_it_says_where_the_service_is(document: dict[str, Any]) -> None:
    """Relative to the description itself, so that it is true behind any address."""
    assert [server["url"] for server in document["servers"]] == ["/"]


def test_every_object_has_a_name(document: dict[str, Any]) -> None:
    """A schema without one becomes a type of its own wherever it is used."""
    unnamed = [
        pointer
        for pointer, node in nodes(document)
        if ("properties" in node or "enum" in node or node.get("type") == "object")
        and pointer.rpartition("/")[0] != "#/components/schemas"
    ]
    assert unnamed == []


def test_every_component_is_used(document: dict[str, Any]) -> None:
    """And every reference leads to one."""
    used = {str(node["$ref"]) for _, node in nodes(document) if "$ref" in node}
    held = {
        f"#/components/{section}/{name}"
        for section, parts in document["components"].items()
        for name in parts
        if section != "securitySchemes"
    }
    assert held == used


@pytest.mark.parametrize("kind", ["todo", "note", "track", "decision"])
def test_an_item_is_one_schema(document: dict[str, Any], kind: str) -> None:
    """An item has the same schema when created, read, listed or changed."""
    reference = {"$ref": f"#/components/schemas/{kind.title()}"}
    page = document["components"]["schemas"][f"{kind.title()}Page"]
    assert page["properties"][f"{kind}s"]["items"] == reference
    answers = [
        answer["content"]["application/json"]["schema"]
        for path, methods in document["paths"].items()
        if path.startswith(f"/api/v1/{kind}s") and not path.endswith("/entries")
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status in ("200", "201")
    ]
    assert len(answers) >= 4
    assert [answer for answer in answers if answer != reference] == [
        {"$ref": f"#/components/schemas/{kind.title()}Page"}
    ]


def test_a_new_item_is_posted_and_read_by_the_same_names(document: dict[str, Any]) -> None:
    """Every member of the request is a member of the answer."""
    schemas = document["components"]["schemas"]
    for name in ("Todo", "Note", "Track", "Decision", "Message", "TrackEntry"):
        assert set(schemas[f"New{name}"]["properties"]) <= set(schemas[name]["properties"])


@pytest.mark.parametrize(
    "kind",
    [origin.Origin, origin.Person, origin.Reply, origin.Forward, origin.Link, origin.Attachment],
)
def test_the_origin_of_a_message_is_described(document: dict[str, Any], kind: type[Struct]) -> None:
    """With the members that it is recorded with, and no others."""
    schema = document["components"]["schemas"][kind.__name__]
    assert list(schema["properties"]) == list(kind.__struct_fields__)
    required = [field.name for field in fields(kind) if field.required]
    assert schema.get("required", []) == required


def test_every_operation_is_explained(document: dict[str, Any]) -> None:
    """By a summary, a description and a known tag; under a name of its own."""
    found = operations(document)
    tags = [tag["name"] for tag in document["tags"]]
    assert sorted({tag for operation in found for tag in operation["tags"]}) == sorted(tags)
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        assert not operation["summary"].endswith(".")
        assert operation["description"].endswith("."), operation["operationId"]


def test_every_member_and_parameter_is_explained(document: dict[str, Any]) -> None:
    """By a sentence or a phrase with its full stop."""
    members_of = {
        f"{pointer}/properties/{name}": member
        for pointer, node in nodes(document)
        if isinstance(node.get("properties"), Mapping)
        for name, member in node["properties"].items()
    }
    parameters = {pointer: node for pointer, node in nodes(document) if {"name", "in"} <= set(node)}
    schemas = document["components"]["schemas"]
    unexplained = [
        pointer
        for pointer, node in (members_of | parameters | schemas).items()
        if "$ref" not in node and not str(node.get("description", "")).endswith(".")
    ]
    assert unexplained == []


def test_every_example_is_valid(document: dict[str, Any]) -> None:
    """And every JSON body of a request has one."""
    bodies = [operation["requestBody"] for operation in operations(document) if "requestBody" in operation]
    assert len(bodies) >= 9
    for body in bodies:
        content = body["content"]["application/json"]
        schema = {**content["schema"], "components": document["components"]}
        assert [str(error) for error in OAS31Validator(schema).iter_errors(content["example"])] == []


def test_every_answer_can_be_read_by_generated_clients(document: dict[str, Any]) -> None:
    """They know JSON and text, and take text as one string."""
    answers = [answer for operation in operations(document) for answer in operation["responses"].values()]
    contents = [answer["content"] for answer in answers if "content" in answer]
    assert len(contents) >= 40
    for content in contents:
        assert any(is_json(kind) or kind.startswith("text/") for kind in content)
        for kind, media in content.items():
            schema = {**media["schema"], "components": document["components"]}
            assert is_json(kind) or OAS31Validator(schema).is_valid("text"), kind


def test_two_schemas_of_one_name_are_refused() -> None:
    """Otherwise a schema would be lost."""
    answers = {
        200: openapi.answer("One.", record("Same", "One.", a=text("A."))),
        201: openapi.answer("Two.", record("Same", "Two.", **members()["properties"])),
    }
    operation = openapi.operation("x", "X", "X.", answers, tag="service", token=False)
    with pytest.raises(ValueError, match="two different schemas are named Same"):
        openapi.document([{"/x": {"get": operation}}])
