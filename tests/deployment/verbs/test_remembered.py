"""The audit of a node, as this machine remembers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.verbs import remembered, verify
from deployment.verbs.remembered import Remembered, difference

KNOWN = Remembered(4, "a" * 64)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory for what is remembered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_line_is_remembered_for_each_node() -> None:
    """Also for one whose name is no file name."""
    remembered.write("node1", KNOWN)
    remembered.write("ssh://root@[::1]:22/..", Remembered(1, "b"))
    assert remembered.read("node1") == KNOWN
    assert remembered.read("ssh://root@[::1]:22/..") == Remembered(1, "b")
    assert remembered.read("another") is None


@pytest.mark.parametrize("content", ["", "[]", '{"number": 1}', '{"number": null, "hash": "a"}'])
def test_file_that_says_nothing_is_no_memory(content: str) -> None:
    """A disk that was full left it, for example."""
    remembered.write("node1", KNOWN)
    remembered.path_of("node1").write_text(content)
    assert remembered.read("node1") is None


@pytest.mark.parametrize(
    ("length", "hash_there", "text"),
    [
        (4, "a" * 64, None),
        (9, "a" * 64, None),
        (3, None, "the audit has 3 lines, and had 4: lines were removed"),
        (9, "b" * 64, "line 4 of the audit is another one than before: history was rewritten"),
        (9, None, "line 4 of the audit is another one than before: history was rewritten"),
    ],
)
def test_history_that_contradicts_memory_is_named(
    length: int, hash_there: str | None, text: str | None
) -> None:
    """A chain that was cut off or written anew holds in itself."""
    assert difference(KNOWN, length, hash_there) == text
    assert difference(None, length, hash_there) is None


def test_disk_that_takes_no_file_is_a_warning(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was verified is shown all the same."""
    (state / "helionyx").write_text("a file in the place of the directory")
    verify.remember("node1", KNOWN)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("warning: the end of the audit cannot be remembered: ")
    assert captured.err.endswith(": Not a directory\n") or captured.err.endswith(": File exists\n")
    assert remembered.read("node1") is None
