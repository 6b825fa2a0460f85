"""A switch that is cut short anywhere leaves both logs, and the next attempt knows which is which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployment.host import readmodels, record, releases, settling, shelf, status, store, systemd, transaction
from deployment.host.aside import Aside
from deployment.host.errors import StepFailed
from deployment.host.layout import Environment, Layout
from deployment.host.model import Log, Manifest, Wanted
from deployment.host.record import Transaction

DEV = Environment("dev")
OLD, NEW = Log(9, "f" * 64), Log(5, "a" * 64)


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A log in use, one that waits for its place, and a release that reads a log's name in a file."""
    layout = Layout(tmp_path)
    write(layout.data(DEV) / "events", OLD)
    write(layout.kept_logs(DEV) / shelf.NEXT, NEW)

    def head(*_: object, at: int | None = None, store: Path | None = None) -> tuple[Log, str | None]:
        words = ((store or layout.data(DEV) / "events") / "events.db").read_text().split()
        if words[0] == "damaged":
            raise StepFailed("it cannot be read.")
        return Log(int(words[0]), words[1]), {9: "f" * 64, 5: words[-1]}.get(at or 0)

    def flaw(_: object, __: object, ___: object, store: Path) -> str | None:
        return "a record is missing" if (store / "events.db").read_text().endswith("flawed") else None

    monkeypatch.setattr(store, "head", head)
    monkeypatch.setattr(store, "flaw", flaw)
    monkeypatch.setattr(releases, "manifests", lambda *_: [])
    monkeypatch.setattr(readmodels, "remove", lambda *_: None)
    return layout


def write(place: Path, log: Log | None) -> None:
    """Something that is read as that log; None for one that cannot be read."""
    place.mkdir(parents=True)
    (place / "events.db").write_text(f"{log.length} {log.head}" if log else "damaged")


def release(layout: Layout) -> Manifest:
    """What is deployed, as far as it matters here."""
    events = str(layout.data(DEV) / "events")
    texts: Any = dict.fromkeys(("commit", "subject", "python", "platform", "layer"), "")
    maps: Any = {"files": {}, "units": {}, "digests": {}}
    return Manifest("dev", dirty=False, config={"event_store_path": events}, **texts, **maps)


def places(layout: Layout) -> dict[str, str]:
    """Which log lies where."""
    found = {
        path.name: (path / "events.db").read_text().split()[0] for path in layout.kept_logs(DEV).iterdir()
    }
    return {"events": (layout.data(DEV) / "events" / "events.db").read_text().split()[0], **found}


def aside(layout: Layout, kept: str = "") -> Aside:
    """The memory of a transaction that brings `NEW`."""
    path = layout.root / "transaction"
    path.mkdir(exist_ok=True)
    (path / "request.json").write_text(f'{{"log": {{"kept": "{kept}"}}}}')
    return Aside(layout, DEV, Transaction("t1", path), NEW)


def forward(layout: Layout) -> Wanted:
    """The way to the new log."""
    return Wanted(DEV, "running", release(layout), log=NEW)


def test_logs_change_places(layout: Layout) -> None:
    """And the one of before is kept by its length and head."""
    name = aside(layout).name(forward(layout))
    shelf.switch(layout, DEV, release(layout), name)
    assert places(layout) == {"events": "5", "9-ffffffffffff": "9"}
    assert aside(layout).before() == (OLD, "9-ffffffffffff")


def test_name_that_is_kept_already_is_not_overwritten(layout: Layout) -> None:
    """The one of that name may be the sound one."""
    write(layout.kept_logs(DEV) / "9-ffffffffffff", None)
    shelf.switch(layout, DEV, release(layout), aside(layout).name(forward(layout)))
    assert places(layout) == {"events": "5", "9-ffffffffffff": "damaged", "9-ffffffffffff.2": "9"}


