"""What the bot says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from services.domain.items import Item
from services.telegram import lists, texts
from services.telegram.schedule import Hours

HOURS = Hours(ZoneInfo("Europe/Vienna"), (time(22), time(8)), time(8))
NOW = datetime(2026, 2, 10, 13, 30, tzinfo=UTC)
MILK = Item(12, "todo", "open", "buy milk", ("home",), NOW, NOW, "2026-02-13")
TRAIN = Item(14, "decision", "proposed", "take the train", (), NOW, NOW, rationale="it is quiet")


def test_a_thing_is_told_as_it_stands() -> None:
    """Its number, its words, when it is due in the environment's time zone, and what can be done with it."""
    said = texts.standing(MILK, HOURS, NOW)
    assert said.text == "todo 12: buy milk, due Friday 13 Feb #home"
    assert said.buttons == (("Done", "done:12"), ("Cancel", "cancel:12"))
    at_five = replace(MILK, due="2027-02-12T16:00:00Z", tags=())
    assert texts.standing(at_five, HOURS, NOW).text == "todo 12: buy milk, due Friday 12 Feb 2027 17:00"
    done = texts.standing(replace(MILK, state="done"), HOURS, NOW)
    assert (done.text[-6:], done.buttons) == ("(done)", ())
    decision = texts.standing(TRAIN, HOURS, NOW)
    assert decision.text == "decision 14: take the train (proposed)\nbecause it is quiet"
    assert decision.buttons == (("Accept", "accept:14"), ("Reject", "reject:14"))
    again = replace(TRAIN, reason="of a strike")
    assert texts.standing(again, HOURS, NOW).text.endswith("quiet\nopened again because of a strike")
    accepted = texts.standing(replace(again, state="accepted", rationale=None), HOURS, NOW)
    assert accepted.text == "decision 14: take the train (accepted)\naccepted because of a strike"


def test_a_time_that_was_not_understood_is_named_below_whatever_the_text_holds() -> None:
    """A long text is cut, and the reason is not."""
    said = texts.undated(texts.standing(replace(MILK, text="😀" * 3000), HOURS, NOW), "due someday")
    assert said.text.endswith("…\nrecorded as a todo without a due time: did not understand 'due someday'")
    assert texts.cut(said.text) == said.text


def test_a_text_is_cut_as_telegram_counts() -> None:
    """In UTF-16 units, and never in the middle of a character."""
    assert texts.cut("a" * 4096) == "a" * 4096
    assert texts.cut("a" * 4097) == "a" * 4095 + "…"
    assert texts.cut("😀" * 2048) == "😀" * 2048
    assert texts.cut("😀" * 2049) == "😀" * 2047 + "…"
    assert len(texts.cut("a" + "😀" * 5000).encode("utf-16-le")) <= 2 * 4096


def test_todos_that_are_due_come_first() -> None:
    """Overdue ones before all, and marked; then the newest."""
    todos = [replace(MILK, position=1, due=None), replace(MILK, position=2, due=None), MILK]
    lines = lists.todo_list(todos, HOURS, NOW).text.splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == ["12", "2", "1"]
    # At 14:30: the moment has passed, today has not; 23:30 UTC is tomorrow in Vienna.
    dues = ("2026-02-11", "2026-02-10T23:30:00Z", "2026-02-10", "2026-02-10T08:00:00Z", "2026-02-09")
    todos = [replace(MILK, position=number, due=due, tags=()) for number, due in enumerate(dues, 1)]
    assert lists.todo_list(todos, HOURS, NOW).text.splitlines()[1:] == [
        "5: buy milk, overdue since Monday 9 Feb",
        "4: buy milk, overdue since Tuesday 10 Feb 09:00",
        "3: buy milk, due Tuesday 10 Feb",
        "1: buy milk, due Wednesday 11 Feb",
        "2: buy milk, due Wednesday 11 Feb 00:30",
    ]
    assert lists.todo_list([], HOURS, NOW).text == "no open todos"


def test_a_long_list_ends_with_a_whole_line() -> None:
    """It says how much more there is; buttons are for the first ones."""
    todos = [replace(MILK, position=number, text="x" * 300, due=None) for number in range(100, 140)]
    said = lists.todo_list(todos, HOURS, NOW)
    *lines, last = said.text.splitlines()
    assert len(said.text) <= 4096
    assert last == f"… and {41 - len(lines)} more lines"
    assert {len(line) for line in lines[1:]} == {211}
    assert [label for label, _ in said.buttons] == [f"Done {number}" for number in range(139, 127, -1)]
    just = lists.fitting(["a" * 4000, "b" * 95])
    assert (just, lists.fitting(["a" * 4000, "b" * 96])) == (
        f"{'a' * 4000}\n{'b' * 95}",
        f"{'a' * 4000}\n… and 1 more line",
    )
    wordy = [
        replace(MILK, position=number, text="x" * 200, tags=tuple(f"{n:050}" for n in range(20)))
        for number in range(9)
    ]
    few = lists.todo_list(wordy, HOURS, NOW)
    assert len(few.buttons) == len(few.text.splitlines()) - 2 == 3


def test_the_summary() -> None:
    """What is overdue, due, to be decided, and what yesterday brought; nothing where there is nothing."""
    day = date(2026, 2, 13)
    todos = [
        MILK,
        replace(MILK, position=3, due="2026-02-10T16:00:00Z"),
        replace(MILK, position=4, due="2026-02-14"),
    ]
    said = lists.summary(day, todos, [TRAIN], {"MessageRecorded": 2, "TodoCompleted": 1}, HOURS, NOW)
    assert said is not None
    assert said.text.splitlines() == [
        "Friday 13 Feb",
        "",
        "overdue:",
        "3: buy milk, due Tuesday 10 Feb 17:00 #home",
        "",
        "due today:",
        "12: buy milk, due Friday 13 Feb #home",
        "",
        "to decide:",
        "14: take the train",
        "",
        "yesterday: 2 messages, 1 todo done",
    ]
    assert lists.summary(day, [], [], {"ServiceStarted": 3}, HOURS, NOW) is None


def test_help_names_every_command() -> None:
    """Telegram takes names of at most 32 characters, and something of each."""
    for name, what in texts.COMMANDS:
        assert f"/{name} " in texts.HELP
        assert name.islower()
        assert what
