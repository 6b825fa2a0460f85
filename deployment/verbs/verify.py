"""`make verify`: the audit's chain, and each event log against every head that the audit recorded."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from ..errors import DONE, HANDS
from ..host.values.answers import VerifiedLog
from ..host.values.printable import printable
from ..host.values.shapes import plain
from ..remote.answers import Audit, Verification, ask_about
from ..settings import Settings
from ..ui import output
from ..ui.tables import INDENT, columns, count, fold
from . import remembered
from .remembered import Remembered


@dataclass(frozen=True)
class Verified:
    """The verification of a node, with the problem of its audit."""

    node: str
    audit: Audit
    problem: str | None
    logs: tuple[VerifiedLog, ...]

    def to_json(self) -> dict[str, Any]:
        """The verification for programs."""
        audit = {**plain(self.audit), "problem": self.problem}
        return {"node": self.node, "audit": audit, "environments": plain(self.logs)}


def verify(settings: Settings) -> int:
    """Show what was verified; 4 if a chain is broken, a head is missing, or the history got shorter."""
    results = [_verified(settings, node, names) for node, names in settings.by_node.items()]
    problems = [result.problem or log.problem for result in results for log in result.logs]
    code = HANDS if any(problems) else DONE
    if settings.json:
        output.write_json({"exit_code": code, "nodes": [result.to_json() for result in results]})
        return code
    for result in results:
        lines = [(f"audit of {result.node}", result.problem or _audit(result.audit))]
        lines += [(log.environment, log.problem or _log(log)) for log in result.logs]
        for name, text in lines:
            sys.stdout.write(fold(f"{name}: ", text, INDENT, columns()) + "\n")
    sys.stdout.write(output.code_line(code) + "\n")
    return code


def _verified(settings: Settings, node: str, names: list[str]) -> Verified:
    """The answer of a node, with the `problem` of its audit. The end of a whole audit is remembered."""
    known = remembered.read(node)
    number = known.number if known else None
    answer = ask_about(settings, node, names, Verification, verb="verify", known=number)
    audit = answer.audit
    problem = remembered.difference(known, audit.length, audit.known)
    if audit.first_bad is not None:
        problem = f"line {audit.first_bad} does not fit its chain: it was changed"
    elif problem is None and audit.head:
        remember(node, Remembered(audit.length, audit.head))
    return Verified(node, audit, problem, answer.environments)


def remember(node: str, line: Remembered) -> None:
    """Remember the end of a node's audit. A disk that takes no file is a warning: the rest was verified."""
    try:
        remembered.write(node, line)
    except OSError as error:
        path = printable(str(error.filename or remembered.path_of(node)))
        sys.stderr.write(f"warning: the end of the audit cannot be remembered: {path}: {error.strerror}\n")


def _audit(audit: Audit) -> str:
    """An audit without a problem."""
    if not audit.length:
        return "empty"
    return f"{audit.length:,} lines, chain unbroken, ends in {str(audit.head)[:16]}"


def _log(log: VerifiedLog) -> str:
    """An event log without a problem."""
    if log.position is None:
        return "not deployed"
    heads = "1 head" if log.heads == 1 else f"{log.heads:,} heads"
    return f"{count(log.position)}, chain unbroken, has {heads} that the audit recorded"
