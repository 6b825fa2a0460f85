"""A question about a node: the answer changes nothing there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .errors import Refused
from .layout import ENVIRONMENTS, Environment, Layout
from .printable import safe

TEXTS = ("detail", "project", "since", "grep", "transaction")
NUMBERS = ("known", "lines")
FLAGS = ("follow", "json")


@dataclass(frozen=True)
class Configured:
    """The address and the bot that a configuration asks for."""

    host: str
    port: int
    bot: str | None  # the digest of its token


@dataclass(frozen=True)
class Question:
    """A question of the operator's half. Each verb has a use for some of the members."""

    layout: Layout
    environments: tuple[Environment, ...]  # all of the node, unless the question names some
    actor: Mapping[str, str] = field(default_factory=dict)
    detail: str | None = None  # the environment whose last change is told in detail
    known: int = 0  # the number of the line of the audit that the operator remembers
    configured: Mapping[str, Configured] = field(default_factory=dict)  # the operator's `.env` files
    project: str = ""  # the project of these files
    unconfigured: tuple[str, ...] = ()  # the environments without such a file
    lines: int | None = None  # of the journal
    since: str | None = None
    grep: str | None = None
    follow: bool = False
    json: bool = False
    transaction: str = ""  # the transaction to follow
    heard: int = 0  # the entries of its record that the operator has already

    @property
    def environment(self) -> Environment:
        """The environment of a question about one."""
        return self.environments[0]

    @classmethod
    def parse(cls, value: Mapping[str, Any], layout: Layout) -> Self:
        """Read a question about the node of `layout` from its JSON. Raises `Refused`."""
        try:
            return cls(**_members(value, layout))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused(f"the question cannot be read: {error!r}.", "ask with the same version") from error


def _members(value: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """The members of a question; those that its verb has no use for keep their defaults."""
    texts = {key: str(value[key]) for key in TEXTS if value.get(key)}
    numbers = {key: int(value[key]) for key in NUMBERS if value.get(key) is not None}
    flags = {key: bool(value.get(key)) for key in FLAGS}
    return {
        "layout": layout,
        "environments": _environments(value, layout),
        "actor": {str(key): str(item) for key, item in safe(value.get("actor") or {}).items()},
        "configured": _configured(value.get("wanted") or {}),
        "unconfigured": tuple(map(str, value.get("unconfigured") or ())),
        "heard": int(value.get("told") or 0),
        **texts,
        **numbers,
        **flags,
    }


def _environments(value: Mapping[str, Any], layout: Layout) -> tuple[Environment, ...]:
    names = [value["environment"]] if "environment" in value else value.get("environments")
    if names is None:
        return layout.environments
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        raise ValueError(f"no environment {unknown[0]!r}")
    return tuple(map(layout.of, names))


def _configured(value: Mapping[str, Any]) -> dict[str, Configured]:
    return {
        str(name): Configured(str(item["host"]), int(item["port"]), item["bot"])
        for name, item in value.items()
    }
