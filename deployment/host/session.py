"""The ssh side: say the facts, hear the request, answer it. It may die at any moment without harm.

Each verb imports its own module, behind the facts: the operator's half builds a release meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .node.facts import facts
from .node.wire import Hangup, Wire
from .values.errors import HostError
from .values.layout import ENVIRONMENTS, Layout
from .values.printable import safe

LAST = 10_000  # lines of the audit that a history has


def converse(layout: Layout, wire: Wire, program: Path) -> int:
    """One whole conversation; the exit code is 0 unless the operator's half went away."""
    try:
        wire.say("hello", **facts())
        request = wire.hear()
        request |= {key: safe(request[key]) for key in ("actor", "reason") if key in request}
        look = LOOKS.get(str(request.get("verb")))
        if look is not None:
            look(layout, wire, request)
        else:
            from .transaction import changing

            changing.change(layout, wire, program, request)
    except HostError as error:
        wire.say("result", **error.to_json())
    except (Hangup, BrokenPipeError):
        return 1
    return 0


def _status(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    from .doctor import status

    names = request.get("environments") or list(ENVIRONMENTS)
    environments = [status.look(layout.of(name)) for name in names]
    wire.say("result", outcome="done", environments=environments)


def _doctor(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    from .doctor import doctor

    doctor.examine(layout, wire, request)


def _verify(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    from .doctor import verification

    verification.verify(layout, wire, request)


def _backup(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    from .transaction import backup

    backup.hand_over(layout, wire, request)


def _history(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    from .records import audit

    lines = audit.read(layout)
    detail = _record(layout, lines, request["detail"]) if request.get("detail") else None
    first_bad = audit.first_bad(lines)
    wire.say("result", outcome="done", lines=lines[-LAST:], first_bad=first_bad, record=detail)


def _logs(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    from .node import logs

    wire.say("stream")
    logs.show(layout.of(request["environment"]), request)


def _follow(layout: Layout, wire: Wire, request: dict[str, Any]) -> None:
    from .records import record
    from .transaction import changing

    changing.follow(wire, record.Transaction(request["transaction"], layout), int(request.get("told", 0)))


LOOKS: dict[str, Callable[[Layout, Wire, dict[str, Any]], None]] = {
    "status": _status,
    "doctor": _doctor,
    "verify": _verify,
    "backup": _backup,
    "history": _history,
    "logs": _logs,
    "follow": _follow,
}
"""The verbs that change no release. `values.request.CHANGES` has the others."""


def _record(layout: Layout, lines: list[dict[str, Any]], environment: str) -> list[dict[str, Any]]:
    """The record of the last change of an environment; empty where the node has forgotten it, or had none."""
    from .records import record

    of_it = (line for line in lines if line.get("environment") == environment)
    changes = [line["transaction"] for line in of_it if "transaction" in line]  # a damaged line may lack it
    return record.Transaction(changes[-1], layout).entries() if changes else []
