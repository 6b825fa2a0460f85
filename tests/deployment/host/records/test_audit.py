"""The history cannot be changed unseen, and survives a torn write."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from deployment.host.records import audit
from deployment.host.values.layout import Layout
from deployment.remote.answers import Line
from deployment.verbs import history


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A node's root with a few lines of history."""
    layout = Layout(tmp_path)
    for number in range(3):
        audit.append(layout, event="start", transaction=f"t{number}")
    return layout


def test_lines_hang_together(layout: Layout) -> None:
    """Each line holds the hash of the one before it."""
    lines = audit.read(layout)
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert [line["previous"] for line in lines[1:]] == [line["hash"] for line in lines[:-1]]
    assert audit.first_bad(lines) is None
    assert layout.audit.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["edit", "remove", "swap"])
def test_tampering_is_found(layout: Layout, damage: str) -> None:
    """At the first line that does not fit."""
    lines = audit.read(layout)
    if damage == "edit":
        lines[1]["transaction"] = "another"
    elif damage == "remove":
        del lines[1]
    else:
        lines[1], lines[2] = lines[2], lines[1]
    assert audit.first_bad(lines) == 2


def test_torn_line_is_set_aside(layout: Layout) -> None:
    """A power cut in the middle of a line: the next one follows the last whole one, and nothing is lost."""
    whole = layout.audit.stat().st_size
    with layout.audit.open("ab") as file:
        file.write(b'{"number":4,"hal')
    assert len(audit.read(layout)) == 3
    audit.append(layout, event="end", transaction="t2")
    assert audit.first_bad(audit.read(layout)) is None
    assert len(audit.read(layout)) == 4
    assert layout.audit.with_name(f"deployments.jsonl.torn-{whole}").read_bytes() == b'{"number":4,"hal'


def test_damaged_line_stops_nobody(layout: Layout) -> None:
    """The next change is written all the same, and the check still names the line."""
    content = layout.audit.read_bytes().split(b"\n")
    content[2] = b"garbage" + content[2][7:]
    layout.audit.write_bytes(b"\n".join(content))
    audit.append(layout, event="start", transaction="t9")
    audit.append(layout, event="end", transaction="t9")
    lines = audit.read(layout)
    assert [line.get("transaction") for line in lines] == ["t0", "t1", None, "t9", "t9"]
    assert audit.first_bad(lines) == 3


def test_changes_are_paired_whatever_is_missing() -> None:
    """A start without an end is under way; an end without a start is shown too; a damaged line is not."""
    start = Line("start", 1.0, "a", "dev", "deploy")
    first, second = history.pair([start, None, Line("end", 2.0, "b", "dev", "restart", "done")])
    assert (first.outcome, first.to_json()["outcome"]) == ("under way", "under way")
    assert (second.outcome, second.first.verb, second.first.at) == ("done", "restart", 2.0)


def test_a_restore_and_a_backup_name_their_log() -> None:
    """By length and head, as the log is called where it is kept: which came is told by which was taken."""
    head, name = "9f8e7d6c5b4a" + "0" * 52, "1200-9f8e7d6c5b4a"
    backup = Line("end", 1.0, "a", "dev", "backup", "done", position=1200, head=head)
    restore = Line("start", 1.0, "b", "dev", "restore", goal=name)
    deploy = Line("start", 1.0, "c", "dev", "deploy", goal="c0ffee000000-11111111")
    rows = [history.row(item) for item in history.pair([backup, restore, deploy])]
    assert [row[history.HEADS.index("log")] for row in rows] == [name, name, ""]


def _append_many(root: Path) -> None:
    for _ in range(20):
        audit.append(Layout(root), event="start", transaction="t")


def test_several_writers_keep_one_chain(tmp_path: Path) -> None:
    """Three environments may end a change at the same moment."""
    writers = [multiprocessing.Process(target=_append_many, args=(tmp_path,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    lines = audit.read(Layout(tmp_path))
    assert len(lines) == 60
    assert audit.first_bad(lines) is None


def test_whose_log_a_backup_was_taken_from(layout: Layout) -> None:
    """By its head, whatever the copy is called by now; a restore that had the same head tells nothing."""
    audit.append(layout, verb="backup", environment="live", head="aa")
    audit.append(layout, verb="backup", environment="dev", head="bb")
    audit.append(layout, verb="restore", environment="dev", head="aa")
    assert audit.taken_from(layout, "aa") == ["live"]
    audit.append(layout, verb="backup", environment="dev", head="aa")
    assert audit.taken_from(layout, "aa") == ["dev", "live"]
    assert audit.taken_from(layout, "cc") == []
