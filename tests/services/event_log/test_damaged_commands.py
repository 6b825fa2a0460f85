"""What the commands make of a damaged log: as much as holds, and no word too few about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.event_log.__main__ import main as event_log
from services.projections.__main__ import main as projections
from services.projections.database import Projections
from tests.services.event_log.test_damage import CHANGED, RECORDS, fill, spoil

DELETED = "DELETE FROM events WHERE position = {}"


@pytest.mark.parametrize(("sql", "position"), [(CHANGED, 7), (DELETED, 7), (CHANGED, 1), (CHANGED, RECORDS)])
def test_an_export_ends_where_the_chain_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sql: str, position: int
) -> None:
    """All in front of it is written, as the lines that an import takes; then it is said what is wrong."""
    records = fill(tmp_path / "store")
    spoil(tmp_path / "store", sql.format(position))
    file = tmp_path / "lines"
    assert event_log(["export", "--store", str(tmp_path / "store"), "--to", str(file)]) == 1
    told = capsys.readouterr().err
    assert f"only {position - 1} records were written: the record at position {position} is not what" in told
    assert file.read_bytes().count(b"\n") == position - 1
    assert event_log(["import", "--store", str(tmp_path / "new"), "--from", str(file)]) == 0
    assert event_log(["head", "--store", str(tmp_path / "new")]) == 0
    head = records[position - 2].hash if position > 1 else "0" * 64
    assert capsys.readouterr().out.splitlines()[-1] == f"{position - 1} {head}"


def test_read_models_are_not_built_anew_out_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that are there, from before the damage, stay."""
    fill(tmp_path / "store")
    stem = tmp_path / "p" / "h.db"
    words = ["--store", str(tmp_path / "store"), "--file", str(stem)]
    assert projections(["rebuild", *words]) == 0
    before = Projections.open(stem).digest()
    spoil(tmp_path / "store", CHANGED.format(7))
    assert projections(["rebuild", *words]) == 1
    assert "nothing is built out of a damaged log: the record at position 7" in capsys.readouterr().err
    assert Projections.open(stem).digest() == before