def test_only_logs_are_listed_as_kept(layout: Layout) -> None:
    """What else lies there says nothing, and a terminal is not shown what it is called."""
    shelf_ = layout.kept_logs(DEV)
    for name in ("9-ffffffffffff", "9-ffffffffffff.2", "unreadable-20260102T030405Z-dev-0a1b"):
        write(shelf_ / name, OLD)
    (shelf_ / "5-aaaaaaaaaaaa").write_text("a plain file")
    (shelf_ / "6-aaaaaaaaaaaa").symlink_to(shelf_ / "9-ffffffffffff")
    for name in ("\x1b[31mevil\nexit 0: done", "7-aaa", "9-ffffffffffff.old", "1-ffffffffffff\n"):
        (shelf_ / name).mkdir()
    kept = ("9-ffffffffffff", "9-ffffffffffff.2", "unreadable-20260102T030405Z-dev-0a1b")
    assert store.kept(layout, DEV) == kept
    assert shelf.free(layout, DEV, "5-aaaaaaaaaaaa") == "5-aaaaaaaaaaaa.2"


def test_log_that_is_gone_leaves_nothing_to_keep(layout: Layout) -> None:
    """The new one takes its place all the same."""
    (layout.data(DEV) / "events").rename(layout.root / "lost")
    shelf.switch(layout, DEV, release(layout), "0-000000000000")
    assert places(layout) == {"events": "5"}


@pytest.mark.parametrize("kept", ["", "5-aaaaaaaaaaaa.2"])
def test_cut_short_before_the_exchange(layout: Layout, kept: str) -> None:
    """What waited goes back to where it was kept, or is kept by its own name."""
    memory = aside(layout, kept)
    memory.name(forward(layout))
    memory.tidy(release(layout))
    assert places(layout) == {"events": "9", kept or "5-aaaaaaaaaaaa": "5"}


@pytest.mark.parametrize("old", [OLD, None])
def test_cut_short_after_the_exchange(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, old: Log | None
) -> None:
    """The log of before gets the name that was noted for it, also if it cannot be read."""
    (layout.data(DEV) / "events" / "events.db").write_text("9 " + "f" * 64 if old else "damaged")
    monkeypatch.setattr(store, "at_rest", lambda *_: old)
    memory = aside(layout)
    name = memory.name(forward(layout))
    with monkeypatch.context() as cut:
        cut.setattr(shelf, "move", _killed)
        with pytest.raises(KeyboardInterrupt):
            shelf.switch(layout, DEV, release(layout), name)
    assert places(layout)["events"] == "5"
    memory.tidy(release(layout))
    assert places(layout) == {"events": "5", name: "9" if old else "damaged"}
    assert memory.before()[1] == name == ("9-ffffffffffff" if old else "unreadable-t1")


def test_cut_short_on_the_way_back(layout: Layout) -> None:
    """The log of before, taken from where it was kept, goes there again; the way back begins anew."""
    memory = aside(layout)
    name = memory.name(forward(layout))
    shelf.switch(layout, DEV, release(layout), name)
    shelf.take(layout, DEV, release(layout), name, None)
    assert places(layout) == {"events": "5", shelf.NEXT: "9"}
    memory.tidy(release(layout))
    assert places(layout) == {"events": "5", name: "9"}


def test_what_another_transaction_left_is_kept_by_its_own_name(layout: Layout) -> None:
    """None is ever deleted."""
    Aside(layout, DEV, Transaction("t2", layout.root), None).tidy(release(layout))
    assert places(layout) == {"events": "9", "5-aaaaaaaaaaaa": "5"}


@pytest.mark.parametrize(
    ("kept", "mine", "noted"),
    [
        ("", "5-aaaaaaaaaaaa.2", "5-aaaaaaaaaaaa"),
        ("5-aaaaaaaaaaaa", "5-aaaaaaaaaaaa", "5-aaaaaaaaaaaa.2"),
    ],
)
def test_damaged_log_of_the_same_head(layout: Layout, kept: str, mine: str, noted: str) -> None:
    """It has a name of its own, and the sound one that waits does not get that."""
    place = layout.data(DEV) / "events"
    (place / "events.db").write_text(f"5 {NEW.head} flawed")
    memory = aside(layout, kept)
    assert memory.name(forward(layout)) == noted
    memory.tidy(release(layout))
    assert not (layout.kept_logs(DEV) / mine / "events.db").read_text().endswith("flawed")
    place.rename(layout.kept_logs(DEV) / shelf.NEXT)
    (layout.kept_logs(DEV) / mine).rename(place)
    memory.tidy(release(layout))
    assert (layout.kept_logs(DEV) / noted / "events.db").read_text().endswith("flawed")
    assert list(places(layout)) == ["events", noted]


