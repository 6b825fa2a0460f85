"""What a switch leaves that was cut short or taken back: every log is found by its name."""

from __future__ import annotations

import pytest

from deployment.host.doctor import status
from deployment.host.event_log import archived_logs, log_commands
from deployment.host.event_log.archive_notes import ArchiveNotes
from deployment.host.event_log.exchange import exchange
from deployment.host.node import systemd
from deployment.host.node.run import run
from deployment.host.records import record
from deployment.host.records.record import Transaction
from deployment.host.releases import releases
from deployment.host.transaction import recovery, transaction
from deployment.host.transaction.before import Before
from deployment.host.values.desired import Running
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from tests.deployment.shelves import DEV, NEW, OLD, aside, forward, places, release, resolved

RUNNING = Before.from_entry({"state": "running", "release": "r", "enabled": True})


@pytest.mark.parametrize(
    ("kept", "mine", "noted"),
    [
        ("", "5-aaaaaaaaaaaa.2", "5-aaaaaaaaaaaa"),
        ("5-aaaaaaaaaaaa", "5-aaaaaaaaaaaa", "5-aaaaaaaaaaaa.2"),
    ],
)
def test_damaged_log_of_the_same_head(layout: Layout, kept: str, mine: str, noted: str) -> None:
    """It has a name of its own, and the sound one that waits does not get that."""
    place = layout.of("dev").data / "events"
    (place / "events.db").write_text(f"5 {NEW.head} flawed")
    memory = aside(layout, kept)
    assert memory.name(forward(layout)) == noted
    memory.tidy(release(layout))
    assert not (layout.of("dev").archived_logs / mine / "events.db").read_text().endswith("flawed")
    place.rename(layout.of("dev").archived_logs / archived_logs.NEXT)
    (layout.of("dev").archived_logs / mine).rename(place)
    memory.tidy(release(layout))
    assert (layout.of("dev").archived_logs / noted / "events.db").read_text().endswith("flawed")
    assert list(places(layout)) == ["events", noted]


@pytest.mark.parametrize("dangling", [True, False])
def test_what_is_no_log_makes_room(layout: Layout, dangling: bool) -> None:
    """A link or a file that the service has put there leads nobody anywhere."""
    path = layout.of("dev").archived_logs / archived_logs.NEXT
    path.rename(layout.root / "elsewhere")
    path.symlink_to("/nowhere") if dangling else path.write_text("no log")
    aside(layout).tidy(release(layout))
    assert [found.name for found in layout.of("dev").archived_logs.iterdir()] == ["unreadable-t1"]
    assert log_commands.archived(layout.of("dev")) == ()


