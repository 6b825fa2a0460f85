"""The shapes of a node's answers to questions: status and history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ..host.values.layout import ENVIRONMENTS
from .messages import (
    COUNT,
    ENVIRONMENT,
    FLAG,
    MOMENT,
    SECONDS,
    TEXT,
    EnvironmentName,
    Message,
    Moment,
    Shaped,
)
from .shapes import Key, Misshapen, anything, fields, many, mapping, one_of, optional, shape_of, text


@dataclass(frozen=True)
class Changing:
    """The holder of an environment's lock, as far as its note could be read."""

    actor: str | None = None
    verb: str | None = None
    transaction: str | None = None
    since: Moment | None = None
    phase: str | None = None  # the title of the present step
    process: str | None = None


@dataclass(frozen=True)
class Bot:
    """The report of a service on its bot."""

    state: str
    bot: str | None
    reason: str | None
    last_poll: str | None


@dataclass(frozen=True)
class Log:
    """The event log of an environment."""

    length: int
    head: str
    last: Annotated[Any, Key("said")]  # for programs


@dataclass(frozen=True)
class ArchivedLog:
    """An event log that a restore replaced."""

    name: str
    bytes: int
    written_at: Moment | None
    path: str


@dataclass(frozen=True)
class InstalledRelease:
    """A release on the node."""

    id: str
    deployed_at: Moment | None  # None for a release that never came up
    bytes: int
    intact: bool


@dataclass(frozen=True)
class Dependencies:
    """The dependencies of all releases of an environment."""

    bytes: int


@dataclass(frozen=True)
class State:
    """The state of an environment; members that only programs read have any shape."""

    environment: EnvironmentName
    state: Annotated[str, text(40)]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    unfinished: tuple[str, ...]  # transactions
    release: str | None
    current: str | None
    previous: str | None
    commit: str | None
    subject: str | None
    listen: str | None
    unit: str
    user: str
    data: str
    journal: str
    pid: int | None
    memory: int | None
    since: Moment | None
    bot: Bot | None
    starts_on_boot: bool
    log: Log | None
    archived_logs: Annotated[tuple[ArchivedLog, ...], Key("kept_logs")]
    installed: Annotated[tuple[InstalledRelease, ...], Key("kept")]
    dependencies: Dependencies
    changing: Changing | None
    answers_as: Any
    restarts: Any
    releases: Any
    drop_ins: Any


@dataclass(frozen=True)
class Status(Message):
    """The states of environments."""

    environments: Annotated[tuple[State, ...], many(shape_of(State), len(ENVIRONMENTS))]


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