@pytest.mark.parametrize("dangling", [True, False])
def test_what_is_no_log_makes_room(layout: Layout, dangling: bool) -> None:
    """A link or a file that the service has put there leads nobody anywhere."""
    path = layout.kept_logs(DEV) / shelf.NEXT
    path.rename(layout.root / "elsewhere")
    path.symlink_to("/nowhere") if dangling else path.write_text("no log")
    aside(layout).tidy(release(layout))
    assert [found.name for found in layout.kept_logs(DEV).iterdir()] == ["unreadable-t1"]
    assert store.kept(layout, DEV) == ()


def _settled(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    monkeypatch.setattr(releases, "current", lambda *_: "")
    settling.settle(layout, DEV, "tester")
    return places(layout)


def test_change_begins_with_giving_names(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that nobody could ask for by name is as good as lost."""
    assert "was left by a restore" in next(status._left(layout, DEV))
    assert _settled(layout, monkeypatch) == {"events": "9", "5-aaaaaaaaaaaa": "5"}
    assert shelf.find(layout, DEV, release(layout), "5-aaaaaaaaaaaa")["length"] == 5
    assert list(status._left(layout, DEV)) == []


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
    assert shelf.NEXT in _settled(layout, monkeypatch)  # it goes on by itself
    monkeypatch.setattr(systemd, "is_alive", lambda _: False)
    assert _settled(layout, monkeypatch) == {"events": "9", "5-aaaaaaaaaaaa.2": "5"}


def test_log_that_has_its_place_is_found_by_its_name(layout: Layout) -> None:
    """The same request after a power cut: there may be nothing left to do."""
    found = shelf.find(layout, DEV, release(layout), "9-ffffffffffff.2")
    assert (found["kept"], found["head"]) == ("9-ffffffffffff.2", OLD.head)


def test_way_back_begins_with_giving_names(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that was taken and could not be switched is where it was, also if the way back fails."""
    aside(layout, "5-aaaaaaaaaaaa.2")
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    log = {"kept": "5-aaaaaaaaaaaa.2", "length": 5, "head": NEW.head}
    mine, seen = Transaction("t1", layout.root / "transaction"), []

    def look(*_: object) -> None:
        seen.append(store.kept(layout, DEV))
        raise StepFailed("it cannot be looked at.")

    monkeypatch.setattr(transaction, "observe", look)
    change = transaction._Change(layout, DEV, mine, {"verb": "restore", "log": log})
    assert change._back({"state": "running", "release": "r", "enabled": True}) == "hands"
    assert seen == [("5-aaaaaaaaaaaa.2",)]


def test_result_names_the_log_of_before_though_the_switch_was_killed(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the step did not come to tell is on record."""
    memory = aside(layout)
    shelf.switch(layout, DEV, release(layout), memory.name(forward(layout)))
    monkeypatch.setattr(releases, "read_manifest", lambda *_: release(layout))
    monkeypatch.setattr(releases, "current", lambda *_: "r")
    mine = Transaction("t1", layout.root / "transaction")
    mine.write("attempt", number=1)
    log = {"length": 5, "head": NEW.head}
    request = {"verb": "restore", "environment": "dev", "actor": {"name": "tester"}, "log": log}
    change = transaction._Change(layout, DEV, mine, request)
    change._end("done", {"release": "r", "state": "running"}, None)
    assert mine.result is not None
    assert mine.result["facts"] == {"kept": str(layout.kept_logs(DEV) / "9-ffffffffffff"), "newer": None}


@pytest.mark.parametrize(
    ("there", "coming", "newer"),
    [(Log(9, "f" * 64), Log(5, "a" * 64), None), (Log(9, "f" * 64), Log(9, "f" * 64), 0), (None, OLD, None)],
)
def test_how_much_is_newer_is_told_before(
    layout: Layout, there: Log | None, coming: Log, newer: int | None
) -> None:
    """None where the two are different logs, or one cannot be read."""
    told = shelf.preview(layout, DEV, release(layout), there, coming)
    assert (told["newer"], told["there"]) == (newer, there.length if there else None)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
