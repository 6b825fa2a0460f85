"""The shapes of a node's answers to questions: status and history."""

from __future__ import annotations

from typing import Any

from ..host.values.layout import ENVIRONMENTS
from .messages import COUNT, ENVIRONMENT, FLAG, MOMENT, SECONDS, TEXT, Shaped
from .shapes import Misshapen, anything, fields, many, mapping, one_of, optional, text

CHANGING = fields(
    {}, {"actor": TEXT, "verb": TEXT, "transaction": TEXT, "since": MOMENT, "phase": TEXT}, anything
)
BOT = fields({"state": TEXT, "bot": optional(TEXT), "reason": optional(TEXT), "last_poll": optional(TEXT)})
RELEASE = fields({"id": TEXT, "deployed_at": optional(MOMENT), "bytes": COUNT, "intact": FLAG}, {}, anything)
KEPT_LOG = fields({"name": TEXT, "bytes": COUNT, "written_at": optional(MOMENT), "path": TEXT}, {}, anything)
LOG = fields({"length": COUNT, "head": TEXT}, {}, anything)
# One environment; fields that only programs read have any shape.
STATE = fields(
    {
        "environment": ENVIRONMENT,
        "state": text(40),
        **dict.fromkeys(("problems", "notes", "unfinished"), many(TEXT)),
        **dict.fromkeys(("release", "current", "previous", "commit", "subject", "listen"), optional(TEXT)),
        **dict.fromkeys(("unit", "user", "data", "journal"), TEXT),
        **dict.fromkeys(("pid", "memory"), optional(COUNT)),
        "since": optional(MOMENT),
        "bot": optional(BOT),
        "starts_on_boot": FLAG,
        "log": optional(LOG),
        "kept_logs": many(KEPT_LOG),
        "kept": many(RELEASE),
        "dependencies": fields({"bytes": COUNT}),
        "changing": optional(CHANGING),
    },
    {},
    anything,
)
STATUS = Shaped("result", fields({"outcome": one_of("done"), "environments": many(STATE, len(ENVIRONMENTS))}))

_OF_EACH = {
    "event": TEXT,
    "at": MOMENT,
    "transaction": TEXT,
    "environment": TEXT,
    "verb": TEXT,
}
_ACTOR = optional(mapping(TEXT, TEXT, 10))
_START = fields({**_OF_EACH, "actor": _ACTOR, "before": optional(TEXT), "wanted": optional(TEXT)})
_END = fields(
    {**_OF_EACH, "outcome": TEXT},
    {
        **dict.fromkeys(("before", "after", "reason", "wanted"), optional(TEXT)),
        "seconds": optional(SECONDS),
        "actor": _ACTOR,
        "position": COUNT,
        "head": TEXT,
        "deleted": FLAG,
        "redacted": fields({"position": COUNT, "because": TEXT}, {}, anything),
    },
)


def _line(value: Any) -> dict[str, Any]:
    """A line of the audit; an empty one for a damaged line, which must not hide the others."""
    try:
        event = fields({"event": TEXT})(value)["event"]
        line: dict[str, Any] = (_START if event == "start" else _END)(value)
        if "head" in line:
            fields({"position": COUNT})(value)
    except Misshapen:
        return {}
    return line


_DETAIL = fields(
    {"event": TEXT, "at": MOMENT},
    {
        **dict.fromkeys(("state", "verb", "title", "reason", "remark", "message"), optional(TEXT)),
        "target": many(TEXT),
        "seconds": SECONDS,
        "details": many(TEXT),
        "observed": mapping(TEXT, anything),
    },
)
HISTORY = Shaped(
    "result",
    fields(
        {
            "outcome": one_of("done"),
            "lines": many(_line, 100_000),
            "first_bad": optional(COUNT),
        },
        {"record": optional(many(_DETAIL))},
    ),
)
VERIFICATION = Shaped(
    "result",
    fields(
        {
            "outcome": one_of("done"),
            "audit": fields(
                {
                    "length": COUNT,
                    "first_bad": optional(COUNT),
                    **dict.fromkeys(("head", "known"), optional(TEXT)),
                }
            ),
            "environments": many(
                fields(
                    {
                        "environment": ENVIRONMENT,
                        "heads": COUNT,
                        "position": optional(COUNT),
                        **dict.fromkeys(("head", "problem"), optional(TEXT)),
                    }
                ),
                len(ENVIRONMENTS),
            ),
        }
    ),
)
