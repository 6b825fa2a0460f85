"""A change as the operator asked for it, and as the node carries it out. Neither is ever edited. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from .errors import Refused
from .layout import ENVIRONMENTS, Environment, Layout
from .log import Log
from .manifest import Manifest
from .promoted import Promoted

KEEP = 5  # releases that came up and stay, unless a request says otherwise
CHANGES = ("deploy", "rollback", "restart", "stop", "start", "remove", "restore", "rebuild", "redact")


@dataclass(frozen=True)
class Redaction:
    """An event whose words are to be replaced, who wants that, and why."""

    position: int
    reason: str
    by: str


@dataclass(frozen=True)
class Request:
    """A change as the operator asked for it."""

    verb: str
    environment: Environment
    actor: Mapping[str, str]  # who asks: name, and user and host of the operator's machine
    dry: bool = False  # whether only the plan is asked for
    asks: bool = False  # whether the operator confirms the plan before anything is begun
    soak: float = 0.0  # seconds
    watch: float = 0.0  # seconds of probation
    wait: float = 0.0  # seconds to wait for another change of the environment
    keep: int | None = None  # releases that came up and stay
    insist: bool = False
    delete: bool = False  # whether a removal takes the data away
    release: Mapping[str, Any] | None = None  # the manifest of the release to install
    promoted: Promoted | None = None  # the release elsewhere that has the same code
    to: str | None = None  # the release to go back to
    config: str | None = None  # "current": keep the configuration that runs
    log: Log | None = None  # the event log to restore
    archived: str = ""  # the name of an archived log to restore
    position: int = 0  # of the event to redact
    reason: str = ""  # for the redaction
    override: str = ""  # the reason to deploy without a proof that CI passed

    @classmethod
    def parse(cls, value: Mapping[str, Any], layout: Layout) -> Self:
        """Read a request to the node of `layout` from its JSON. Keys that another version added are ignored.

        Raises `Refused` for a request that this version does not understand.
        """
        if value.get("verb") not in CHANGES:
            raise Refused(
                f"this node's half does not know the verb {value.get('verb')!r}.",
                f"it knows {', '.join(CHANGES)}",
            )
        if value.get("environment") not in ENVIRONMENTS:
            raise Refused(
                f"there is no environment {value.get('environment')!r}.", f"one of {', '.join(ENVIRONMENTS)}"
            )
        try:
            members = _members(value, layout)
            return cls(**{item.name: members[item.name] for item in fields(cls)})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused(
                f"the request cannot be read: {error!r}.", "deploy with the same version"
            ) from error

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of the release to install."""
        return Manifest.from_json(self.release) if self.release else None

    @property
    def audited(self) -> dict[str, Any]:
        """The members of the audit's line that most requests lack."""
        promoted = {"promoted": vars(self.promoted)} if self.promoted else {}
        return {**promoted, **({"override": self.override} if self.override else {})}

    @property
    def redaction(self) -> Redaction:
        """The redaction of a request that asks for one."""
        return Redaction(self.position, self.reason, str(self.actor["name"]))


@dataclass(frozen=True)
class ResolvedRequest(Request):
    """A change with all that the node worked out beforehand, so that each attempt at it means the same.

    `to` is the whole id of a release, `release` the one that is installed, `log` the one that is restored.
    """

    planned: Mapping[str, Any] | None = None  # what a redaction changes
    noted: bool = False  # whether that redaction is on record already
    running: bool = False  # whether the service runs, and is started again after the redaction
    shown: str | None = None  # the current release when the operator confirmed; None without a question
    failed: str = ""  # the release that this rollback reverts, because it failed on probation
    asked: Mapping[str, Any] | None = None  # the request as it was sent; None before version 0.4.0

    def to_json(self) -> dict[str, Any]:
        """The content of request.json, with the keys that version 0.3.0 reads, and what was asked."""
        flat = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name not in ("environment", "log", "archived", "promoted")
            and getattr(self, item.name) is not None
        }
        promoted = {"promoted": vars(self.promoted)} if self.promoted else {}
        log = {**({"kept": self.archived} if self.archived else {}), **(vars(self.log) if self.log else {})}
        return {**flat, "environment": self.environment.name, **({"log": log} if log else {}), **promoted}


def _members(value: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """The members of a request and of a resolved one, from their JSON; None and empty where it has none."""
    log, archived = _log(value.get("log") or {})
    return {
        "verb": str(value["verb"]),
        "environment": layout.of(value["environment"]),
        "actor": _actor(value["actor"]),
        "log": log,
        "archived": archived,
        "promoted": Promoted.parse(value["promoted"]) if value.get("promoted") else None,
        **{key: str(value.get(key) or "") for key in ("reason", "override", "failed")},
        **_numbers(value),
        **{key: bool(value.get(key)) for key in ("dry", "asks", "insist", "delete", "noted", "running")},
        **{key: None if value.get(key) is None else str(value[key]) for key in ("to", "config", "shown")},
        **{key: dict(value[key]) if value.get(key) else None for key in ("release", "planned", "asked")},
    }


def _numbers(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "keep": None if value.get("keep") is None else int(value["keep"]),
        "position": int(value.get("position") or 0),
        **{key: float(value.get(key) or 0) for key in ("soak", "watch", "wait")},
    }


def _log(value: Mapping[str, Any]) -> tuple[Log | None, str]:
    """The log to restore, and its name where it is archived."""
    members = {key: item for key, item in value.items() if key != "kept"}
    return Log(**members) if members else None, str(value.get("kept") or "")


def _actor(value: Mapping[str, Any]) -> dict[str, str]:
    return {"name": str(value["name"]), **{str(key): str(item) for key, item in value.items()}}
