"""A redaction is done by the release's own program, and what became of the log is proven."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployment.host.apply import redaction
from deployment.host.apply.work import Work
from deployment.host.event_log import last_head, log_commands, redaction_notes
from deployment.host.node.run import run
from deployment.host.records import audit, record
from deployment.host.records.verified_releases import Place
from deployment.host.releases import releases
from deployment.host.values.desired import Unchanged
from deployment.host.values.errors import Refused, StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.log import Log
from deployment.host.values.request import Redaction
from deployment.settings import ROOT
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from tests.deployment.shelves import DEV
from tests.deployment.shelves import release as made

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORDER = Redaction(2, "a password", "Ada")
LINE = {"position": 2, "changed": [2], "at": 4, "length": 3, "old_head": "a" * 64, "new_head": "b" * 64}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A log of three messages, and this checkout as the release that reads it."""

    def as_me(argv: list[str], *, user: str, timeout: float, memory: int | None, **_: bool) -> str:
        assert user == "helionyx-dev"
        return run(argv, cwd=ROOT, timeout=timeout, memory=memory)

    monkeypatch.setattr(log_commands, "run", as_me)
    monkeypatch.setattr(releases, "command", lambda *words: [sys.executable, "-m", *words[2:]])
    layout = Layout(tmp_path)
    release = made(layout)
    models = str(layout.of("dev").data / "projections" / "helionyx.db")
    release = replace(release, config={**release.config, "projections_db_path": models})
    say(log_commands.path_of(release), "before", "it is hunter2", "after")
    log = log_commands.head(layout.of("dev"), release)[0]
    wanted = Unchanged(environment=DEV, release=release, redaction=ORDER)
    return Work(layout.of("dev"), tmp_path, release, log, Place(deployed=False), wanted)


def say(place: Path, *texts: str) -> None:
    with closing(SqliteLog.open(place)) as log:
        for text in texts:
            log.append([new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "api"})])


def head(work: Work, at: int | None = None) -> tuple[Log, log_commands.At]:
    return log_commands.head(work.environment.layout.of("dev"), work.chosen, at=at)


def note_backup(work: Work, position: int, environment: str = "dev") -> None:
    made = {"verb": "backup", "outcome": "done", "actor": {"name": "Ada"}}
    audit.append(work.environment.layout, event="end", environment=environment, position=position, **made)


def test_words_go_and_what_still_holds_them_is_named(work: Work) -> None:
    """Archived logs and backups that reach so far, and no others."""
    kept = work.environment.layout.of("dev").archived_logs
    for name in ("3-aaaaaaaaaaaa", "9-bbbbbbbbbbbb"):
        (kept / name).mkdir(parents=True)
    content = (log_commands.path_of(work.chosen) / "events.db").read_bytes()
    (kept / "3-aaaaaaaaaaaa" / "events.db").write_bytes(content)
    say(kept / "9-bbbbbbbbbbbb", "another log")
    for backup in ((1, "dev"), (3, "dev"), (3, "live")):
        note_backup(work, *backup)
    old, remark = head(work)[0], redaction.carry_out(work)
    assert remark == "1 event changed, noted at position 4"
    facts = work.facts
    assert (facts["position"], facts["changed"], facts["at"], facts["length"]) == (2, [2], 4, 3)
    assert (facts["old_head"], facts["new_head"]) == (old.head, head(work, 3)[1].hash)
    assert redaction.log_of(facts) == Log(4, head(work)[0].head)
    assert facts["archived"] == [str(kept / "3-aaaaaaaaaaaa")]
    assert [(item["position"], item["by"]) for item in facts["backups"]] == [(3, "Ada")]
    assert b"hunter2" not in (log_commands.path_of(work.chosen) / "events.db").read_bytes()


def test_attempt_after_one_that_was_killed_proves_what_that_did(work: Work) -> None:
    """Forward, though the head from before is in the chain no more, and back, for the audit."""
    request = {"verb": "redact", "environment": "dev", "actor": {"name": "Ada"}, "position": 2, "reason": "x"}
    transaction = record.create(work.environment.layout, request)
    transaction.write("step", state="begin", verb="redact-log", title="redact log")
    redaction.recover(work.environment.layout.of("dev"), work.chosen, transaction)
    assert redaction.facts_of(transaction) is None
    redaction.carry_out(work)
    again = replace(work, facts={})
    redaction.carry_out(again)
    assert (again.facts, again.doubts) == (work.facts, [])
    redaction.recover(work.environment.layout.of("dev"), work.chosen, transaction)
    assert {**(redaction.facts_of(transaction) or {}), "elsewhere": []} == work.facts
    assert redaction.audited_of(transaction)["redacted"]["new_head"] == work.facts["new_head"]


def test_redaction_by_hand_is_warned_about(work: Work) -> None:
    """Whoever can write the log can change more than it notes, and the old log is gone."""
    last_head.write(work.environment.layout.of("dev"), head(work)[0])
    redaction._ask(work.environment.layout.of("dev"), work.chosen, ORDER)
    redaction.carry_out(work)
    (doubt,) = work.doubts
    assert doubt.startswith("event 2 was redacted, but not by this node: ")


def test_log_that_was_changed_before_is_not_redacted(work: Work) -> None:
    """The old head of the note would be that of a history which nobody has seen."""
    changed = replace(work, log=Log(3, "0" * 64))
    with pytest.raises(StepFailed, match="the event log's history changed"):
        redaction.carry_out(changed)
    assert b"hunter2" in (log_commands.path_of(work.chosen) / "events.db").read_bytes()


