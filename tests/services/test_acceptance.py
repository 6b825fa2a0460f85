"""An acceptance: each listed request is really checked, and nothing but the copy is touched."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import services.projections.build as build
from services import acceptance, event_codec
from services.acceptance_copy import LOG, copy
from services.acceptance_requests import REQUESTS
from services.acceptance_run import FaultError, Session, differs, fault, outcome_of, run
from services.bootstrap import bootstrap
from services.config import Config
from services.event_log.errors import EventLogError
from services.event_log.records import new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.projections.database import Projections
from services.recorder import Recorder
from services.telegram import bot
from tests.services.instance import configure, running

Patch = pytest.MonkeyPatch


def config(directory: Path, **values: str) -> Config:
    """A configuration for data below `directory`."""
    return Config.from_env("dev", variables=configure(directory, **values))


def accept(directory: Path) -> dict[str, Any]:
    """Copy the log below `directory` and run the acceptance on the copy."""
    copy(SqliteBackend(directory / "events"), directory / "copy")
    return run(directory / "copy", config(directory), "a-release")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The data directory of a service that has recorded three messages."""
    draft = new_entry("MessageRecorded", 1, datetime.now(UTC), {"source": "api", "text": "hello"})
    with contextlib.closing(SqliteLog.open(tmp_path / "events")) as log:
        log.append([draft] * 3)
    return tmp_path


def test_release_without_a_fault(store: Path) -> None:
    """All requests are sent, and the log that was copied stays as it is."""
    before = (store / "events" / "events.db").read_bytes()
    result = accept(store)
    events = sum(request.events for request in REQUESTS)
    assert (result["requests"], result["position"]) == (len(REQUESTS), 3 + events + 2)  # a start and a stop
    assert (store / "events" / "events.db").read_bytes() == before
    assert not (store / "projections").exists()
    assert not list(store.glob("events.*"))


def test_before_there_is_a_log(tmp_path: Path) -> None:
    """The first release of an environment begins a log of its own."""
    assert accept(tmp_path)["position"] > 0
    assert not (tmp_path / "events").exists()


def test_beside_a_service_that_records(tmp_path: Path) -> None:
    """The copy is made while the service runs, which goes on, and no backup is noted."""
    with running(tmp_path) as instance:
        instance.call("POST", "/api/v1/messages", {"text": "a"})
        before = instance.call("GET", "/health/ready").json["log"]
        accept(tmp_path)
        assert instance.call("GET", "/health/ready").json["log"] == before
    assert not list(tmp_path.glob("*.last_backup"))


def test_bot_is_not_made(store: Path, monkeypatch: Patch) -> None:
    """A configured bot is not started, whatever the variables of the process."""
    monkeypatch.setattr(bot.Telegram, "start", lambda _: pytest.fail("the bot was started"))
    monkeypatch.setenv("TELEGRAM", "1")
    copy(SqliteBackend(store / "events"), store / "copy")
    token = config(store, TELEGRAM_BOT_TOKEN="123456:" + "a" * 35)
    assert token.telegram_bot_token
    assert run(store / "copy", token, None)["requests"] == len(REQUESTS)


def test_each_request_is_checked(store: Path) -> None:
    """Another status, another answer or another number of events of any request is a fault."""

    async def check_all() -> None:
        settings = config(store)
        session = Session(bootstrap(settings, {}), settings.api_token)
        await session.application.service.open()
        for request in REQUESTS:
            outcome = await outcome_of(session, request)
            answer = session.fill(dict(request.answer))
            assert fault(outcome, request, answer) == "", request
            assert "expected status 418" in fault(outcome, replace(request, status=418), answer)
            assert "new events" in fault(outcome, replace(request, events=request.events + 1), answer)
            for member in answer:
                assert f"expected the answer.{member}" in fault(outcome, request, {**answer, member: "no"})
            if request.name:
                session.values[request.name] = outcome.body.get("number", outcome.body.get("position"))
        await session.application.service.close()

    asyncio.run(check_all())


