"""The projections: they follow the log, and can be thrown away."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.config import ROOT
from services.event_log.records import Entry, new_entry
from services.event_log.sqlite.log import SqliteLog
from services.projections import build, database, files, messages, opening
from services.projections.database import Projections

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draft(text: str, type_: str = "MessageRecorded", version: int = 1) -> Entry:
    return new_entry(type_, version, NOW, {"text": text, "source": "test"})


@pytest.fixture
def log(tmp_path: Path) -> SqliteLog:
    """A log of three messages."""
    log = SqliteLog.open(tmp_path / "events")
    log.append([draft(text) for text in "abc"])
    return log


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    return tmp_path / "projections" / "helionyx.db"


def texts(projections: Projections) -> str:
    return "".join(
        message.text for message in projections.ask(lambda models: messages.after(models, 0, 10_000))
    )


def test_catching_up(log: SqliteLog, stem: Path) -> None:
    """All that the log holds is entered, once, however often it is asked for."""
    projections = Projections.open(stem)
    assert [projections.catch_up(log) for _ in range(2)] == [3, 3]
    log.append([draft("d")])
    assert projections.catch_up(log) == 4
    first = projections.ask(lambda models: messages.after(models, 0, 1))[0]
    record = next(log.read())
    expected = (1, record.entry().id, "2026-01-02T00:00:00.000000Z", "a", "test")
    assert (first.position, first.id, first.time, first.text, first.source) == expected
    assert texts(projections) == "abcd"


def test_pages(log: SqliteLog, stem: Path) -> None:
    """`after` is not included, `limit` counts."""
    projections = Projections.open(stem)
    projections.catch_up(log)
    assert [message.position for message in projections.ask(lambda models: messages.after(models, 1, 1))] == [
        2
    ]


def test_more_than_a_batch(log: SqliteLog, stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches join without a gap or a repeat, also where the last one is just full."""
    monkeypatch.setattr(database, "BATCH", 2)
    projections = Projections.open(stem)
    log.append([draft("d")])
    assert projections.catch_up(log) == 4
    assert texts(projections) == "abcd"


