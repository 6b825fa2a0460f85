"""`make doctor` and the event log: what cannot be read, what is damaged, what only a process has."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from deployment.host.doctor import condition, log_look
from deployment.host.doctor.directory_check import Directory
from deployment.host.doctor.log_check import Chain
from deployment.host.doctor.log_look import DAMAGED
from deployment.host.event_log import deleted
from deployment.host.node.run import run
from deployment.host.records import audit
from deployment.host.values.check import BAD, WARN
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Environment, Layout
from deployment.host.values.observed import Observed
from tests.deployment.conftest import not_ok
from tests.deployment.host.doctor.test_doctor_node import DEV, HELD
from tests.deployment.shelves import release


def test_directory_of_a_log_that_only_a_process_has_is_not_made_anew() -> None:
    """A restart would begin an empty log in it, and end the one that the process holds."""
    missing = Directory("/s", "0700 helionyx-dev", None)
    lost = Chain(problem="x", there=False, claimed=4, pid=812, store="/s", deleted=HELD)
    found = list(condition.judge(replace(DEV, directories=(missing,), chain=lost)))
    assert [item[:2] for item in not_ok(found)] == [("event log", BAD)]
    mend = next(item.mend for item in found if item.mend)
    assert mend.startswith("do not restart")
    assert (
        mend.index("=+sys_ptrace -- cat /proc/812/fd/8 > /root/events-dev/e.db-wal")
        < mend.index("e.db;")
        < mend.index("make stop")
    )


@pytest.mark.parametrize(
    "chain", [Chain(9, 4, store="/s"), Chain(problem="no log", damaged=True, store="/s")]
)
def test_damaged_log_gives_way_to_a_backup_and_is_kept(chain: Chain) -> None:
    """And of no other: of one that cannot be read it would be no mend."""
    (mend,) = (item.mend for item in condition.judge(replace(DEV, chain=chain)) if item.mend)
    assert mend.startswith("make restore ENV=dev BACKUP=file")
    other = replace(DEV, chain=replace(chain, first_bad=None, problem="no Python", damaged=False))
    assert not any("make restore" in item.mend for item in condition.judge(other))


@pytest.mark.parametrize(
    ("error", "problem", "damaged"),
    [
        (
            StepFailed("exit code 1", details=("Traceback:", '  File "x"', "KeyError: 'y'")),
            "KeyError: 'y'",
            False,
        ),
        (
            StepFailed("exit code 1", details=("/e cannot be read", f"  hint: {DAMAGED}")),
            "/e cannot be read",
            True,
        ),
        (StepFailed("no end after 240 s: x"), "no end after 240 s: x", False),
    ],
)
def test_why_a_log_was_not_read_is_in_the_last_line(
    monkeypatch: pytest.MonkeyPatch, error: StepFailed, problem: str, damaged: bool
) -> None:
    """Where an exception is named; only damage is damage."""

    def trip(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr(log_look, "run", trip)
    found = log_look._verified(Chain(), [], Environment("dev"))
    assert (found.problem, found.damaged, found.late) == (problem, damaged, False)


def test_time_limit_is_known_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is long is not one that is damaged."""
    monkeypatch.setattr(log_look, "VERIFYING", 0.1)
    monkeypatch.setattr(log_look, "run", lambda argv, timeout, **_: run(argv, timeout=timeout))
    assert log_look._verified(Chain(), ["sleep", "5"], Environment("dev")).late


def test_length_that_the_process_tells_is_compared(layout: Layout) -> None:
    """A process that tells more than the file holds writes into a file that no directory has."""
    found = release(layout)
    answers = {"log": {"length": 5, "head": "a" * 64, "holds": {}}}
    chain = log_look.look(layout.of("dev"), found, Observed(answers=answers), readable=False)
    assert chain.claimed == 5
    assert log_look.look(layout.of("dev"), found, Observed(), readable=False).claimed is None


def test_deleted_files_of_a_process_are_found(tmp_path: Path) -> None:
    """Those of the log alone: commands are made of their names, and of none that a service has chosen."""
    store = tmp_path / "events"
    store.mkdir()
    names = [
        store / "events.db",
        store / "events.db-wal",
        store / "events.db; true",
        tmp_path / "other.db",
        store / "there.db",
    ]
    opened = [path.open("w+b") for path in names]
    numbers = [file.fileno() for file in opened]
    try:
        for path in names[:-1]:
            path.unlink()
        found = {held.name: held.path for held in deleted.held(os.getpid(), store)}
    finally:
        for file in opened:
            file.close()
    assert found == {
        path.name: f"/proc/{os.getpid()}/fd/{number}"
        for path, number in zip(names[:2], numbers, strict=False)
    }


def test_redactions_are_compared_with_the_audit() -> None:
    """A redaction that no transaction has done is bad; words brought back are a warning with the remedy."""
    chain = Chain(9, store="/s", unaudited=(7,), undone=(3,))
    found = not_ok(list(condition.judge(replace(DEV, chain=chain))))
    assert [item[:2] for item in found] == [("redaction", BAD), ("redaction", WARN)]
    mends = [item.mend for item in condition.judge(replace(DEV, chain=chain)) if item.mend]
    assert mends[0].startswith("find out who did; make restore ENV=dev BACKUP=file")
    assert mends[1] == "make redact ENV=dev POSITION=3 REASON=..."


def test_notes_of_redactions_come_from_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without notes in the log, redactions are undone; from a release without redactions nothing follows."""
    note = {"position": 2, "at": 4, "old_head": "a", "new_head": "b"}
    known = {"environment": "dev", "redacted": {**note, "position": 1}}
    monkeypatch.setattr(audit, "read", lambda _: [known])
    dev = Layout(tmp_path).of("dev")
    for notes, unaudited, undone in (([note], (4,), (1,)), ([], (), (1,)), (None, (), ())):
        compared = log_look._compared(Chain(9, notes=notes), dev)
        assert (compared.unaudited, compared.undone) == (unaudited, undone)


def test_contradiction_in_a_log_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though every hash in it is right."""
    said = '{"ok": false, "position": 4, "first_bad_position": null, "problem": "it is marked"}'

    def fail(*_: object, **__: object) -> str:
        raise StepFailed("exit code 1", details=(said,))

    monkeypatch.setattr(log_look, "run", fail)
    found = log_look._verified(Chain(), [], Environment("dev"))
    assert (found.problem, found.damaged, found.length) == ("it is marked", True, 4)
