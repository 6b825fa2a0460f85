"""The history of changes from the node's audit, as a table or as JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DONE, HANDS
from ..host.values.shapes import plain
from ..remote.answers import History, Line, RecordEntry
from ..remote.connection import Connection
from ..remote.messages import Hello
from ..settings import Settings
from ..ui import output
from ..ui.tables import columns, short, table

HEADS = ("when", "environment", "verb", "who", "before", "after", "outcome", "took", "log", "reason")
BEGUN = ("at", "transaction", "environment", "verb", "actor", "before", "wanted")
# About the copy of a backup, the log that a removal deleted, or the events of a redaction.
MORE = ("position", "head", "deleted", "redacted")
ROWS = 20  # changes that are shown unless LINES says otherwise


@dataclass(frozen=True)
class Change:
    """A change by its lines in the audit: one from its start and one from its end, each if there is one."""

    first: Line
    end: Line | None

    @property
    def outcome(self) -> str:
        """The outcome, if it has one already."""
        return str(self.end.outcome) if self.end else "under way"

    def to_json(self) -> dict[str, Any]:
        """The change for programs."""
        first, end = plain(self.first), plain(self.end) if self.end else {}
        started = {key: first.get(key) for key in BEGUN}
        started |= {key: first[key] for key in ("promoted", "override") if first.get(key)}
        ended = {"reason": end.get("reason")} | {key: end[key] for key in MORE if key in end} if end else {}
        more = ended | started if self.first == self.end else started | ended
        return {"outcome": self.outcome, "after": end.get("after"), "seconds": end.get("seconds"), **more}


def history(settings: Settings) -> int:
    """Show the last changes, newest last; 4 when the chain of the audit does not hold."""
    with Connection(settings) as connection:
        connection.answer(Hello)
        detail = settings.environment if settings.named and settings.lines == 1 else None
        connection.say(verb="history", detail=detail)
        answer = connection.answer(History)
    changes = _selected(settings, pair(answer.lines))
    code = DONE if answer.first_bad is None else HANDS
    if settings.json:
        shown = [item.to_json() for item in changes]
        result = {"exit_code": code, "first_bad": answer.first_bad, "changes": shown}
        output.write_json(result | ({"record": plain(answer.record)} if detail else {}))
        return code
    sys.stdout.write(table(HEADS, [row(item) for item in changes], columns()))
    sys.stdout.writelines(f"{line}\n" for line in details(answer.record or ()))
    if code:
        sys.stdout.write(f"the audit's line {answer.first_bad} does not fit its chain: it was changed\n")
    sys.stdout.write(output.code_line(code) + "\n")
    return code


def _selected(settings: Settings, changes: list[Change]) -> list[Change]:
    """The last changes of the environments that the operator named, or of all."""
    if settings.named:
        changes = [item for item in changes if item.first.environment in settings.environments]
    return changes[-(settings.lines or ROWS) :]


def pair(lines: Iterable[Line | None]) -> list[Change]:
    """The changes in the order of their first lines. None is a damaged line, which breaks the chain."""
    changes: dict[str, Change] = {}
    for line in filter(None, lines):
        known = changes.get(line.transaction)
        if line.event == "start":
            changes[line.transaction] = Change(line, known.end if known else None)
        else:
            changes[line.transaction] = Change(known.first if known else line, line)
    return list(changes.values())


def row(item: Change) -> tuple[str, ...]:
    """A change as the cells of its line, one for each of `HEADS`."""
    first, end = item.first, item.end
    seconds = end.seconds if end else None
    return (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(first.at)),
        first.environment,
        first.verb,
        (first.actor or {}).get("name", "-"),
        short(first.before),
        short(end.after if end else None),
        item.outcome,
        f"{seconds:.1f} s" if seconds is not None else "-",
        _log(item),
        _why(first, end) if end else "",
    )


def details(record: Iterable[RecordEntry]) -> Iterator[str]:
    """The steps of a change with their reasons, and the facts that it found before: for people."""
    for entry in record:
        if entry.event == "before" and entry.observed:
            yield from _observed(entry.observed)
        elif entry.event == "step" and entry.state == "done":
            yield output.line(str(entry.title), entry.seconds or 0.0, entry.remark or "")
            yield f"      {entry.reason or 'no reason is on record'}"
        elif entry.event == "failed":
            yield f"  {entry.title}: failed: {entry.message}"
        elif entry.event == "revert":
            yield "  revert:"


def _observed(facts: Mapping[str, Any]) -> Iterator[str]:
    """The facts that most plans depend on."""
    answers = facts.get("answers") or {}
    yield (
        f"  found: service {facts.get('service')}, socket {facts.get('socket')} on {facts.get('listen')},"
        f" {facts.get('runs') or 'no release'} runs, {facts.get('current') or 'none'} is active"
    )
    if answers:
        yield f"         it answers as {answers.get('release')}, ready: {answers.get('ready')}"


def _why(first: Line, end: Line) -> str:
    """The reason of an outcome, or the effect of a change, if that is not plain from the verb."""
    if end.reason:
        return end.reason
    more = [f"from {first.promoted}"] if first.promoted else []
    more += [f"without a proof of CI: {first.override}"] if first.override else []
    if more:
        return "; ".join(more)
    if end.redacted:
        return f"position {end.redacted.position}: {end.redacted.because}"
    return "its data was deleted" if end.deleted else ""


def _log(item: Change) -> str:
    """The log that a backup took, a restore brought or a removal deleted: its length and head."""
    if item.end and item.end.head is not None:
        return f"{item.end.position}-{item.end.head[:12]}"
    return item.first.goal or "" if item.first.verb == "restore" else ""
