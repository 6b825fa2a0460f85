"""Replacing the words of an event, by the release's own program: the one sanctioned change of history.

The program makes the chain anew and appends the note of it. Here it is proven that it did that and nothing
else, and what else on the node holds the words is found.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from ..event_log import last_head, log_commands, read_models, redaction_notes
from ..node import systemd
from ..observe.directories import refuse_nobody
from ..records import audit
from ..records.record import Transaction
from ..releases import releases
from ..values.errors import Refused, StepFailed
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.request import Redaction, ResolvedRequest
from ..values.words import count
from . import verify
from .work import Work

STEP = "redact-log"
AUDITED = ("position", "changed", "at", "length", "old_head", "new_head")  # the audit's fields of one


@dataclass(frozen=True)
class Effect:
    """The effect of a redaction on a log, as the release's program reports it."""

    position: int
    changed: tuple[int, ...]  # the positions of the events whose words are replaced
    elsewhere: tuple[int, ...]  # those of other events that repeat the words
    at: int | None  # the position of the note; None where the redaction was only planned
    length: int | None = None  # of the log in front of the note, where both heads lie
    old_head: str | None = None
    new_head: str | None = None

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Self:
        """Read the answer of the program."""
        members = {item.name: answer[item.name] for item in fields(cls)}
        positions = {key: tuple(map(int, answer[key])) for key in ("changed", "elsewhere")}
        return cls(**{**members, **positions})

    @property
    def first(self) -> int:
        """The first position that changes."""
        return min(self.changed)

    def to_json(self) -> dict[str, Any]:
        """The effect for the record and the audit."""
        return {**vars(self), "changed": list(self.changed), "elsewhere": list(self.elsewhere)}


def look_up(environment: Environment, release: Manifest, order: Redaction) -> tuple[Effect, bool, bool]:
    """The effect of a redaction, whether it is on record already, and whether the service runs.

    Raises `Refused`.
    """
    name = environment.name
    if redaction_notes.NOTE not in release.log.get("reads", {}):
        raise Refused(
            f"release {release.id} of {name} is too old: it cannot redact an event.",
            f"make deploy ENV={name}",
        )
    refuse_nobody(environment)
    log_commands.refuse_missing(release)
    try:
        log_commands.head(environment, release)  # a log that nobody can read shows within seconds
        planned = _ask(environment, release, order, "--plan")
    except StepFailed as error:
        raise Refused(*_words(error)) from error
    units = systemd.show([environment.service, environment.socket])
    lines = audit.read(environment.layout)
    is_noted = planned.at is not None and redaction_notes.is_audited(lines, vars(planned))
    is_running = any(unit.active not in ("inactive", "failed") for unit in units.values())
    return planned, is_noted, is_running


def carry_out(work: Work, *_: str) -> str:
    """Redact the requested event, verify the log, and report what else holds the words.

    Once it was done, by an attempt that was killed, it is only proven again. Raises `StepFailed`.
    """
    order = work.desired.redaction
    assert order is not None, "a plan that redacts is about an event"
    environment, release = work.environment, work.chosen
    planned = _ask(environment, release, order, "--plan")
    data = environment.data
    for known in releases.manifests(environment):  # each may have read models elsewhere
        read_models.remove(environment, read_models.directory(known), read_models.present(known, data))
    if planned.at is None:
        planned = _redacted(work, order, planned.first)
    elif last_head.read(environment) == Log(planned.length or 0, planned.old_head or ""):
        work.doubts.append(
            f"event {order.position} was redacted, but not by this node: nobody can tell what else was"
            f" changed in the events up to {planned.length}; compare them with a backup"
        )
    facts, end = _proven(environment, release, order, planned)
    work.facts.update(facts)
    last_head.write(environment, end)  # also that of an earlier redaction which is not in the audit
    return f"{count(len(planned.changed))} changed, noted at position {planned.at}"


def _redacted(work: Work, order: Redaction, first: int) -> Effect:
    """Have the release redact an event; return its answer. `first` is the first position that changes."""
    environment, release = work.environment, work.chosen
    before = verify.read(environment, release, work.log)
    _refuse_full_disk(log_commands.path_of(release))
    front = log_commands.head(environment, release, at=first - 1)[1]
    # The log has this head before and after: whatever cuts this short leaves one that is known.
    last_head.write(environment, Log(first - 1, str(front.hash)))
    answer = _ask(environment, release, order)
    _refuse_another_history(environment, release, answer, before, front)
    return answer


def recover(environment: Environment, release: Manifest | None, transaction: Transaction) -> None:
    """Note the result of a redaction whose step failed or was cut short, if the log shows that it was done.

    Raises `StepFailed` where that cannot be proven.
    """
    started = any(entry["verb"] == STEP for entry in transaction.entries("step"))
    if release is None or not started or facts_of(transaction) is not None:
        return
    order = ResolvedRequest.parse(transaction.request, environment.layout).redaction
    planned = _ask(environment, release, order, "--plan")
    if planned.at is not None:
        facts, _ = _proven(environment, release, order, planned)
        done = {"verb": STEP, "target": [], "title": "redact log", "seconds": 0.0, "remark": ""}
        transaction.write("step", state="done", facts=facts, **done)