@pytest.mark.parametrize("what", ["front", "old_head", "new_head"])
def test_program_that_changes_anything_else_fails(
    work: Work, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Records in front of the event must stay, and the note must name the old head."""
    asked, head_before = redaction._ask, head(work)[0]

    def careless(*words: Any, **more: Any) -> redaction.Effect:
        if "--plan" in words:
            return asked(*words, **more)
        if what == "front":
            place = log_commands.path_of(work.chosen)
            (place / "events.db").unlink()
            say(place, "other", "it is hunter2", "after")
        claims: Any = {"old_head": head_before.head} if what == "front" else {what: "0" * 64}
        return replace(asked(*words, **more), **claims)

    monkeypatch.setattr(redaction, "_ask", careless)
    with pytest.raises(StepFailed, match="failed verification: position"):
        redaction.carry_out(work)


def test_what_the_program_refuses_is_refused_beforehand(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own words, with nothing touched; and a release that cannot redact is named."""
    monkeypatch.setattr(redaction, "refuse_nobody", lambda _: None)
    order = Redaction(9, "-why", "-Ada")
    with pytest.raises(Refused, match="is too old: it cannot redact an event"):
        redaction.look_up(work.environment.layout.of("dev"), work.chosen, order)
    able = replace(work.chosen, log={"reads": {"EventRedacted": [1]}})
    with pytest.raises(Refused) as refusal:
        redaction.look_up(work.environment.layout.of("dev"), able, order)
    assert refusal.value.message == "there is no event at position 9: the log ends at 3."
    assert "shows the positions" in refusal.value.hint


def test_log_that_nobody_can_read_is_refused_soon(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe in place of a file of the log keeps whatever opens it: the look has a limit of seconds."""
    monkeypatch.setattr(redaction, "refuse_nobody", lambda _: None)
    monkeypatch.setattr(log_commands, "LOOK", 0.2)
    waits = [sys.executable, "-IS", "-c", "import sys; sys.stdin.read(); import signal; signal.pause()"]
    monkeypatch.setattr(releases, "command", lambda *words: [*waits, *words[2:]])
    able = replace(work.chosen, log={"reads": {"EventRedacted": [1]}})
    order = Redaction(2, "why", "Ada")
    with pytest.raises(Refused, match=r"no end after 0\.2 s: .* head"):
        redaction.look_up(work.environment.layout.of("dev"), able, order)


def test_audit_knows_of_it_however_the_transaction_ended(work: Work) -> None:
    """Both heads, the position and the reason; nothing where none was done."""
    request = {"verb": "redact", "environment": "dev", "actor": {"name": "Ada"}, "reason": "a password"}
    transaction = record.create(work.environment.layout, request)
    assert redaction.audited_of(transaction) == {}
    transaction.write("step", state="begin", verb="redact-log", title="redact log")
    assert redaction.audited_of(transaction) == {}
    facts = {**LINE, "elsewhere": [], "archived": []}
    transaction.write("step", state="done", verb="redact-log", title="redact log", facts=facts)
    assert redaction.audited_of(transaction) == {"redacted": {**LINE, "because": "a password"}}


def line(environment: str = "dev", **more: Any) -> dict[str, Any]:
    return {"environment": environment, "verb": "redact", "redacted": {**LINE, **more}}


def restored(wanted: str, outcome: str, transaction: str = "t1") -> list[dict[str, Any]]:
    """The two lines of a restore in the audit."""
    common = {"environment": "dev", "verb": "restore", "transaction": transaction}
    return [{**common, "event": "start", "wanted": wanted}, {**common, "event": "end", "outcome": outcome}]


@pytest.mark.parametrize(
    ("lines", "unaudited"),
    [
        ([], [4]),
        ([line()], []),
        ([line("live")], []),
        ([line(new_head="c" * 64)], [4]),
        ([line(old_head="c" * 64)], [4]),
        ([line(at=5)], [4]),
        ([{"environment": "dev", "verb": "restore", "wanted": "4-ffffffffffff"}], []),
        ([{"environment": "dev", "verb": "restore", "wanted": "3-ffffffffffff"}], [4]),
        ([{"environment": "live", "verb": "restore", "wanted": "9-ffffffffffff"}], [4]),
        (restored("9-ffffffffffff", "done"), []),
        (restored("9-ffffffffffff", "hands"), []),
        (restored("9-ffffffffffff", "failed"), [4]),
        ([*restored("9-ffffffffffff", "done", "t1"), *restored("3-ffffffffffff", "failed", "t2")], []),
    ],
)
def test_redaction_that_no_transaction_has_done_is_found(
    lines: list[dict[str, Any]], unaudited: list[int]
) -> None:
    """A note counts where the audit has the same heads, and where it came with a log that was restored."""
    assert redaction_notes.unaudited(lines, DEV, [LINE]) == unaudited


@pytest.mark.parametrize(
    ("lines", "notes", "undone"),
    [
        ([line()], [LINE], []),
        ([line()], [], [2]),
        ([line(), {"environment": "dev", "deleted": True}], [], []),
        ([line("live")], [], []),
        ([line(position=9)], [], []),
    ],
)
def test_words_that_a_log_from_before_brings_back_are_named(
    lines: list[dict[str, Any]], notes: list[dict[str, Any]], undone: list[int]
) -> None:
    """Unless all of the data was deleted since then, or the log does not reach so far."""
    assert redaction_notes.undone(lines, Environment("dev"), notes, 3) == undone
