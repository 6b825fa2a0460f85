"""The messages of a node: each with the shape that it must have. Nothing else of them reaches this machine.

A node may be taken over, and the program that answers there need not be the one that was sent. So each id
matches its pattern, each number and list has bounds, and unknown fields are dropped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from ..errors import Unexpected
from ..host.values.check import Check
from ..host.values.layout import ENVIRONMENTS
from .shapes import (
    Key,
    Misshapen,
    Shape,
    anything,
    fields,
    many,
    mapping,
    matching,
    number,
    one_of,
    optional,
    shape_of,
    text,
    truth,
    whole,
)

LONGEST = 16 << 20  # bytes of one message: thousands of lines of the audit
MOST = 20_000  # messages of one conversation
LAST = 253_402_300_799  # the last second of the year 9999, as seconds since the epoch

TEXT, COUNT, FLAG = text(), whole(), truth
SECONDS, MOMENT = number(-1e9, 1e9), number(0, LAST)
Moment = Annotated[float, number(0, LAST)]
EnvironmentName = Annotated[str, one_of(*ENVIRONMENTS)]
ENVIRONMENT = one_of(*ENVIRONMENTS)
COMMIT = matching(r"[0-9a-f]{40}|[0-9a-f]{64}", "the 40 digits of a commit")
NAME = matching(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}", "1a2b3c4d5e6f-9f8e7d6c5b4a")  # of a release, of a log
HASH = matching(r"[0-9a-f]{64}", "the 64 digits of a SHA-256")
PATH = matching(r"/[0-9A-Za-z._/@+-]{0,1000}", "/var/lib/helionyx/dev")
TRANSACTION = matching(
    rf"[0-9]{{8}}T[0-9]{{6}}Z-({'|'.join(ENVIRONMENTS)})-[0-9a-f]{{4}}", "20260102T030405Z-dev-1a2b"
)
UNIT = matching(r"[0-9A-Za-z@:._-]{1,200}", "helionyx-dev.service")
OUTCOMES = ("done", "nothing", "planned", "refused", "failed", "hands", "abandoned")
STEP = {"verb": matching(r"[a-z][a-z-]{0,39}", "install-release"), "target": many(TEXT)}
REASON = {"reason": TEXT}
END = matching(r"[0-9a-f]{64}|", "the 64 digits of a SHA-256")  # empty where nothing was said


@dataclass(frozen=True)
class Shaped:
    """A message by its type, and the shape of its fields."""

    type: str
    shape: Shape


class Message:
    """A message of the node, by its type on the wire: a result that is `done`, if it names none."""

    type: ClassVar[str] = "result"


@dataclass(frozen=True)
class Hello(Message):
    """The facts about the node that the dependencies of a release depend on."""

    type = "hello"
    python: tuple[Annotated[int, whole(0, 99)], Annotated[int, whole(0, 99)]]
    pinned: bool
    machine: Annotated[str, matching(r"[0-9A-Za-z_]{1,32}", "x86_64")]
    libc: tuple[Annotated[str, text(100)], Annotated[str, text(100)]]


@dataclass(frozen=True)
class Stream(Message):
    """The beginning of the journal, whose bytes follow."""

    type = "stream"


@dataclass(frozen=True)
class Clock(Message):
    """The time of the node."""

    type = "clock"
    at: Moment


@dataclass(frozen=True)
class Finding(Check):
    """A check of the node's."""

    name: Annotated[str, text(100)]
    level: Literal["ok", "warn", "bad"]
    text: Annotated[str, Key("found")]


@dataclass(frozen=True)
class Checks(Message):
    """Checks of an environment, or of the node."""

    type = "checks"
    environment: EnvironmentName | None
    checks: tuple[Finding, ...]


