"""A copy of an environment's history that its service may read: the audit itself is root's alone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..node import accounts
from ..node.files import publish
from ..values.layout import Environment

FORMAT = 1
MOST = 50  # changes
STARTED = ("transaction", "at", "verb", "before", "wanted", "promoted", "override")
ENDED = ("transaction", "verb", "outcome", "before", "after", "seconds", "reason")


def publish_changes(environment: Environment, lines: Iterable[Mapping[str, Any]]) -> None:
    """Replace the copy by the last changes in the audit's `lines`, the newest first.

    Nothing depends on it: where it cannot be written, it stays as it is.
    """
    changes: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.get("environment") != environment.name or "transaction" not in line:
            continue
        known = changes.setdefault(str(line["transaction"]), {"at": line.get("at")})
        members = STARTED if line.get("event") == "start" else ENDED
        known |= {name: line[name] for name in members if line.get(name) is not None}
        actor = line.get("actor")
        if isinstance(actor, Mapping):  # anything, in a line that somebody has damaged
            known["who"] = actor.get("name")
    newest = list(changes.values())[-MOST:][::-1]
    group = accounts.group_of(environment)
    path = environment.history
    if group is None or not path.parent.is_dir():  # no release is here
        return
    content = json.dumps({"format": FORMAT, "changes": newest}).encode() + b"\n"
    with contextlib.suppress(OSError):  # a full disk: the copy is as it was
        publish(path, content, 0o640, (), group)
