"""`python -m services.event_log`: out of one store and into another, and copies while the service goes on."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.config import ROOT
from services.event_log.errors import MisfitError
from services.event_log.lines import from_line, to_line
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import GENESIS
from services.event_log.transfer import import_lines
from tests.services.instance import configure, running

NOW = datetime(2026, 1, 2, tzinfo=UTC)

Done = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, given: str | None = None, **variables: str) -> Done:
    """Run a command."""
    argv = [sys.executable, "-m", "services.event_log", *map(str, arguments)]
    environment = {"PATH": os.defpath, "PYTHONIOENCODING": "ascii", **variables}
    return subprocess.run(
        argv, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, timeout=60, check=False
    )


def fill(store: Path, *texts: str) -> SqliteLog:
    """A log of these messages, with keys."""
    log = SqliteLog.open(store)
    for text in texts:
        log.append([new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "x"}, f"key of {text}")])
    return log


def test_lines_are_those_of_the_api(tmp_path: Path) -> None:
    """And each gives its record back."""
    for record in fill(tmp_path, "größe \u2028", "\x00", "\U0001f600").read():
        assert from_line(to_line(record)) == record


def test_a_round_trip_gives_the_same_head(tmp_path: Path) -> None:
    """The same records, byte by byte, and the same end; a second time brings nothing new."""
    log = fill(tmp_path / "one", "größe \u2028", "b", "c")
    head = log.head()
    out = run("export", "--store", tmp_path / "one")
    assert (out.returncode, out.stderr) == (0, "")
    for new in (3, 0):
        into = run("import", "--store", tmp_path / "two", "--json", given=out.stdout)
        assert json.loads(into.stdout) == {"imported": new, "position": 3, "hash": head.hash}
    other = SqliteLog.open(tmp_path / "two")
    assert list(other.read()) == list(log.read())
    assert other.verify() is None
    assert run("export", "--store", tmp_path / "two").stdout == out.stdout
    assert (
        other.append([new_entry("MessageRecorded", 1, NOW, {"text": "b", "source": "x"}, "key of b")])[
            0
        ].position
        == 2
    )


def test_through_files(tmp_path: Path) -> None:
    """The file is the owner's alone, and none is written over."""
    fill(tmp_path / "one", "a")
    for code in (0, 1):
        done = run("export", "--store", tmp_path / "one", "--to", tmp_path / "lines", "--json")
        assert done.returncode == code
    assert "name a file that is not there yet" in done.stderr
    assert (tmp_path / "lines").stat().st_mode & 0o777 == 0o600
    assert run("import", "--store", tmp_path / "two", "--from", tmp_path / "lines").returncode == 0
    assert run("import", "--store", tmp_path / "two", "--from", tmp_path / "missing").returncode == 1
    assert run("export", "--store", tmp_path / "two", "--json").returncode == 1


def test_a_shorter_log_of_the_same_chain_is_continued(tmp_path: Path) -> None:
    """From where it ends, also with lines that begin there."""
    log = fill(tmp_path / "one", "a", "b", "c", "d")
    records = list(log.read())
    for name, begin in (("two", 0), ("three", 2), ("four", 1)):
        other = SqliteLog.open(tmp_path / name)
        assert import_lines(other, map(to_line, records[:2])) == 2
        assert import_lines(other, map(to_line, records[begin:])) == 2
        assert other.head() == log.head()
    assert import_lines(log, map(to_line, records[:3])) == 0


def changed(line_: bytes, **members: object) -> bytes:
    return json.dumps({**json.loads(line_), **members}).encode() + b"\n"


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (2, {"body": '{"id":"i"}'}, "at position 2 does not fit: expected what follows position 1"),
        (3, {"hash": "00" * 32}, "at position 3 does not fit"),
        (3, {"previous": "00" * 32}, "at position 3 does not fit"),
        (3, {"position": 4}, "at position 4 does not fit: expected what follows position 2"),
        (3, {"position": 2}, "at position 2 does not fit"),
        (3, {"position": 0}, "at position 0 does not fit"),
        (1, {"hash": "00" * 32}, "at position 1 does not fit: the log has"),
        (2, {"body": 7}, "expected a record in line 2"),
    ],
)
def test_what_does_not_fit_is_refused_whole(
    tmp_path: Path, number: int, change: dict[str, object], said: str
) -> None:
    """The position is named, and the log stays as it was."""
    lines = [to_line(record) for record in fill(tmp_path / "one", "a", "b", "c", "d").read()]
    log = SqliteLog.open(tmp_path / "two")
    import_lines(log, lines[:1])
    before = log.head()
    lines[number - 1] = changed(lines[number - 1], **change)
    with pytest.raises(MisfitError, match=said):
        import_lines(log, lines)
    assert log.head() == before
    done = run("import", "--store", tmp_path / "two", given=b"".join(lines).decode())
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_another_log_is_refused(tmp_path: Path) -> None:
    """Also one that is longer, and whose own chain holds."""
    one = fill(tmp_path / "one", "a")
    two = fill(tmp_path / "two", "a", "b")
    with pytest.raises(MisfitError, match="position 1 does not fit: the log has"):
        import_lines(one, map(to_line, two.read()))


