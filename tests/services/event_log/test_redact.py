"""`python -m services.event_log redact`: the words are in no file any more, and the chain says so."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from services.event_log.errors import ConflictError, EventLogError
from services.event_log.records import Entry, new_entry
from services.event_log.redact import Order, Redacted, plan, redact
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.event_redaction import RedactionError, contradiction, notes
from services.projections.database import Projections
from tests.services.event_log.test_command import run
from tests.services.instance import configure, running

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECRET = "correct-horse"
ORDER = Order(2, "a password", "Ada")


def message(text: str) -> Entry:
    return new_entry("MessageRecorded", 1, NOW, {"text": text, "source": "api"}, f"api:{text[:2]}")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A log of three messages, the second of which holds a password."""
    with contextlib.closing(SqliteLog.open(tmp_path / "events")) as log:
        for text in ("before", f"it is {SECRET}", "after"):
            log.append([message(text)])
    return tmp_path / "events"


def opened(store: Path) -> contextlib.closing[SqliteLog]:
    return contextlib.closing(SqliteLog.open(store, read_only=True))


def holding(place: Path, words: str = SECRET) -> list[Path]:
    """The files that hold words, whatever kind of files they are."""
    files = [path for path in place.rglob("*") if path.is_file()]
    return [path for path in files if words.encode() in path.read_bytes().lower()]


def done(store: Path, order: Order = ORDER) -> Redacted:
    return redact(SqliteBackend(store), order, lambda: None)


def test_words_are_in_no_file_any_more(tmp_path: Path) -> None:
    """After a service has had them in its log, read models and search index; it finds the rest as ever."""
    environment = {**configure(tmp_path), "ENV": "dev"}
    with running(tmp_path) as service:
        for text in ("before", f"todo: {SECRET} due 2026-02-11 #{SECRET}", f"note: x{SECRET} stays"):
            service.call("POST", "/api/v1/messages", {"text": text}, Idempotency_Key=text[:4])
        busy = run("redact", "3", "a password", **environment)
        assert busy.returncode == 1
        assert "is in use by another process\n  hint: stop the service first" in busy.stderr
        positions = [entry["position"] for entry in service.call("GET", "/api/v1/timeline").json["entries"]]
    assert holding(tmp_path)
    with opened(tmp_path / "events") as log:
        old = log.head()
    answer = run("redact", "3", "a password", "--by", "Ada", "--json", **environment)
    assert (answer.returncode, answer.stderr) == (0, "")
    found = json.loads(answer.stdout)
    assert found["changed"] == [3, 4]
    assert (found["at"], found["length"], found["old_head"]) == (old.position + 1, old.position, old.hash)
    assert not holding(tmp_path / "events", f"todo: {SECRET}")
    assert not holding(tmp_path / "projections")
    with running(tmp_path) as service:
        entries = service.call("GET", "/api/v1/timeline").json["entries"]
        assert set(positions) <= {entry["position"] for entry in entries}
        (shown,) = [entry for entry in entries if entry["type"] == "EventRedacted"]
        assert (shown["data"]["by"], shown["data"]["reason"]) == ("Ada", "a password")
        assert service.call("GET", "/api/v1/todos").json["todos"][0]["text"] == "[redacted]"
        assert not service.call("GET", f"/api/v1/search?q={SECRET}").json["hits"]
        assert service.call("GET", f"/api/v1/search?q=x{SECRET}").json["hits"]
        again = service.call(
            "POST",
            "/api/v1/messages",
            {"text": "what was it"},
            Idempotency_Key="todo",
        )
        assert (again.status, again.json["position"], again.json["text"]) == (200, 3, "[redacted]")
    assert not holding(tmp_path / "projections", f"todo: {SECRET}")


def test_pages_and_wal_of_the_old_log_are_gone(store: Path) -> None:
    """Also what lies in free pages, and in a -wal that nobody has carried over."""
    with contextlib.closing(apsw.Connection(str(store / "events.db"))) as raw:
        raw.execute("CREATE TABLE t (x); INSERT INTO t VALUES (?)", (SECRET * 2000,))
        raw.execute("DROP TABLE t")
        reader = apsw.Connection(str(store / "events.db"))
        reader.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        reader.pragma("user_version")
        raw.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    reader.close()
    assert {path.name for path in holding(store)} == {"events.db", "events.db-wal"}
    done(store)
    assert holding(store) == []
    assert [path.name for path in store.iterdir()] == ["events.db"]


def test_chain_is_made_anew_from_there_and_says_so(store: Path) -> None:
    """Positions, keys and all in front of it stay; the note has both heads, and verify lists it."""
    with opened(store) as log:
        before, old = list(log.read()), log.head()
    result = done(store)
    with opened(store) as log:
        after = list(log.read())
        assert log.verify() is None
        assert log.damage() is None
        assert contradiction(log) is None
        (note,) = notes(log)
    assert after[0] == before[0]
    assert after[2].body == before[2].body
    assert after[2].hash != before[2].hash
    assert [record.position for record in after] == [1, 2, 3, 4]
    event = after[1].entry()
    assert (event.redacted, event.idempotency_key) == (4, before[1].entry().idempotency_key)
    assert (note.at, note.event.position, note.event.positions) == (4, 2, (2,))
    assert (note.event.by, note.event.reason) == ("Ada", "a password")
    assert (note.event.old_head, note.event.new_head) == (old.hash, after[2].hash)
    assert (result.old_head, result.new_head, result.done) == (old.hash, after[2].hash, True)
    verified = json.loads(run("verify", "--store", store, "--json").stdout)
    heads = {"old_head": old.hash, "new_head": after[2].hash}
    assert verified["redactions"] == [{"position": 2, "at": 4, **heads}]
    assert (store / "events.db").stat().st_mode & 0o777 == 0o600