def facts_of(transaction: Transaction) -> dict[str, Any] | None:
    """The result of a transaction's redaction; None where the transaction has redacted nothing."""
    steps = transaction.entries("step")
    facts = [entry["facts"] for entry in steps if entry["verb"] == STEP and entry["state"] == "done"]
    return facts[-1] if facts else None


def log_of(facts: Mapping[str, Any] | None) -> Log | None:
    """The log right after a redaction, with which any later log begins; None where nothing was redacted."""
    if facts is None:
        return None
    length, head = facts["end"]
    return Log(int(length), str(head))


def audited_of(transaction: Transaction) -> dict[str, Any]:
    """The audit's fields for a transaction that has redacted, however it ended: why history was changed."""
    facts = facts_of(transaction)
    if facts is None:
        return {}
    return {"redacted": {**{key: facts[key] for key in AUDITED}, "because": transaction.request["reason"]}}


def _ask(
    environment: Environment,
    release: Manifest,
    order: Redaction,
    *more: str,
    store: Path | None = None,
) -> Effect:
    """Ask the release's program about the event in the log that it uses, or in the log in `store`."""
    log, models = store or log_commands.path_of(release), release.config["projections_db_path"]
    places = ("--store", str(log), "--file", str(models))
    event = (f"--by={order.by}", "--", str(order.position), order.reason)
    words = ("services.event_log", "redact", *more, *places, *event)
    return Effect.parse(log_commands.ask(environment, release, *words, timeout=log_commands.LONG))


def _refuse_another_history(
    environment: Environment,
    release: Manifest,
    effect: Effect,
    before: Log,
    front: log_commands.At,
) -> None:
    """Raise `StepFailed` unless the old head was the head, and all in front of the event is as it was."""
    first = effect.first
    again = log_commands.head(environment, release, at=first - 1)[1]
    if again.hash != front.hash:
        changed = f"position {first - 1} had {str(front.hash)[:16]} before, and now {str(again.hash)[:16]}"
        raise _not_that(environment, changed)
    if (effect.length, effect.old_head) != (before.length, before.head):
        raise _not_that(environment, f"position {before.length} had another head before")


def _proven(
    environment: Environment, release: Manifest, order: Redaction, effect: Effect
) -> tuple[dict[str, Any], Log]:
    """The facts for the record and the end of the log, once that is whole and has the new head.

    Raises `StepFailed`.
    """
    after, new = log_commands.head(environment, release, at=effect.length)
    problem = log_commands.flaw(environment, release, log_commands.path_of(release))
    if problem is None and new.hash != effect.new_head:
        problem = f"position {effect.length} has not the new head {str(effect.new_head)[:16]}"
    if problem is not None:
        raise _not_that(environment, problem)
    lines = audit.read(environment.layout)
    facts = {
        **effect.to_json(),
        "end": [after.length, after.head],
        "archived": list(_archived(environment, release, order, effect.first)),
        "backups": list(redaction_notes.backups(lines, environment, effect.first)),
    }
    return facts, after


def _not_that(environment: Environment, problem: str) -> StepFailed:
    return StepFailed(
        f"the redaction of {environment.name} failed verification: {problem}.",
        f"keep {environment.data} as it is, and look at it before anything else",
    )


def _archived(environment: Environment, release: Manifest, order: Redaction, first: int) -> Iterable[str]:
    """The archived logs that hold the words: the same log in front of the event, and not redacted there."""
    front = log_commands.head(environment, release, at=first - 1)[1].hash
    for name in log_commands.archived(environment):
        path = environment.archived_logs / name
        try:
            is_same = log_commands.head(environment, release, at=first - 1, store=path)[1].hash == front
        except StepFailed:  # nobody can tell
            yield str(path)
            continue
        if is_same and _has_words(environment, release, order, path):
            yield str(path)


def _has_words(environment: Environment, release: Manifest, order: Redaction, store: Path) -> bool:
    try:
        return _ask(environment, release, order, "--plan", store=store).at is None
    except StepFailed:  # the log is shorter, or has another event there
        return False


def _refuse_full_disk(store: Path) -> None:
    needed = (
        3 * (store / log_commands.LOG_FILE).lstat().st_size + log_commands.SPARE
    )  # the new log, and its -wal meanwhile
    free = shutil.disk_usage(store).free
    if free < needed:
        raise StepFailed(
            f"a redaction takes {needed / 1e6:.0f} MB, and {store} has {free / 1e6:.0f} MB left.", "free some"
        )


def _words(error: StepFailed) -> tuple[str, str]:
    """The message and the hint of the release's program."""
    lines = [line.strip() for line in error.details if line.strip()]
    hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
    messages = [line for line in lines if not line.startswith("hint: ")]
    return (f"{messages[-1]}." if messages else error.message), (hints[-1] if hints else error.hint)
