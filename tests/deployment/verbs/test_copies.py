"""A backup is looked at on this machine before anything is sent: only a whole log is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment import arguments
from deployment.errors import REFUSED, DeployError
from deployment.settings import ROOT
from deployment.ui.display import Plain
from deployment.verbs import copies


def test_whole_backup_is_known_by_its_head(tmp_path: Path, content: bytes) -> None:
    """And by what it holds; it is not changed by looking, and nothing appears beside it."""
    path = tmp_path / "dev.db"
    path.write_bytes(content)
    path.chmod(0o400)
    copy = copies.read(path, ROOT)
    assert (copy.log.length, len(copy.log.head)) == (30, 64)
    assert copy.log.holds == {"MessageRecorded": [1]}
    assert copy.log.table == 1
    assert copy.size == len(content)
    assert [item.name for item in tmp_path.iterdir()] == ["dev.db"]
    assert path.read_bytes() == content


def _broken(content: bytes) -> dict[str, tuple[bytes, str]]:
    return {
        "changed": (content.replace(b"word 7.", b"word X."), "is damaged: the record at position 8"),
        "cut": (content[: len(content) // 2 + 100], "dev.db"),
        "cut short": (content[:1000], "dev.db"),
        "no log": (b"hello\n" * 5000, "dev.db"),
        "empty": (b"", "is empty"),
        "newer table": (content[:60] + (9).to_bytes(4, "big") + content[64:], "holds log table version 9"),
    }


@pytest.mark.parametrize("flaw", _broken(b""))
def test_anything_else_is_refused(tmp_path: Path, content: bytes, flaw: str) -> None:
    """With its name and what is wrong with it."""
    broken, expected = _broken(content)[flaw]
    (tmp_path / "dev.db").write_bytes(broken)
    with pytest.raises(DeployError) as refusal:
        copies.read(tmp_path / "dev.db", ROOT)
    assert expected in refusal.value.message
    assert "dev.db" in refusal.value.message
    assert refusal.value.code == REFUSED


def test_log_whose_rest_lies_beside_it_is_refused(tmp_path: Path, content: bytes) -> None:
    """What was copied by hand from a running service is not all of it."""
    (tmp_path / "events.db").write_bytes(content)
    (tmp_path / "events.db-wal").write_bytes(b"the last words")
    with pytest.raises(DeployError, match=r"events.db-wal holds the rest"):
        copies.read(tmp_path / "events.db", ROOT)


@pytest.mark.parametrize(
    "name", ["30-0123456789ab", "30-0123456789ab.2", "unreadable-20260101T000000Z-dev-1a"]
)
def test_log_that_the_node_keeps_goes_by_its_name(name: str) -> None:
    """There is nothing here to look at."""
    assert copies.named(arguments.read(["restore", "dev"], {"BACKUP": name}), Plain()) is None


@pytest.mark.parametrize("name", ["nowhere.db", "30-xyz", "../30-0123456789ab"])
def test_what_is_neither_a_file_nor_such_a_name_is_refused(name: str) -> None:
    """As the mistake in typing that it is."""
    with pytest.raises(DeployError, match="there is no backup"):
        copies.named(arguments.read(["restore", "dev"], {"BACKUP": name}), Plain())


def test_a_directory_is_no_backup(tmp_path: Path) -> None:
    """Which file in it is meant, nobody can know."""
    with pytest.raises(DeployError, match=f"{tmp_path} is a directory"):
        copies.named(arguments.read(["restore", "dev"], {"BACKUP": str(tmp_path)}), Plain())
