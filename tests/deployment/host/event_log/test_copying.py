"""The node's half of a backup: what the environment's own processes do to the copy is one message."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployment.host.node.wire import Wire
from deployment.host.transaction import backup
from deployment.host.values.errors import StepFailed


@pytest.mark.parametrize("what", ["link", "pipe", "directory", "nothing", "link in place of the directory"])
def test_copy_that_was_swapped_is_told(tmp_path: Path, what: str) -> None:
    """Whatever lies in its place is neither followed nor waited for."""
    copy = tmp_path / ".backup" / "events.db"
    copy.parent.mkdir()
    match what:
        case "link":
            copy.symlink_to("/etc/hostname")
        case "pipe":
            os.mkfifo(copy)
        case "directory":
            copy.mkdir()
        case "link in place of the directory":
            copy.parent.rmdir()
            copy.parent.symlink_to("/etc")
    with pytest.raises(StepFailed, match="was replaced") as failure:
        backup._opened(copy, os.getuid())
    assert failure.value.hint


@pytest.mark.parametrize(("size", "whole"), [(10, True), (4, False), (16, False)])
def test_copy_that_changes_its_length_is_sent_at_the_length_that_was_said(
    tmp_path: Path, size: int, *, whole: bool
) -> None:
    """The other half counts the bytes: what follows them is a line again."""
    path, out = tmp_path / "events.db", tmp_path / "out"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file, out.open("wb") as sink:
        wire = Wire(sink=sink.fileno())
        assert wire.give(file, size)[1] is whole
        wire.say("result")
    assert out.read_bytes()[size:] == b'{"type": "result"}\n'
