"""The history of changes from the node's audit, as a table or as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from ..errors import DONE, HANDS
from ..remote.answers import HISTORY
from ..remote.connection import Connection, result_of_look
from ..remote.messages import Hello
from ..settings import Settings
from ..ui import output
from ..ui.tables import columns, short, table

HEADS = ("when", "environment", "verb", "who", "before", "after", "outcome", "took", "log", "reason")
STARTS = ("at", "transaction", "environment", "verb", "actor", "before", "wanted")
# About the copy of a backup, the log that a removal deleted, or the events of a redaction.
MORE = ("position", "head", "deleted", "redacted")
ROWS = 20  # changes that are shown unless LINES says otherwise


def history(settings: Settings) -> int:
    """Show the last changes, newest last; 4 when the chain of the audit does not hold."""
    with Connection(settings) as connection:
        result_of_look(settings.node, connection.hear(Hello))
        detail = settings.environment if settings.named and settings.lines == 1 else None
        connection.say(verb="history", detail=detail)
        answer = result_of_look(settings.node, connection.hear(HISTORY))
    changes = _selected(settings, pair(answer["lines"]))
    code = DONE if answer["first_bad"] is None else HANDS
    if settings.json:
        result = {"exit_code": code, "first_bad": answer["first_bad"], "changes": changes}
        result |= {"record": answer.get("record")} if detail else {}
        sys.stdout.write(json.dumps(result, indent=1) + "\n")
        return code
    sys.stdout.write(table(HEADS, [row(item) for item in changes], columns()))
    sys.stdout.writelines(f"{line}\n" for line in details(answer.get("record") or []))
    if code:
        sys.stdout.write(f"the audit's line {answer['first_bad']} does not fit its chain: it was changed\n")
    sys.stdout.write(output.code_line(code) + "\n")
    return code


def _selected(settings: Settings, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last changes of the environments that the operator named, or of all."""
    if settings.named:
        changes = [item for item in changes if item["environment"] in settings.environments]
    return changes[-(settings.lines or ROWS) :]


def pair(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One item per transaction, from the line that it wrote at its start and the one at its end."""
    changes: dict[str, dict[str, Any]] = {}
    for line in lines:
        if "transaction" not in line:  # a damaged line: the chain's check names it
            continue
        item = changes.setdefault(
            line["transaction"], {"outcome": "under way", "after": None, "seconds": None}
        )
        if line["event"] == "start":
            item |= {key: line[key] for key in STARTS}
        else:
            item |= {key: line.get(key) for key in ("outcome", "after", "seconds", "reason")}
            item |= {key: line[key] for key in MORE if key in line}
            for key in STARTS:
                item.setdefault(key, line.get(key))
    return list(changes.values())


def row(item: dict[str, Any]) -> tuple[str, ...]:
    """A change as the cells of its line, one for each of `HEADS`."""
    return (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(item["at"])),
        item["environment"],
        item["verb"],
        (item["actor"] or {}).get("name", "-"),
        short(item["before"]),
        short(item["after"]),
        item["outcome"],
        f"{item['seconds']:.1f} s" if item["seconds"] is not None else "-",
        _log(item),
        item.get("reason") or _why(item),
    )


def details(record: list[dict[str, Any]]) -> Iterator[str]:
    """The steps of a change with their reasons, and the facts that it found before: for people."""
    for entry in record:
        if entry["event"] == "before" and entry.get("observed"):
            yield from _found(entry["observed"])
        elif entry["event"] == "step" and entry.get("state") == "done":
            yield output.line(str(entry.get("title")), entry.get("seconds", 0.0), entry.get("remark") or "")
            yield f"      {entry.get('reason') or 'no reason is on record'}"
        elif entry["event"] == "failed":
            yield f"  {entry.get('title')}: failed: {entry.get('message')}"
        elif entry["event"] == "revert":
            yield "  revert:"


def _found(facts: dict[str, Any]) -> Iterator[str]:
    """The facts that most plans depend on."""
    answers = facts.get("answers") or {}
    yield (
        f"  found: service {facts.get('service')}, socket {facts.get('socket')} on {facts.get('listen')},"
        f" {facts.get('runs') or 'no release'} runs, {facts.get('current') or 'none'} is active"
    )
    if answers:
        yield f"         it answers as {answers.get('release')}, ready: {answers.get('ready')}"


def _why(item: dict[str, Any]) -> str:
    """The effect of a change on the event log, if that is not plain from its verb."""
    if item.get("redacted"):
        return f"position {item['redacted']['position']}: {item['redacted']['because']}"
    return "its data was deleted" if item.get("deleted") else ""


def _log(item: dict[str, Any]) -> str:
    """The log that a backup took, a restore brought or a removal deleted: its length and head."""
    if "head" in item:
        return f"{item['position']}-{item['head'][:12]}"
    return str(item["wanted"] or "") if item["verb"] == "restore" else ""
