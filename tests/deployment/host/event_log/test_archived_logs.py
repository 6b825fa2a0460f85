"""A switch that is cut short anywhere leaves both logs, and the next attempt knows which is which."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.host.event_log import archived_logs, log_commands, read_models
from deployment.host.event_log.archive_notes import ArchiveNotes
from deployment.host.event_log.exchange import exchange
from deployment.host.records.record import Transaction
from deployment.host.releases import releases
from deployment.host.values.layout import Layout
from deployment.host.values.log import Log
from tests.deployment.shelves import NEW, OLD, aside, forward, places, release, write


def test_logs_change_places(layout: Layout) -> None:
    """And the one of before is kept by its length and head."""
    name = aside(layout).name(forward(layout))
    archived_logs.switch(layout.of("dev"), release(layout), name)
    assert places(layout) == {"events": "5", "9-ffffffffffff": "9"}
    assert aside(layout).before() == (OLD, "9-ffffffffffff")


def test_no_read_models_survive_a_switch(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of every kept release: a rehearsal does not open read models that follow another log."""
    place = layout.of("dev").data / "projections"
    made = release(layout)
    known = replace(made, config={**made.config, "projections_db_path": str(place / "helionyx.db")})
    place.mkdir()
    for name in ("helionyx-0123456789ab.db", "helionyx-ba9876543210.db", "somebody.db"):
        (place / name).touch()
    removed: list[str] = []
    monkeypatch.setattr(releases, "manifests", lambda *_: [known])
    monkeypatch.setattr(read_models, "remove", lambda _, __, names: removed.extend(names))
    archived_logs.switch(layout.of("dev"), known, aside(layout).name(forward(layout)))
    assert removed == ["helionyx-0123456789ab.db", "helionyx-ba9876543210.db"]


def test_name_that_is_kept_already_is_not_overwritten(layout: Layout) -> None:
    """The one of that name may be the sound one."""
    write(layout.of("dev").archived_logs / "9-ffffffffffff", None)
    archived_logs.switch(layout.of("dev"), release(layout), aside(layout).name(forward(layout)))
    assert places(layout) == {"events": "5", "9-ffffffffffff": "damaged", "9-ffffffffffff.2": "9"}


def test_only_logs_are_listed_as_kept(layout: Layout) -> None:
    """What else lies there says nothing, and a terminal is not shown what it is called."""
    shelf_ = layout.of("dev").archived_logs
    for name in ("9-ffffffffffff", "9-ffffffffffff.2", "unreadable-20260102T030405Z-dev-0a1b"):
        write(shelf_ / name, OLD)
    (shelf_ / "5-aaaaaaaaaaaa").write_text("a plain file")
    (shelf_ / "6-aaaaaaaaaaaa").symlink_to(shelf_ / "9-ffffffffffff")
    for name in ("\x1b[31mevil\nexit 0: done", "7-aaa", "9-ffffffffffff.old", "1-ffffffffffff\n"):
        (shelf_ / name).mkdir()
    kept = ("9-ffffffffffff", "9-ffffffffffff.2", "unreadable-20260102T030405Z-dev-0a1b")
    assert log_commands.archived(layout.of("dev")) == kept
    assert archived_logs.free(layout.of("dev"), "5-aaaaaaaaaaaa") == "5-aaaaaaaaaaaa.2"


def test_log_that_is_gone_leaves_nothing_to_keep(layout: Layout) -> None:
    """The new one takes its place all the same."""
    (layout.of("dev").data / "events").rename(layout.root / "lost")
    archived_logs.switch(layout.of("dev"), release(layout), "0-000000000000")
    assert places(layout) == {"events": "5"}


