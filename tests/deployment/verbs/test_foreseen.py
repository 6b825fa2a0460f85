"""What a restore means for the log that is there is said before it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployment import arguments
from deployment.host.values.answers import Replacement
from deployment.host.values.log import Log
from deployment.host.values.shapes import shape_of
from deployment.settings import ROOT
from deployment.verbs import copies, foreseen
from deployment.verbs.copies import Copy
from services.event_log.sqlite.log import SqliteLog
from tests.deployment import hostile_node as node

REQUEST = arguments.read(["restore", "dev"], {"BACKUP": "x.db"})

SAYS = [
    (
        {"there": None, "length": 5, "newer": None},
        "the log of dev is damaged and will be archived as it is",
    ),
    (
        {"there": 7, "length": 5, "newer": 2},
        "2 events of dev newer than the restored log will be archived",
    ),
    (
        {"there": 6, "length": 5, "newer": 1},
        "1 event of dev newer than the restored log will be archived",
    ),
    ({"there": 7, "length": 5, "newer": None}, "the restored log is no part of the log of dev"),
    (
        {"there": 3, "length": 5, "newer": None, "begins": True},
        "the log of dev, 3 events, will be archived",
    ),
    (
        {"there": 3, "length": 5, "newer": None, "begins": None},
        "the log of dev, 3 events, will be archived",
    ),
    (
        {"there": 3, "length": 5, "newer": None, "begins": False},
        "the restored log is another one than that of dev, whose 3 events will be archived",
    ),
    (
        {"there": 7, "length": 5, "newer": 2, "flaw": "record 6 is missing."},
        "2 events of dev newer than the restored log will be archived; that log does not verify: rec",
    ),
    (
        {"there": None, "length": 5, "newer": None, "flaw": "events.db cannot be read."},
        "the log of dev is damaged and will be archived as it is; that log does not verify: events.db",
    ),
    (
        {"there": 1, "length": 5, "newer": None, "begins": False},
        "the restored log is another one than that of dev, whose 1 event will be archived",
    ),
    (
        {"there": 1, "length": 1, "newer": None},
        "the restored log is no part of the log of dev: its 1 event will be archived",
    ),
    (
        {"there": 0, "aside": 2, "length": 5, "newer": None, "begins": False},
        "the log of dev, 2 events, will be archived",
    ),
]


def replacement(**values: Any) -> Replacement:
    """A log that replaces another one, with these values."""
    log: Replacement = shape_of(Replacement)({**node.REPLACEMENT, "flaw": None, "begins": None, **values})
    return log


def test_backup_from_before_a_redaction_is_told() -> None:
    """A backup from before a redaction brings the redacted words back."""
    log = replacement(there=7, length=5, newer=None, aside=7, said=5, before_redaction=True)
    assert foreseen.words("dev", log).endswith("from before a redaction, and brings those words back")


@pytest.mark.parametrize(("log", "words"), SAYS)
def test_words(log: dict[str, Any], words: str) -> None:
    """Each relation that two logs can have."""
    # As where the last event of each was said, and is no start or stop.
    whole = replacement(**{"aside": log["there"], "said": log["length"], **log})
    assert foreseen.words("dev", whole).startswith(words)


def test_whether_a_copy_goes_on_from_the_log_that_is_there(tmp_path: Path, content: bytes) -> None:
    """Told by the hash of the record at which that one ends."""
    path = tmp_path / "dev.db"
    path.write_bytes(content)
    copy = copies.read(path, ROOT)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "events.db").write_bytes(content)
    log = SqliteLog.open(tmp_path / "store")
    hashes = [record.hash for record in log.read(0, 10)]
    log.close()
    known = {"there": 2, "there_head": hashes[1], "said": copy.log.last[0], "newer": None}
    there = replacement(**known)
    assert foreseen.judged(REQUEST, there, copy).begins is True
    assert foreseen.judged(REQUEST, replacement(**known | {"there_head": "0" * 64}), copy).begins is False
    assert foreseen.judged(REQUEST, replacement(**known | {"there": copy.log.length}), copy).begins is None
    assert foreseen.judged(REQUEST, there, None).begins is None, "of one that is kept the node has said it"


@pytest.mark.parametrize(
    ("name", "taken_from", "other"),
    [
        ("live-20260102T030405Z.db", [], "live"),
        ("live-20260102T030405Z.db", ["dev"], None),
        ("dev-20260102T030405Z.db", ["staging"], "staging"),
        ("renamed.db", ["live"], "live"),
        ("renamed.db", ["dev", "live"], None),  # dev has had that log before
        ("dev-20260102T030405Z.db", [], None),
        ("renamed.db", [], None),
        ("live-notes.db", [], None),
    ],
)
def test_which_environment_a_copy_is_a_backup_of(name: str, taken_from: list[str], other: str | None) -> None:
    """The node's audit knows its own; of another node's only the name tells, as `make backup` gives it."""
    copy = Copy(Path("/x") / name, 1, "0" * 64, Log(1, "0" * 64))
    log = replacement(there=None, said=1, taken_from=taken_from, newer=None)
    found = foreseen.judged(REQUEST, log, copy)
    assert found.other == other
    assert foreseen.words("dev", found).startswith(f"the restored log is a backup of {other}; ") == bool(
        other
    )