def test_a_body_that_is_none_is_refused(tmp_path: Path) -> None:
    """Even where its hash is right."""
    from services.event_log.records import Record, chain_hash

    digest = chain_hash(bytes(32), 1, b"{}").hex()
    with pytest.raises(MisfitError, match="position 1 does not fit: not a record"):
        import_lines(SqliteLog.open(tmp_path), [to_line(Record(1, GENESIS, digest, "{}"))])


def test_a_backup_while_the_service_runs(tmp_path: Path) -> None:
    """It is whole, verifies, is a log of its own that others can open, and the service goes on."""
    target = tmp_path / "backups" / "one"
    with running(tmp_path) as service:
        for number in range(5):
            service.call("POST", "/api/v1/messages", {"text": f"{number}"})
        done = run("backup", "--to", target, "--json", **{**configure(tmp_path), "ENV": "dev"})
        assert (done.returncode, done.stderr) == (0, "")
        service.call("POST", "/api/v1/messages", {"text": "later"})
        told = service.call("GET", "/health/ready").json["log"]
    found = json.loads(done.stdout)
    log = SqliteLog.open(tmp_path / "events", read_only=True)
    assert found == {"file": str(target / "events.db"), "position": 6, "hash": log.hash_at(6)}
    assert told["length"] == 7
    assert [path.name for path in target.iterdir()] == ["events.db"]
    assert target.stat().st_mode & 0o777 == 0o700
    assert (target / "events.db").stat().st_mode & 0o777 == 0o600
    assert run("verify", "--store", target).stdout == "ok: 6 records\n"
    assert [path.name for path in target.iterdir()] == ["events.db"]
    copy = SqliteLog.open(target)
    assert list(copy.read()) == list(log.read(limit=6))
    assert copy.append([new_entry("X", 1, NOW, {})])[0].position == 7


def test_a_backup_replaces_nothing_and_leaves_nothing_half(tmp_path: Path) -> None:
    """Not another log, and not for a chain that does not hold."""
    fill(tmp_path / "one", "a", "b", "c").close()
    fill(tmp_path / "two", "z").close()
    before = (tmp_path / "two" / "events.db").read_bytes()
    done = run("backup", "--store", tmp_path / "one", "--to", tmp_path / "two")
    assert (done.returncode, "already exists" in done.stderr) == (1, True)
    assert (tmp_path / "two" / "events.db").read_bytes() == before
    apsw.Connection(str(tmp_path / "one" / "events.db")).execute(
        "DROP TRIGGER events_update; UPDATE events SET body = body || ' ' WHERE position = 2"
    )
    done = run("backup", "--store", tmp_path / "one", "--to", tmp_path / "three")
    assert (done.returncode, "position 2 is not what was appended" in done.stderr) == (1, True)
    assert list((tmp_path / "three").iterdir()) == []
    done = run("backup", "--store", tmp_path / "missing", "--to", tmp_path / "four")
    assert (done.returncode, "there is no event log in" in done.stderr) == (1, True)
    assert not (tmp_path / "four").exists()


def test_the_log_of_an_environment(tmp_path: Path) -> None:
    """Found through the configuration; what is wrong with that is told."""
    head = fill(tmp_path / "events", "a").head()
    environment = {**configure(tmp_path), "ENV": "dev"}
    assert run("head", **environment).stdout == f"1 {head.hash}\n"
    assert run("verify", **environment).stdout == "ok: 1 record\n"
    done = run("head", ENV="prod")
    assert (done.returncode, "ENV: expected one of dev, staging, live" in done.stderr) == (78, True)


def test_the_head_of_no_log(tmp_path: Path) -> None:
    """It is that of an empty log, with which a first service begins; a person is told where there is none."""
    done = run("head", "--store", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"0 {GENESIS}\n")
    assert done.stderr == f"there is no event log in {tmp_path}\n  hint: the value of EVENT_STORE_PATH\n"
    done = run("head", "--store", tmp_path, "--json")
    nothing = {"position": 0, "hash": GENESIS}
    assert (json.loads(done.stdout), done.stderr) == ({**nothing, "holds": {}, "said": nothing}, "")
    fill(tmp_path).close()
    assert run("head", "--store", tmp_path).stderr == ""


def test_progress_is_for_terminals(tmp_path: Path) -> None:
    """There it is told while long work goes on, and wiped away behind it."""
    code = """
import sys
from services.event_log import progress
progress.PATIENCE_SECONDS = 0
from services.event_log.__main__ import main
sys.exit(main())
"""
    fill(tmp_path, *"abc").close()
    for terminal in (True, False):
        ours, theirs = pty.openpty()
        argv = [sys.executable, "-c", code, "verify", "--store", str(tmp_path)]
        stderr = theirs if terminal else subprocess.PIPE
        done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, check=True, timeout=30)
        os.close(theirs)
        said = os.read(ours, 4096) if terminal else done.stderr
        os.close(ours)
        assert said == (b"\rverified 3 of 3\r\x1b[K" if terminal else b"")
        assert done.stdout == b"ok: 3 records\n"