def test_key_of_a_redacted_event_stays(store: Path) -> None:
    """A repeat is one, whatever it says: nobody can compare it. Its type still has to be the same."""
    done(store)
    with contextlib.closing(SqliteLog.open(store)) as log:
        key = "api:it"
        (record,) = log.append([new_entry("MessageRecorded", 1, NOW, {"text": "else", "source": "api"}, key)])
        assert record.position == 2
        with pytest.raises(ConflictError):
            log.append([new_entry("NoteTaken", 1, NOW, {"text": "else", "source": "api"}, key)])
        assert log.head().position == 4


def test_redacting_twice_changes_nothing(store: Path) -> None:
    """The repeat returns the first redaction; other events can be redacted before and behind the event."""
    first = done(store)
    content = (store / "events.db").read_bytes()
    again = done(store, Order(2, "another reason", "Eve"))
    assert (again.done, again.at, again.by, again.new_head) == (False, 4, "Ada", first.new_head)
    assert (plan(SqliteBackend(store), 2).at, (store / "events.db").read_bytes()) == (4, content)
    assert done(store, Order(1, "too", "Ada")).at == 5
    assert done(store, Order(3, "and", "Ada")).at == 6
    with opened(store) as log:
        assert contradiction(log) is None
        assert [note.event.position for note in notes(log)] == [2, 1, 3]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order(9, "why", "Ada"), "there is no event at position 9: the log ends at 4"),
        (Order(2, " ", "Ada"), "expected a reason"),
        (Order(2, f"it is {SECRET} that I said", "Ada"), "the reason repeats the words"),
        (Order(4, "why", "Ada"), "the note of a redaction"),
    ],
)
def test_what_cannot_be_redacted_is_refused(store: Path, order: Order, said: str) -> None:
    """And the log is as it was."""
    done(store, Order(3, "it was said", "Ada"))
    before = (store / "events.db").read_bytes()
    with pytest.raises(RedactionError, match=said):
        done(store, order)
    assert ((store / "events.db").read_bytes(), [path.name for path in store.iterdir()]) == (
        before,
        ["events.db"],
    )


def test_damaged_log_is_not_redacted(store: Path) -> None:
    """A redaction would make a valid chain of records that somebody has changed."""
    apsw.Connection(str(store / "events.db")).execute(
        "DROP TRIGGER events_update; UPDATE events SET body = body || ' ' WHERE position = 3"
    )
    with pytest.raises(EventLogError, match="position 3 is not what was appended"):
        done(store)
    assert holding(store)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("json_set(body, '$.redacted', 4) WHERE position = 3", "position 3 is marked as redacted"),
        (
            "json_remove(body, '$.redacted') WHERE position = 2",
            "at position 4 says that 2 was redacted, and it was not",
        ),
        ("json_set(body, '$.data.new_head', 'x') WHERE position = 4", "at position 4 does not name the hash"),
    ],
)
def test_chain_that_was_rewritten_without_its_note_does_not_verify(
    store: Path, change: str, said: str
) -> None:
    """Though every hash in it is right: what says that it was redacted does not agree."""
    done(store)
    _forge(store, change)
    answer = run("verify", "--store", store, "--json")
    assert answer.returncode == 1
    assert said in json.loads(answer.stdout)["problem"]


def _forge(store: Path, change: str) -> None:
    from services.event_log.chain import behind
    from services.event_log.summary import BEGINNING, Head

    with contextlib.closing(apsw.Connection(str(store / "events.db"))) as raw:
        raw.execute(f"DROP TRIGGER events_update; UPDATE events SET body = {change}")  # noqa: S608
        head = BEGINNING
        for (body,) in raw.execute("SELECT body FROM events ORDER BY position").fetchall():
            record = behind(head, str(body))
            head = Head(record.position, record.hash)
            values = (bytes.fromhex(record.previous), bytes.fromhex(record.hash), record.position)
            raw.execute("UPDATE events SET previous = ?, hash = ? WHERE position = ?", values)


def test_read_models_of_every_schema_are_removed_before_the_log_changes(store: Path, tmp_path: Path) -> None:
    """A crash in between would leave the words in the read models of other releases."""
    stem = tmp_path / "projections" / "helionyx.db"
    with opened(store) as log, contextlib.closing(Projections.open(stem)) as projections:
        projections.catch_up(log)
    other = stem.with_name("helionyx-0123456789ab.db-wal")
    for name in (other.name, "helionyx-notes.db", "else-0123456789ab.db"):
        stem.with_name(name).write_text(SECRET)
    seen: list[list[str]] = []

    def ready() -> None:
        from services.projections.files import remove_all

        remove_all(stem)
        seen.append([path.name for path in holding(tmp_path / "projections")])
        assert holding(store)

    redact(SqliteBackend(store), ORDER, ready)
    assert sorted(seen[0]) == ["else-0123456789ab.db", "helionyx-notes.db"]
