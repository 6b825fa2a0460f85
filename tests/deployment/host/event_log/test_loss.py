"""A lost or replaced event log is recognised; the node keeps the last known head."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.event_log import archived_logs, last_head, log_commands, loss
from deployment.host.event_log.loss import Facts, judge
from deployment.host.records import audit
from deployment.host.releases import releases
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.log import Log
from services.event_log.last_head import LastHead
from services.event_log.summary import Head
from tests.deployment.shelves import NEW, OLD, release

STORE = Path("/var/lib/helionyx/dev/events")
WHOLE = Facts(Environment("dev"), STORE, OLD, length=12, hash=OLD.head, came_up=True)
MOVED = Path("/var/lib/helionyx/dev/log")


GONE = replace(WHOLE, length=None, hash=None, missing=True)
SHORT = replace(WHOLE, length=8, hash=None)


@pytest.mark.parametrize(
    ("facts", "text", "hint"),
    [
        (GONE, f"there is no event log in {STORE}, and it ended at position 9.", "BACKUP=empty"),
        (replace(GONE, known=None), f"there is no event log in {STORE}.", "BACKUP=file"),
        (replace(GONE, deployed=False), "there is no event log in", "DATA=delete"),
        (SHORT, f"the event log in {STORE} ends at position 8, and had 9.", "mount it"),
        (
            replace(WHOLE, hash="a" * 64),
            f"{STORE} has another event log: position 9 was ffffffffffffffff, and is aaaaaaaaaaaaaaaa.",
            "BACKUP=file",
        ),
        (replace(WHOLE, deleted=True, pid=7), "process 7 still holds the event log of dev", "make doctor"),
        (
            replace(GONE, store=MOVED, before=STORE),
            f"EVENT_STORE_PATH changed from {STORE} to {MOVED}, and no event log is there.",
            f"as root on the node: runuser -u helionyx-dev -- mv -T {STORE} {MOVED}; then try again",
        ),
        (
            replace(SHORT, store=MOVED, before=STORE),
            f"EVENT_STORE_PATH changed, and the event log in {MOVED} ends at position 8",
            "mount it",
        ),
    ],
)
def test_what_has_become_of_it_and_what_to_do(facts: Facts, text: str, hint: str) -> None:
    """Each way to be gone in a sentence of its own."""
    lost = judge(facts)
    assert lost is not None
    assert lost.text.startswith(text)
    assert hint in lost.hint
    assert lost.held == facts.deleted


@pytest.mark.parametrize(
    "facts",
    [
        WHOLE,
        replace(WHOLE, length=None, hash=None),
        replace(WHOLE, known=None, came_up=False, missing=True),
        replace(WHOLE, known=None),
    ],
    ids=["has its head", "unreadable", "never deployed", "of an earlier version"],
)
def test_what_is_not_lost(facts: Facts) -> None:
    """An unreadable log is reported elsewhere; a log of which nothing is known is accepted."""
    assert judge(facts) is None


def test_the_log_on_the_disk_is_read_whatever_the_process_answers(layout: Layout) -> None:
    """The log of 9 events lies there; one that was longer is gone."""
    made = release(layout)
    assert loss.look(layout.of("dev"), made, made, OLD, 7, None) is None
    lost = loss.look(layout.of("dev"), made, made, Log(30, "b" * 64), 7, None)
    assert lost is not None
    assert "ends at position 9, and had 30" in lost.text


@pytest.mark.parametrize(
    ("audited", "asked", "excused"),
    [(False, None, False), (True, None, True), (False, 3, True), (False, 2, False)],
)
def test_a_redaction_in_the_log_excuses_another_history_only_if_root_knows_of_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, audited: bool, asked: int | None, excused: bool
) -> None:
    """Whoever can write the log can note a redaction in it: the audit has it, or a person asks for it now."""
    made, known = release(layout), Log(5, "c" * 64)
    note = {"position": 3, "at": 6, "old_head": known.head, "new_head": "d" * 64}
    monkeypatch.setattr(log_commands, "ask", lambda *_, **__: {"redactions": [note]})
    if audited:
        audit.append(layout, environment="dev", redacted=note)
    assert (loss.look(layout.of("dev"), made, made, known, 0, None, asked) is None) == excused


@pytest.mark.parametrize("target", ["events.db", "nowhere", "file/events.db"])
def test_link_that_leads_nowhere_is_no_log(tmp_path: Path, target: str) -> None:
    """The service can put one there, such as one to itself: `stop` and `status` have to work all the same."""
    (tmp_path / "file").write_text("")
    (tmp_path / "events.db").symlink_to(target)
    assert loss._is_missing(tmp_path)


def test_a_changed_path_is_compared_with_the_log_in_the_old_place(layout: Layout) -> None:
    """A copy that was made a while ago is not the log, whatever the node knew at the last change."""
    made = release(layout)
    moved = replace(
        made, config={**made.config, "event_store_path": str(layout.of("dev").archived_logs / ".next")}
    )
    lost = loss.look(layout.of("dev"), made, moved, NEW, 0, None)
    assert lost is not None
    assert "ends at position 5, and had 9" in lost.text
    (layout.of("dev").data / "events" / "events.db").write_text(f"{NEW.length} {NEW.head}")
    assert loss.look(layout.of("dev"), made, moved, NEW, 0, None) is None


def test_service_and_node_read_each_others_files(layout: Layout) -> None:
    """Both use one format; a damaged file still proves that there was a log."""
    assert last_head.read(layout.of("dev")) is None
    last_head.write(layout.of("dev"), OLD)
    path = layout.of("dev").last_head
    assert LastHead(path).read() == Head(9, OLD.head)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o644, 0o755)
    LastHead(path).write(Head(5, NEW.head))
    assert last_head.read(layout.of("dev")) == NEW
    path.write_text("{")
    assert last_head.read(layout.of("dev")) == Log(0, "0" * 64)
    last_head.forget(layout.of("dev"))
    assert last_head.read(layout.of("dev")) is None
    assert last_head.beside(release(layout)) == layout.of("dev").data / "events.head"


@pytest.mark.parametrize(
    ("outcome", "audited"), [("done", True), ("failed", True), ("refused", False), ("hands", False)]
)
def test_head_that_root_knows_is_in_the_audit(layout: Layout, outcome: str, audited: bool) -> None:
    """Also after a change that was taken back: that has verified the log, and written its head down."""
    last_head.write(layout.of("dev"), OLD)
    assert loss.reached(layout.of("dev"), "deploy", outcome) == (OLD if audited else None)


def test_a_switch_forgets_the_heads(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's and the service's: whichever log a power cut leaves is the one."""
    made = release(layout)
    made = replace(made, config={**made.config, "projections_db_path": "/nowhere/helionyx.db"})
    removed: list[str] = []
    monkeypatch.setattr(releases, "manifests", lambda *_: [made])
    monkeypatch.setattr(last_head, "run", lambda argv, **_: removed.extend(argv))
    last_head.write(layout.of("dev"), OLD)
    last_head.beside(made).touch()
    archived_logs.switch(layout.of("dev"), made, "9-ffffffffffff")
    assert last_head.read(layout.of("dev")) is None
    assert removed == ["rm", "--force", "--", str(last_head.beside(made))]


def test_log_that_nobody_can_look_at_may_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a dead mount, for one: `stop` has to work all the same."""

    def dead(path: Path) -> os.stat_result:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", str(path))

    monkeypatch.setattr(Path, "stat", dead)
    assert not loss._is_missing(STORE)
