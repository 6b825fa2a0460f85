"""The limits of a node's cgroup."""

from pathlib import Path

import pytest

from node1 import cgroup


@pytest.mark.parametrize("has_controller", [True, False])
def test_memory_is_limited_where_the_machine_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_controller: bool
) -> None:
    """The kernel makes `memory.max` where the controller is enabled, and only there."""
    own = tmp_path / "node"
    own.mkdir()
    for directory in (tmp_path, own):
        (directory / "cgroup.controllers").write_text("memory" if has_controller else "hugetlb")
    if has_controller:
        (own / "memory.max").write_text("max")
    monkeypatch.setattr(cgroup, "mount_points", lambda: [tmp_path])
    cgroup.Cgroup("node").create()
    assert (own / "memory.max").exists() is has_controller
    if has_controller:
        assert (own / "memory.max").read_text() == str(cgroup.MEMORY)
        assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"


def test_memory_can_be_limited_to_what_is_held_and_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that runs holds some already: what counts is how much more it may take."""
    own = tmp_path / "node"
    own.mkdir()
    (own / "memory.max").write_text("max")
    (own / "memory.current").write_text("5000\n")
    monkeypatch.setattr(cgroup, "mount_points", lambda: [tmp_path])
    cgroup.Cgroup("node").limit_memory(1000)
    assert (own / "memory.max").read_text() == "6000"
