"""The plan of a change, as the node announces it before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..host.values.model import Manifest
from ..host.values.step import Step


@dataclass(frozen=True)
class Plan:
    """The steps of a change with the facts that a person should know before them."""

    steps: tuple[Step, ...] = ()
    callers: str | None = None  # the impact on callers, a key of `announcement.IMPACT`
    release: str | None = None
    before: str | None = None  # the release that runs
    data: str | None = None  # the directory of the environment's data
    stopped: bool = False
    changed_keys: tuple[str, ...] = ()
    drop_ins: tuple[str, ...] = ()
    log: Mapping[str, Any] | None = None  # the log that replaces the present one, for JSON as it is
    redacted: tuple[int, ...] = ()  # the positions of the events that a redaction changes
    manifest: Manifest | None = None  # of the release that runs, without files and units
    units: Mapping[str, list[str]] = field(default_factory=dict)  # the lines of the unit files there

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Plan:
        """Read a message whose shape is verified."""
        running, redaction = message["manifest"], message["redaction"]
        return cls(
            steps=steps_of(message["steps"]),
            callers=message["callers"],
            release=message["release"],
            before=message["before"],
            data=message["data"],
            stopped=message["stopped"],
            changed_keys=tuple(message["changed_keys"]),
            drop_ins=tuple(message["drop_ins"]),
            log=message["log"],
            redacted=tuple(redaction["changed"]) if redaction else (),
            manifest=Manifest.from_json({**running, "files": {}, "units": {}}) if running else None,
            units=message["units"],
        )


def steps_of(values: list[dict[str, Any]]) -> tuple[Step, ...]:
    """The steps of a message; those of a revert may lack a reason."""
    return tuple(Step(item["verb"], tuple(item["target"]), item.get("reason", "")) for item in values)
