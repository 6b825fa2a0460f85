"""`make verify`: the audit's chain, and each event log against every head that the audit recorded."""

from __future__ import annotations

import json
import sys
from typing import Any

from ..errors import DONE, HANDS
from ..host.values.printable import printable
from ..remote.answers import VERIFICATION
from ..remote.connection import ask_about
from ..settings import Settings
from ..ui import output
from ..ui.tables import INDENT, columns, count, fold
from . import remembered
from .remembered import Remembered


def verify(settings: Settings) -> int:
    """Show what was verified; 4 if a chain is broken, a head is missing, or the history got shorter."""
    results = [_verified(settings, node, names) for node, names in settings.by_node.items()]
    problems = [item for result in results for item in (result["audit"], *result["environments"])]
    code = HANDS if any(item["problem"] for item in problems) else DONE
    if settings.json:
        sys.stdout.write(json.dumps({"exit_code": code, "nodes": results}, indent=1) + "\n")
        return code
    for result in results:
        lines = [(f"audit of {result['node']}", result["audit"]["problem"] or _audit(result["audit"]))]
        lines += [(item["environment"], item["problem"] or _log(item)) for item in result["environments"]]
        for name, text in lines:
            sys.stdout.write(fold(f"{name}: ", text, INDENT, columns()) + "\n")
    sys.stdout.write(output.code_line(code) + "\n")
    return code


def _verified(settings: Settings, node: str, names: list[str]) -> dict[str, Any]:
    """The answer of a node, with the `problem` of its audit. The end of a whole audit is remembered."""
    known = remembered.read(node)
    number = known.number if known else None
    answer = ask_about(settings, node, names, VERIFICATION, verb="verify", known=number)
    audit = answer["audit"]
    problem = remembered.difference(known, audit["length"], audit["known"])
    if audit["first_bad"] is not None:
        problem = f"line {audit['first_bad']} does not fit its chain: it was changed"
    elif problem is None and audit["head"]:
        remember(node, Remembered(audit["length"], audit["head"]))
    return {"node": node, "audit": {**audit, "problem": problem}, "environments": answer["environments"]}


def remember(node: str, line: Remembered) -> None:
    """Remember the end of a node's audit. A disk that takes no file is a warning: the rest was verified."""
    try:
        remembered.write(node, line)
    except OSError as error:
        path = printable(str(error.filename or remembered.path_of(node)))
        sys.stderr.write(f"warning: the end of the audit cannot be remembered: {path}: {error.strerror}\n")


def _audit(audit: dict[str, Any]) -> str:
    """An audit without a problem."""
    if not audit["length"]:
        return "empty"
    return f"{audit['length']:,} lines, chain unbroken, ends in {audit['head'][:16]}"


def _log(item: dict[str, Any]) -> str:
    """An event log without a problem."""
    if item["position"] is None:
        return "not deployed"
    heads = "1 head" if item["heads"] == 1 else f"{item['heads']:,} heads"
    return f"{count(item['position'])}, chain unbroken, has {heads} that the audit recorded"