def _cannot_append(monkeypatch: Patch) -> None:
    def fail(*_: object) -> None:
        raise EventLogError("no append today")

    monkeypatch.setattr(SqliteLog, "append_each", fail)


def _loses_keys(monkeypatch: Patch) -> None:
    draft_of = event_codec.draft_of
    monkeypatch.setattr("services.service.draft_of", lambda event, _=None: draft_of(event))


def _does_not_enter(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Recorder, "_follow", lambda *_: None)


def _enters_half(monkeypatch: Patch) -> None:
    """Skip events where few are entered at a time, as the running service does."""
    enter = build.enter

    def skip(connection: Any, events: list[Any]) -> None:
        if len(events) == 1 and events[0].type == "NoteTaken":
            return
        enter(connection, events)

    monkeypatch.setattr(build, "enter", skip)


def _enters_twice(monkeypatch: Patch) -> None:
    """Change a row that no answer shows."""
    catch_up = Projections.catch_up

    def count_too_much(projections: Projections, *arguments: Any) -> int:
        position = catch_up(projections, *arguments)
        if not projections._shared:
            projections._connection.execute("UPDATE counts SET events = events + 1")
        return position

    monkeypatch.setattr(Projections, "catch_up", count_too_much)


FAULTS: dict[str, tuple[Callable[[Patch], None], str]] = {
    "cannot append": (_cannot_append, "POST /api/v1/messages: expected status 201, got 503"),
    "loses idempotency keys": (_loses_keys, "POST /api/v1/messages: expected status 200, got 201"),
    "does not enter": (_does_not_enter, "expected"),
    "enters half": (_enters_half, "expected"),
    "enters rows that no answer shows": (_enters_twice, "differ from a rebuild"),
}


@pytest.mark.parametrize(("spoil", "message"), FAULTS.values(), ids=FAULTS)
def test_broken_release(
    store: Path, monkeypatch: Patch, spoil: Callable[[Patch], None], message: str
) -> None:
    """Each kind of fault ends the acceptance with the request or the comparison that shows it."""
    spoil(monkeypatch)
    with pytest.raises(FaultError, match=message):
        accept(store)


def test_directory_without_a_copy_is_refused(
    store: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The data directory of a service has no copy, so nothing can be recorded there."""
    for name, value in configure(store).items():
        monkeypatch.setenv(name, value)
    before = (store / "events" / "events.db").read_bytes()
    assert acceptance.main(["run", "--in", str(store)]) == 1
    assert "has no copy of a log" in capsys.readouterr().err
    assert (store / "events" / "events.db").read_bytes() == before


def test_command_prints_the_fault(
    store: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A faulty release ends `run` with exit code 1 and a JSON object that has the problem."""
    for name, value in configure(store).items():
        monkeypatch.setenv(name, value)
    directory = str(store / "copy")
    assert acceptance.main(["copy", "--json", "--store", str(store / "events"), "--to", directory]) == 0
    assert json.loads(capsys.readouterr().out)["position"] == 3
    assert (store / "copy" / LOG / "events.db").exists()
    _loses_keys(monkeypatch)
    assert acceptance.main(["run", "--json", "--in", directory]) == acceptance.FAULTY
    printed = json.loads(capsys.readouterr().out)
    assert (printed["ok"], "got 201" in printed["problem"]) == (False, True)


@pytest.mark.parametrize(
    ("actual", "expected", "difference"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, ""),
        ({"a": [1, 2]}, {"a": [1]}, ""),
        ({"a": []}, {"a": [1]}, "expected the answer.a to be [1], got '[]'"),
        ({"a": {"b": None}}, {"a": {"b": 1}}, "expected the answer.a.b to be 1, got 'None'"),
        ({}, {"a": 1}, "expected the answer.a to be 1, got 'None'"),
    ],
)
def test_differences(actual: object, expected: object, difference: str) -> None:
    """An expected object may have more members, and a list more items behind the expected ones."""
    assert differs(actual, expected) == difference