def _settled(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    monkeypatch.setattr(releases, "current", lambda *_: "")
    recovery.settle(layout.of("dev"), "tester")
    return places(layout)


def test_change_begins_with_giving_names(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that nobody could ask for by name is as good as lost."""
    assert "was left by a restore" in next(status._left(layout.of("dev")))
    assert _settled(layout, monkeypatch) == {"events": "9", "5-aaaaaaaaaaaa": "5"}
    assert archived_logs.find(layout.of("dev"), release(layout), "5-aaaaaaaaaaaa").length == 5
    assert list(status._left(layout.of("dev"))) == []


def test_log_of_a_lost_transaction_gets_the_name_that_was_noted(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By that it is brought back, whatever is asked for next."""
    known = {"kept": "5-aaaaaaaaaaaa.2", "length": 5, "head": NEW.head}
    lost = record.create(
        layout, {"verb": "restore", "environment": "dev", "actor": {"name": "tester"}, "log": known}
    )
    lost.write("attempt", number=1)
    monkeypatch.setattr(systemd, "is_alive", lambda _: True)
    assert archived_logs.NEXT in _settled(layout, monkeypatch)  # it goes on by itself
    monkeypatch.setattr(systemd, "is_alive", lambda _: False)
    assert _settled(layout, monkeypatch) == {"events": "9", "5-aaaaaaaaaaaa.2": "5"}


def test_way_back_begins_with_giving_names(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that was taken and could not be switched is where it was, also if the way back fails."""
    aside(layout, "5-aaaaaaaaaaaa.2")
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    log = {"kept": "5-aaaaaaaaaaaa.2", "length": 5, "head": NEW.head}
    mine, seen = Transaction("t1", layout), []

    def look(*_: object, **__: object) -> None:
        seen.append(log_commands.archived(layout.of("dev")))
        raise StepFailed("it cannot be looked at.")

    monkeypatch.setattr(transaction, "observe", look)
    change = transaction.Change(mine, resolved(layout, "restore", log=log))
    assert change._back(RUNNING) == "hands"
    assert seen == [("5-aaaaaaaaaaaa.2",)]


def test_result_names_the_log_of_before_though_the_switch_was_killed(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the step did not come to tell is on record."""
    memory = aside(layout)
    archived_logs.switch(layout.of("dev"), release(layout), memory.name(forward(layout)))
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    monkeypatch.setattr(releases, "current", lambda *_: "r")
    mine = Transaction("t1", layout)
    mine.write("attempt", number=1)
    log = {"length": 5, "head": NEW.head}
    change = transaction.Change(mine, resolved(layout, "restore", log=log))
    change._end("done", RUNNING, None)
    assert mine.result is not None
    assert mine.result["facts"] == {
        "kept": str(layout.of("dev").archived_logs / "9-ffffffffffff"),
        "newer": None,
    }


def _brought(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> ArchiveNotes:
    """The memory of a transaction that laid the new log down, and did not find it kept."""
    monkeypatch.setattr(archived_logs, "_as", lambda _, *argv: run(list(argv)))
    memory = aside(layout)
    memory.transaction.write("step", verb="install-log", state="done")
    return memory


@pytest.mark.parametrize(
    ("said", "left", "message"), [(0, [], ""), (2, ["7-bbbbbbbbbbbb"], "Messages recorded meanwhile")]
)
def test_brought_log_that_did_not_stay(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, said: int, left: list[str], message: str
) -> None:
    """It goes, unless something was said to it: then it is kept, and named."""
    memory = _brought(layout, monkeypatch)
    name, place = memory.name(forward(layout)), layout.of("dev").data / "events" / "events.db"
    archived_logs.switch(layout.of("dev"), release(layout), name)
    if said:
        place.write_text(f"{5 + said} {'b' * 64}")
    archived_logs.take(layout.of("dev"), release(layout), name, None)
    back = Running(environment=DEV, release=release(layout), log=OLD, archived=name, back=True)
    archived_logs.switch(layout.of("dev"), release(layout), memory.name(back))
    told = memory.clear(release(layout))
    assert places(layout) == {"events": "9", **{name: name[0] for name in left}}
    assert told.startswith(message)
    assert all(told.endswith(f"{layout.of('dev').archived_logs / name}.") for name in left)


@pytest.mark.parametrize("brought", [True, False])
def test_brought_log_that_was_not_switched(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, brought: bool
) -> None:
    """Its copy goes; one that somebody else has left does not."""
    memory = _brought(layout, monkeypatch)
    if not brought:
        memory.transaction.log.unlink()
    memory.name(forward(layout))
    memory.tidy(release(layout))
    memory.clear(release(layout))
    assert places(layout) == {"events": "9", **({} if brought else {"5-aaaaaaaaaaaa": "5"})}


def test_damaged_log_of_before_is_never_taken_for_the_copy(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it ends as that does."""
    path = layout.of("dev").data / "events"
    (path / "events.db").write_text(f"5 {NEW.head} flawed")
    memory = _brought(layout, monkeypatch)
    name = memory.name(forward(layout))
    exchange(layout.of("dev").data, path, layout.of("dev").archived_logs / archived_logs.NEXT)
    memory.tidy(release(layout))
    memory.clear(release(layout))
    assert (layout.of("dev").archived_logs / name / "events.db").read_text().endswith("flawed")


def test_brought_log_that_was_damaged_since_stays(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a sound copy is dropped: a damaged one is listed, so that somebody can look at it."""
    memory = _brought(layout, monkeypatch)
    memory.name(forward(layout))
    (layout.of("dev").archived_logs / archived_logs.NEXT / "events.db").write_text(f"5 {NEW.head} flawed")
    memory.tidy(release(layout))
    memory.clear(release(layout))
    assert places(layout) == {"events": "9", "5-aaaaaaaaaaaa": "5"}
