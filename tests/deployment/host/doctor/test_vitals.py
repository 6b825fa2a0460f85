"""The file systems and the service manager of a node, as the doctor looks at them."""

from __future__ import annotations

from pathlib import Path

from deployment.host.doctor import vitals
from deployment.host.values.layout import Layout


def test_file_systems_are_named_by_their_mount_points(tmp_path: Path) -> None:
    """Those that hold what a deploy writes, each once; blanks in a mount point are octal."""
    found = vitals.file_systems(Layout(tmp_path))
    assert found
    assert all(tmp_path == Path(item.mount) or Path(item.mount) in tmp_path.parents for item in found)
    # By the place that a link leads to, and not by the link's own.
    tmp_path.joinpath("opt").mkdir()
    tmp_path.joinpath("opt", "helionyx").symlink_to("/proc")
    assert Path("/proc") in {Path(item.mount) for item in vitals.file_systems(Layout(tmp_path))}
    text = "1 2 0:3 / / rw - ext4 /dev/x rw\n4 1 0:5 / /a\\040b rw - tmpfs t rw\n"
    assert vitals._mounts(text) == {Path("/"), Path("/a b")}
    assert vitals._mount_of(Path("/a b/c/d"), vitals._mounts(text)) == Path("/a b")
    assert vitals._mount_of(Path("/c/d"), vitals._mounts(text)) == Path("/")
