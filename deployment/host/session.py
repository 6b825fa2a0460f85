"""The ssh side: say the facts, hear the request, answer it. It may die at any moment without harm.

Each verb imports its own module, behind the facts: the operator's half builds a release meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .node.facts import facts
from .node.wire import Hangup, Wire
from .values.errors import HostError, Refused
from .values.layout import ENVIRONMENTS, Environment, Layout
from .values.printable import safe

LAST = 10_000  # lines of the audit that a history has
CHANGES = ("deploy", "rollback", "restart", "stop", "start", "remove", "restore", "rebuild", "redact")


def converse(layout: Layout, wire: Wire, program: Path) -> int:
    """One whole conversation; the exit code is 0 unless the operator's half went away."""
    try:
        wire.say("hello", **facts())
        request = wire.hear()
        request |= {key: safe(request[key]) for key in ("actor", "reason") if key in request}
        _answer(layout, wire, program, request)
    except HostError as error:
        wire.say("result", **error.to_json())
    except (Hangup, BrokenPipeError):
        return 1
    return 0


def _answer(layout: Layout, wire: Wire, program: Path, request: dict[str, Any]) -> None:
    """Answer one request."""
    verb = request["verb"]
    if verb == "status":
        from .doctor import status

        names = request.get("environments") or list(ENVIRONMENTS)
        wire.say(
            "result", outcome="done", environments=[status.look(layout, Environment(name)) for name in names]
        )
    elif verb == "doctor":
        from .doctor import doctor

        doctor.examine(layout, wire, request)
    elif verb == "verify":
        from .doctor import verification

        verification.verify(layout, wire, request)
    elif verb == "backup":
        from .transaction import backup

        backup.hand_over(layout, wire, request)
    elif verb == "history":
        from .records import audit

        lines = audit.read(layout)
        detail = _record(layout, lines, request["detail"]) if request.get("detail") else None
        first_bad = audit.first_bad(lines)
        wire.say("result", outcome="done", lines=lines[-LAST:], first_bad=first_bad, record=detail)
    elif verb == "logs":
        from .node import logs

        wire.say("stream")
        logs.show(Environment(request["environment"]), request)
    elif verb == "follow":
        from .records import record
        from .transaction import changing

        changing.follow(wire, record.get(layout, request["transaction"]), int(request.get("told", 0)))
    elif verb in CHANGES:
        from .transaction import changing

        changing.change(layout, wire, program, request)
    else:
        raise Refused(f"this node's half does not know the verb {verb!r}.", f"it knows {', '.join(CHANGES)}")


def _record(layout: Layout, lines: list[dict[str, Any]], environment: str) -> list[dict[str, Any]]:
    """The record of the last change of an environment; empty where the node has forgotten it, or had none."""
    from .records import record

    of_it = (line for line in lines if line.get("environment") == environment)
    changes = [line["transaction"] for line in of_it if "transaction" in line]  # a damaged line may lack it
    return record.get(layout, changes[-1]).entries() if changes else []