def test_giving_up_between_batches(log: SqliteLog, stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop need not wait for a long rebuild, which goes on from there the next time."""
    monkeypatch.setattr(database, "BATCH", 2)
    projections = Projections.open(stem)
    assert projections.catch_up(log, lambda: True) == 2
    assert projections.catch_up(log) == 3
    assert texts(projections) == "abc"


def test_deleting_them_loses_nothing(log: SqliteLog, stem: Path) -> None:
    """They are built again from the log."""
    Projections.open(stem).catch_up(log)
    for path in stem.parent.iterdir():
        path.unlink()
    projections = Projections.open(stem)
    projections.catch_up(log)
    assert texts(projections) == "abc"


def test_a_spoilt_file_is_built_again(log: SqliteLog, stem: Path) -> None:
    """What SQLite cannot read is no reason to stop: nothing in it is needed."""
    path = files.file_of(stem)
    path.parent.mkdir()
    path.write_bytes(b"spoilt" * 1000)
    path.with_name(f"{path.name}-wal").write_bytes(b"spoilt" * 1000)
    projections = Projections.open(stem)
    projections.catch_up(log)
    assert texts(projections) == "abc"


def test_old_rows_do_not_come_back(log: SqliteLog, stem: Path) -> None:
    """What the -wal of a spoilt file still holds stays out of the next one."""
    path = files.file_of(stem)
    wal = path.with_name(f"{path.name}-wal")
    projections = Projections.open(stem)
    projections.catch_up(log)
    projections._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    projections._connection.execute("UPDATE timeline SET data = json_set(data, '$.text', 'old')")
    kept = wal.read_bytes()
    projections.close()
    path.write_bytes(b"spoilt" * 1000)
    wal.write_bytes(kept)
    projections = Projections.open(stem)
    projections.catch_up(log)
    assert texts(projections) == "abc"


def test_it_never_waits_for_the_disk(stem: Path) -> None:
    """What a power cut takes, the log brings back."""
    connection = Projections.open(stem)._connection
    assert [connection.pragma(name) for name in ("journal_mode", "synchronous")] == ["wal", 1]


def test_another_log(log: SqliteLog, stem: Path, tmp_path: Path) -> None:
    """Projections of a log that was replaced are built anew, shorter or not."""
    projections = Projections.open(stem)
    projections.catch_up(log)
    other = SqliteLog.open(tmp_path / "other")
    other.append([draft(text) for text in "wxyz"])
    projections.catch_up(other)
    assert texts(projections) == "wxyz"
    projections.catch_up(log)
    assert texts(projections) == "abc"


def test_a_log_that_was_lost_and_comes_back(log: SqliteLog, stem: Path, tmp_path: Path) -> None:
    """An empty log makes them empty, and the one from before fills them again."""
    projections = Projections.open(stem)
    projections.catch_up(log)
    assert projections.catch_up(SqliteLog.open(tmp_path / "missing", read_only=True)) == 0
    assert texts(projections) == ""
    projections.catch_up(log)
    assert texts(projections) == "abc"


def test_what_is_shared_is_only_ever_caught_up_with(log: SqliteLog, stem: Path, tmp_path: Path) -> None:
    """Where another release may serve from the file, what follows another log is told and left alone."""
    Projections.open(stem).catch_up(log)
    log.append([draft("d")])
    shared = Projections.open(stem, shared=True)
    assert shared.catch_up(log) == 4
    other = SqliteLog.open(tmp_path / "other")
    records = other.append([draft(text) for text in "wxyz"])
    for end in (f"has {records[-1].hash} there", "has no record there"):
        with pytest.raises(
            database.ProjectionsError, match=f"at position 4 they know {log.head().hash}.*{end}"
        ):
            shared.catch_up(other)
        other = SqliteLog.open(tmp_path / "missing", read_only=True)
    assert texts(shared) == "abcd"
    assert shared.catch_up(log) == 4


def test_what_is_shared_is_never_replaced(stem: Path) -> None:
    """A file that SQLite cannot read stays where it is, too."""
    path = files.file_of(stem)
    path.parent.mkdir()
    path.write_bytes(b"spoilt" * 1000)
    with pytest.raises(database.ProjectionsError, match="cannot open the projections"):
        Projections.open(stem, shared=True)
    assert path.read_bytes() == b"spoilt" * 1000


def test_two_processes_follow_one_log(log: SqliteLog, stem: Path) -> None:
    """Each sees what the other has entered, and enters nothing twice."""
    one, two = Projections.open(stem), Projections.open(stem)
    assert (one.catch_up(log), two.catch_up(log)) == (3, 3)
    log.append([draft("d")])
    assert (two.catch_up(log), one.catch_up(log)) == (4, 4)
    assert texts(one) == texts(two) == "abcd"


def test_events_of_other_types_are_passed_over(log: SqliteLog, stem: Path) -> None:
    """What is no message is not entered among them, and stops nobody."""
    log.append([draft("d", "Other"), draft("e")])
    projections = Projections.open(stem)
    assert projections.catch_up(log) == 5
    assert texts(projections) == "abce"


def test_the_file_is_named_after_its_schema(stem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another schema, or other code that makes its rows, makes another file beside the first."""
    names = {files.file_of(stem).name}
    monkeypatch.setattr(opening, "SCHEMA", opening.SCHEMA + " ")
    names.add(files.file_of(stem).name)
    monkeypatch.setattr(files, "_sources", lambda: [Path(__file__)])
    names.add(files.file_of(stem).name)
    assert len(names) == 3
    assert all(name.startswith("helionyx-") and name.endswith(".db") for name in names)


def test_the_code_of_the_rows_is_found_by_itself() -> None:
    """Each read model and all that it is made with, and nothing that makes no rows."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files.sources(ROOT)}
    models = {model.enter.__module__ for model in build.MODELS}
    helpers = {
        "services.projections.words",
        "services.domain.items",
        "services.domain.events",
        "services.event_codec",
    }
    assert names >= {*models, *helpers, "services.projections.build", "services.upcasters"}
    needless = ("services.api", "services.event_log", "services.telegram", "services.domain.grammar")
    assert not [name for name in names if name.startswith(needless)]


@pytest.mark.parametrize(
    "line",
    [
        "import services.b",
        "import services.b as d",
        "from services import b",
        "from services import a, b as d",
        "from services import (\n    a,\n    b,\n)",
        "from services.b import X",
    ],
)
def test_a_module_is_found_however_it_is_imported(tmp_path: Path, line: str) -> None:
    """Once, and also by way of others."""
    (tmp_path / "services").mkdir()
    sources = {
        "start": "from services import a\n",
        "a": f"import re\n{line}\n",
        "b": "from services import a",
    }
    for name, text in {**sources, "c": "X = 1\n"}.items():
        (tmp_path / f"services/{name}.py").write_text(text)
    assert [path.stem for path in files.sources(tmp_path, "services.start")] == ["a", "b", "start"]


def test_only_the_owner_reads_the_file(log: SqliteLog, stem: Path) -> None:
    """It holds every word."""
    projections = Projections.open(stem)
    projections.catch_up(log)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in stem.parent.iterdir()}
    assert (modes, stat.S_IMODE(stem.parent.stat().st_mode)) == ({0o600}, 0o700)
    assert len(list(stem.parent.iterdir())) == 3


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    """A clear error names the file."""
    (tmp_path / "file").touch()
    with pytest.raises(database.ProjectionsError, match=r"file/helionyx-[0-9a-f]+\.db"):
        Projections.open(tmp_path / "file" / "helionyx.db")
