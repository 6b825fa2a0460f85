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
from .values.layout import Layout
from .values.printable import safe
from .values.question import Question

LAST = 10_000  # lines of the audit that a history has


def converse(layout: Layout, wire: Wire, program: Path) -> int:
    """One whole conversation; the exit code is 0 unless the operator's half went away."""
    try:
        wire.say("hello", **facts())
        request = wire.hear()
        look = LOOKS.get(str(request.get("verb")))
        if look is not None:
            look(wire, Question.parse(request, layout))
        else:
            from .transaction import changing

            request |= {key: safe(request[key]) for key in ("actor", "reason", "override") if key in request}
            changing.change(layout, wire, program, request)
    except HostError as error:
        wire.say("result", **error.to_json())
    except (Hangup, BrokenPipeError):
        return 1
    return 0


def _status(wire: Wire, question: Question) -> None:
    from .doctor import status

    environments = [status.look(environment).to_json() for environment in question.environments]
    wire.say("result", outcome="done", environments=environments)


def _doctor(wire: Wire, question: Question) -> None:
    from .doctor import doctor

    doctor.examine(wire, question)


def _verify(wire: Wire, question: Question) -> None:
    from .doctor import verification

    verification.verify(wire, question)


def _backup(wire: Wire, question: Question) -> None:
    from .transaction import backup

    backup.hand_over(wire, question)


def _cancel(wire: Wire, question: Question) -> None:
    from .transaction import cancel

    cancel.cancel(wire, question)


def _history(wire: Wire, question: Question) -> None:
    from .records import audit

    lines = audit.read(question.layout)
    detail = _record(question.layout, lines, question.detail) if question.detail else None
    first_bad = audit.first_bad(lines)
    wire.say("result", outcome="done", lines=lines[-LAST:], first_bad=first_bad, record=detail)


def _logs(wire: Wire, question: Question) -> None:
    from .node import logs

    wire.say("stream")
    logs.show(question)


def _follow(wire: Wire, question: Question) -> None:
    from .records import record
    from .transaction import changing

    changing.follow(wire, record.Transaction(question.transaction, question.layout), question.heard)


LOOKS: dict[str, Callable[[Wire, Question], None]] = {
    "status": _status,
    "doctor": _doctor,
    "verify": _verify,
    "backup": _backup,
    "cancel": _cancel,
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
