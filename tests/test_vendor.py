"""The vendored libraries of the pages are those that were checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import vendor


def test_files_have_their_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte more is an error."""
    assert vendor.main(["--check"]) == 0
    for file in vendor.FILES:
        (tmp_path / file.name).write_bytes((vendor.STATIC / file.name).read_bytes() + b"\n")
    monkeypatch.setattr(vendor, "STATIC", tmp_path)
    assert vendor.main(["--check"]) == 1
