"""The last lines of a journal, which is read with bounds."""

from __future__ import annotations

import io

import pytest

from deployment.host.node import logs


def test_last_lines_are_those_at_the_end() -> None:
    """As many as were asked for."""
    journal = io.BytesIO(b"".join(b"%d\n" % number for number in range(1000)))
    assert list(logs.last_lines(journal, 2)) == [b"998\n", b"999\n"]


def test_long_lines_come_in_pieces_and_not_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may write a line of hundreds of megabytes, and does not fill the memory of root with it."""
    monkeypatch.setattr(logs, "PIECE", 4)
    monkeypatch.setattr(logs, "LONGEST", 10)
    assert list(logs.last_lines(io.BytesIO(b"abcdefghijklmnop\n"), 50)) == [b"ijkl", b"mnop", b"\n"]