@pytest.mark.parametrize("back", [False, True])
def test_name_is_chosen_once(layout: Layout, *, back: bool) -> None:
    """An attempt that was killed behind the exchange does not name one log after the other."""
    memory = aside(layout)
    wanted = replace(forward(layout), back=back)
    name = memory.name(wanted)
    assert name == "9-ffffffffffff"
    exchange(
        layout.of("dev").data,
        layout.of("dev").data / "events",
        layout.of("dev").archived_logs / archived_logs.NEXT,
    )
    assert memory.name(wanted) == name


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
    (layout.of("dev").data / "events" / "events.db").write_text("9 " + "f" * 64 if old else "damaged")
    monkeypatch.setattr(log_commands, "at_rest", lambda *_: old)
    memory = aside(layout)
    name = memory.name(forward(layout))
    with monkeypatch.context() as cut:
        cut.setattr(archived_logs, "move", _killed)
        with pytest.raises(KeyboardInterrupt):
            archived_logs.switch(layout.of("dev"), release(layout), name)
    assert places(layout)["events"] == "5"
    memory.tidy(release(layout))
    assert places(layout) == {"events": "5", name: "9" if old else "damaged"}
    assert memory.before()[1] == name == ("9-ffffffffffff" if old else "unreadable-t1")


def test_cut_short_on_the_way_back(layout: Layout) -> None:
    """The log of before, taken from where it was kept, goes there again; the way back begins anew."""
    memory = aside(layout)
    name = memory.name(forward(layout))
    archived_logs.switch(layout.of("dev"), release(layout), name)
    archived_logs.take(layout.of("dev"), release(layout), name, None)
    assert places(layout) == {"events": "5", archived_logs.NEXT: "9"}
    memory.tidy(release(layout))
    assert places(layout) == {"events": "5", name: "9"}


def test_what_another_transaction_left_is_kept_by_its_own_name(layout: Layout) -> None:
    """None is ever deleted."""
    ArchiveNotes(layout.of("dev"), Transaction("t2", layout), None).tidy(release(layout))
    assert places(layout) == {"events": "9", "5-aaaaaaaaaaaa": "5"}


@pytest.mark.parametrize(
    ("there", "coming", "newer"),
    [(Log(9, "f" * 64), Log(5, "a" * 64), None), (Log(9, "f" * 64), Log(9, "f" * 64), 0), (None, OLD, None)],
)
def test_how_much_is_newer_is_told_before(
    layout: Layout, there: Log | None, coming: Log, newer: int | None
) -> None:
    """None where the two are different logs, or one cannot be read."""
    told = archived_logs.preview(layout.of("dev"), release(layout), there, coming)
    assert (told.newer, told.there) == (newer, there.length if there else None)


def test_damage_is_told_before(layout: Layout) -> None:
    """Of a log that still says how long it is, and of one that can only be counted."""
    assert archived_logs.preview(layout.of("dev"), release(layout), OLD, NEW).flaw is None
    (layout.of("dev").data / "events" / "events.db").write_text(f"9 {OLD.head} flawed")
    told = archived_logs.preview(layout.of("dev"), release(layout), OLD, NEW)
    assert (told.there, told.flaw) == (9, "a record is missing")
    (layout.of("dev").data / "events" / "events.db").write_text("damaged and flawed")
    told = archived_logs.preview(layout.of("dev"), release(layout), OLD, NEW)
    assert (told.newer, told.flaw) == (None, "a record is missing")


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_whether_two_logs_tell_the_same() -> None:
    """Of one that does not say what was said to it, all has to be equal: a release of before cannot know."""
    said = (5, "a" * 64)
    noted, more = Log(7, "b" * 64, said=said), Log(9, "c" * 64, said=said)
    assert noted.tells(more)
    assert noted.name == more.name == "5-aaaaaaaaaaaa"
    assert not noted.tells(None)
    assert not noted.tells(Log(9, "c" * 64, said=(9, "c" * 64)))
    assert noted.tells(Log(7, "b" * 64))
    assert Log(7, "b" * 64).tells(noted)
    assert not Log(9, "c" * 64).tells(noted)
    assert not Log(5, "a" * 64).tells(noted)


@pytest.mark.parametrize(
    ("there", "coming", "told"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_backup_from_before_a_redaction_is_known(
    layout: Layout, *, there: bool, coming: bool, told: bool
) -> None:
    """By what the two logs hold: the note of it is in the one that is there alone."""
    note = {"EventRedacted": [1]}
    old, new = replace(OLD, holds=note if there else {}), replace(NEW, holds=note if coming else {})
    assert archived_logs.preview(layout.of("dev"), release(layout), old, new).before_redaction is told
