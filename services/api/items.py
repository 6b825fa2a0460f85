"""Todos, notes, tracks and decisions as JSON, and the schemas that describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.api.bodies import DUE, RATIONALE
from services.api.schemas import Component, integer, moment, named, record, text
from services.domain.items import DECISION, NOTE, STATES, TODO, TRACK, Item

_MORE: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    TODO: {"due": DUE},
    NOTE: {},
    TRACK: {
        "name": text("The name, as a new track is given it."),
        "entries": integer("The number of its entries.", 0),
    },
    DECISION: {
        "rationale": {**RATIONALE, "description": "The reason of the proposal, null for none."},
        "reason": {**RATIONALE, "description": "The reason of its last change of state, null for none."},
    },
}
"""The members that only items of this kind have."""

_TEXTS: Mapping[str, str] = {
    TODO: "The task.",
    NOTE: "The note.",
    TRACK: "The name, for callers that show items of any kind.",
    DECISION: "The proposal.",
}

STATE_SCHEMAS: Mapping[str, Component] = {
    kind: named(
        f"{kind.title()}State",
        text(f"The state of a {kind}; `{states[0]}` is that of a new one.", enum=list(states)),
    )
    for kind, states in STATES.items()
}


def _schema(kind: str) -> Component:
    return record(
        kind.title(),
        f"A {kind}.",
        number=integer("The number of the item: the position of its first event in the log."),
        kind=text(f"Always `{kind}`.", const=kind),
        state=STATE_SCHEMAS[kind],
        text=text(_TEXTS[kind]),
        tags={"type": "array", "items": {"type": "string"}, "description": "The tags, sorted."},
        created=moment("The time of its creation."),
        changed=moment("The time of its last change."),
        **_MORE[kind],
    )


SCHEMAS: Mapping[str, Component] = {kind: _schema(kind) for kind in STATES}
"""Kind -> the schema of its items."""

ITEM = named(
    "Item",
    {
        "description": "A todo, a note, a track or a decision.",
        "oneOf": list(SCHEMAS.values()),
        "discriminator": {
            "propertyName": "kind",
            "mapping": {kind: f"#/components/schemas/{schema.name}" for kind, schema in SCHEMAS.items()},
        },
    },
)


def shown(item: Item) -> dict[str, object]:
    """An item as JSON."""
    more: Mapping[str, Mapping[str, object]] = {
        TODO: {"due": item.due},
        TRACK: {"name": item.text, "entries": item.entries},
        DECISION: {"rationale": item.rationale, "reason": item.reason},
    }
    return {
        "number": item.position,
        "kind": item.kind,
        "state": item.state,
        "text": item.text,
        "tags": item.tags,
        "created": item.created,
        "changed": item.changed,
        **more.get(item.kind, {}),
    }
