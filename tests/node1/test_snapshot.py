"""New nodes that begin with what another one had on its disk."""

from pathlib import Path

import pytest

from node1 import Node, Node1Error

pytestmark = pytest.mark.e2e


def test_new_nodes_begin_with_what_a_snapshot_holds(node: Node, tmp_path: Path) -> None:
    """Files, deletions, units and users; each has an identity of its own, and can become a snapshot too."""
    unit = "[Service]\\nExecStart=/bin/sleep 900\\n[Install]\\nWantedBy=multi-user.target\\n"
    steps = (
        "useradd --system ada",
        "install -d -o ada -m 700 /var/lib/ada",
        "echo before > /var/lib/ada/file",
        f"printf '{unit}' > /etc/systemd/system/waits.service",
        "systemctl enable --quiet waits",
        "rm /etc/debian_version",
        "rm -r /etc/sudoers.d && mkdir /etc/sudoers.d",
        "mv /usr/share/keyrings /usr/share/moved",
    )
    done = node.run(["sh", "-ec", "\n".join(steps)])
    assert done.returncode == 0, done.stderr
    node.snapshot(tmp_path / "snapshot")
    assert not node.running
    with (
        Node.boot("first", tmp_path / "first", over=tmp_path / "snapshot") as first,
        Node.boot("second", tmp_path / "second", over=tmp_path / "snapshot") as second,
    ):
        for each in (first, second):
            assert each.run(["systemctl", "is-system-running", "--wait"]).stdout == "running\n"
            assert each.run(["systemctl", "is-active", "waits"]).stdout == "active\n"
            assert each.run(["runuser", "-u", "ada", "--", "cat", "/var/lib/ada/file"]).stdout == "before\n"
            assert each.run(["test", "-e", "/etc/debian_version"]).returncode == 1
            assert each.run(["ls", "-A", "/etc/sudoers.d"]).stdout == ""
            assert each.run(["hostname"]).stdout == f"{each.name}\n"
            assert each.run(["cat", "/etc/machine-id"]).stdout.strip() == each.record.machine_id
            assert each.run(["ls", "/usr/share/moved"]).stdout
            # A plain rename, which an overlay without redirects refuses.
            rename = (
                "import os; os.rename('/var/lib/ada', '/var/lib/bob'); os.rename('/usr/share/moved', '/a')"
            )
            assert each.run(["python3", "-c", rename]).stderr == ""
        assert len({each.address for each in (node, first, second)}) == 3
        assert len({each.record.machine_id for each in (node, first, second)}) == 3
        first.run(["sh", "-c", "echo changed > /var/lib/bob/file && rm /etc/hostname"])
        assert second.run(["cat", "/var/lib/bob/file"]).stdout == "before\n"
        first.power_cut()
        assert first.run(["cat", "/var/lib/bob/file"]).stdout == "changed\n"
        second.snapshot(tmp_path / "upper")
    with Node.boot("third", tmp_path / "third", over=tmp_path / "upper") as third:
        assert third.run(["cat", "/var/lib/bob/file"]).stdout == "before\n"
        assert third.run(["systemctl", "is-active", "waits"]).stdout == "active\n"
        assert third.run(["ls", "/a", "/var/lib/bob"]).returncode == 0
    with Node.boot(node.name, node.directory):
        assert node.run(["cat", "/var/lib/ada/file"]).stdout == "before\n"


def test_a_snapshot_replaces_nothing(node: Node, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(Node1Error, match="is there already"):
        node.snapshot(tmp_path / "there")
    with pytest.raises(Node1Error, match="there is no snapshot in"):
        Node.boot("other", tmp_path / "other", over=tmp_path / "there")