# The results of steps: of a restore, of a rebuild, of a redaction.
FACTS = fields(
    {},
    {
        "kept": PATH,
        "newer": optional(COUNT),
        "file": TEXT,
        "position": COUNT,
        "digest": HASH,
        "changed": many(COUNT),
        "at": COUNT,
        "length": COUNT,
        "old_head": HASH,
        "new_head": HASH,
        "elsewhere": many(COUNT),
        "archived": many(PATH),
        "backups": many(fields({"at": MOMENT, "by": TEXT, "position": COUNT})),
    },
)
_SAID = {"message": TEXT, "hint": TEXT, "details": many(TEXT)}
_STATE = {"before": optional(NAME), "after": optional(NAME), "state": optional(TEXT), "facts": FACTS}
RESULT = Shaped("result", fields({"outcome": one_of(*OUTCOMES)}, {**_SAID, **_STATE}))
PROGRAM = Shaped("program", fields({}, {"byte_code": matching(r"[0-9a-f]{0,32}", "a70d0d0a")}))
MANIFEST = fields(  # as far as a preview shows it
    {
        "environment": ENVIRONMENT,
        "commit": COMMIT,
        "dirty": FLAG,
        "subject": TEXT,
        "python": TEXT,
        "platform": TEXT,
        "layer": TEXT,
        "config": mapping(TEXT, anything),
        "digests": mapping(TEXT, TEXT),
    },
    {"project": TEXT, "id": NAME},
)
REPLACEMENT = fields(
    {
        "name": NAME,
        "length": COUNT,
        "head": END,
        "taken_from": many(ENVIRONMENT),
        "said": COUNT,
        "there": optional(COUNT),
        "there_head": optional(END),
        "aside": optional(COUNT),
        "newer": optional(COUNT),
        "begins": optional(FLAG),
        "flaw": optional(TEXT),
        "before_redaction": FLAG,
    }
)
PLAN = Shaped(
    "plan",
    fields(
        {
            "steps": many(fields({**STEP, **REASON})),
            "callers": one_of("nothing", "a pause", "an interruption"),
            "drop_ins": many(TEXT),
            "stopped": FLAG,
            "before": optional(NAME),
            "data": optional(PATH),
            "release": optional(NAME),
            "changed_keys": many(TEXT),
            "log": optional(REPLACEMENT),
            "redaction": optional(fields({"changed": many(COUNT)})),
            "manifest": optional(MANIFEST),
            "units": mapping(UNIT, many(TEXT)),
        }
    ),
)
NEED = Shaped("need", fields({"blobs": many(one_of("layer", "release", "log"), 3)}))
BEGUN = Shaped("transaction", fields({"id": TRANSACTION, "unit": UNIT}))
_STEPS = many(fields(STEP, REASON))
ENTRIES = {
    "step": fields(
        {**STEP, "state": one_of("begin", "done"), "title": TEXT},
        {**REASON, "seconds": SECONDS, "remark": TEXT, "facts": FACTS, "doubts": many(TEXT)},
    ),
    "failed": fields({"title": TEXT, "details": many(TEXT)}),
    "revert": fields({"steps": _STEPS}),
    "revert-failed": fields({"message": TEXT, "details": many(TEXT)}),
    "attempt": fields({"number": whole(1, 100)}),
}


def _entry(value: Any) -> dict[str, Any]:
    """An entry of the record by its event; of those that show nothing here, the event alone."""
    event = fields({"event": TEXT})(value)["event"]
    entry = {"event": event, **ENTRIES.get(event, fields({}))(value)}
    if entry.get("state") == "done":
        fields({"seconds": SECONDS, "remark": TEXT})(value)
    return entry


RECORD = Shaped("record", fields({"entry": _entry}))
CHANGE = (PLAN, NEED, BEGUN, RECORD, RESULT)
BACKUP = Shaped("backup", fields({"size": COUNT, "release": NAME, "position": COUNT, "hash": END}))
BACKED_UP = Shaped("result", fields({"outcome": one_of("done"), "sha256": HASH}))


def parse(node: str, line: bytes, expected: tuple[Any, ...]) -> Any:
    """Return a line of the node as one of the expected messages.

    A result that is not `done` is expected at any time: the node refuses or reports a failure with it.
    Raises `DeployError` for anything else.
    """
    try:
        value = json.loads(line)
        kind = value.get("type") if isinstance(value, dict) else None
    except (ValueError, RecursionError):
        raise unexpected(node, "a line that is no JSON object") from None
    known = {message.type: message for message in expected}
    if kind == RESULT.type and value.get("outcome") != "done":
        known[RESULT.type] = RESULT
    if not isinstance(kind, str) or kind not in known:
        shown = text(40)(kind[:40]) if isinstance(kind, str) else "a message without a type"
        raise unexpected(node, f"{shown!r}, not {' or '.join(known) or 'its program'}")
    try:
        if not isinstance(known[kind], Shaped):
            return shape_of(known[kind])(value)
        return {"type": kind, **known[kind].shape(value)}
    except Misshapen as error:
        raise unexpected(node, f"{kind!r} with a fault: {error}") from None


def unexpected(node: str, answer: str) -> Unexpected:
    """The error for a node that answers other than our program does."""
    return Unexpected(
        f"{node} answered {answer}.",
        "its program does not do this: find out who has changed the node, or what is between",
    )


def is_name(value: str) -> bool:
    """Whether a text is the name of an account, as a login may print it."""
    return re.fullmatch(r"[A-Za-z_][0-9A-Za-z_.@-]{0,99}\$?", value) is not None
