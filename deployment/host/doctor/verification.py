"""`make verify` on the node's side: the audit's chain, and each event log against every head in the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..event_log import log_commands, recorded_heads
from ..event_log.recorded_heads import RecordedHead
from ..node.wire import Wire
from ..records import audit
from ..releases import releases
from ..values.answers import VerifiedLog
from ..values.errors import HostError
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.question import Question
from ..values.shapes import plain


def verify(wire: Wire, question: Question) -> None:
    """Answer with what was verified."""
    lines = audit.read(question.layout)
    known = question.known
    wire.say(
        "result",
        outcome="done",
        audit={
            "length": len(lines),
            "first_bad": audit.first_bad(lines),
            "head": lines[-1].get("hash") if lines else None,
            "known": lines[known - 1].get("hash") if known and known <= len(lines) else None,
        },
        environments=[plain(_verified(environment, lines)) for environment in question.environments],
    )


def _verified(environment: Environment, lines: Sequence[Mapping[str, Any]]) -> VerifiedLog:
    heads = recorded_heads.recorded_heads(lines, environment)
    result = VerifiedLog(environment.name, len(heads), position=None, head=None, problem=None)
    release = releases.read_manifest(environment, releases.current(environment))
    if release is None:
        return replace(result, problem="no release is there to read its event log" if heads else None)
    try:
        return _compared(result, environment, release, heads)
    except HostError as error:
        return replace(result, problem=error.message)


def _compared(
    result: VerifiedLog, environment: Environment, release: Manifest, heads: list[RecordedHead]
) -> VerifiedLog:
    """Add the end of the log, and its first fault."""
    flaw = log_commands.flaw(environment, release, log_commands.path_of(release))
    log, hashes = log_commands.hashes(environment, release, {head.position for head in heads})
    missing = recorded_heads.first_missing(heads, hashes)
    if missing and flaw is None:
        head, digest = missing
        there = f"has {digest[:16]}" if digest else "ends before it"
        flaw = (
            f"line {head.line} of the audit recorded position {head.position} as {head.hash[:16]};"
            f" the log {there}"
        )
    return replace(result, position=log.length, head=log.head, problem=flaw)
