"""The references of the interfaces (HTTP, command line, bot, contract) are complete and true."""

from __future__ import annotations

import argparse
import contextlib
import grp
import html
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployment.build import units
from deployment.host.apply import rehearsal
from deployment.host.apply.steps import STEPS
from deployment.host.node import probe
from deployment.host.values.layout import Environment
from deployment.host.values.step import Step
from deployment.settings import ROOT
from services.acceptance import main as acceptance
from services.api import openapi
from services.api.app import OPERATIONS
from services.api.exposition import State, rendered
from services.api.measures import Measures
from services.certificate_copy import content_of
from services.certificate_copy import main as certificate_copy
from services.cli import __main__ as cli
from services.cli.arguments import parser
from services.config import main as config
from services.durations import Durations
from services.event_log.__main__ import main as event_log
from services.event_log.records import new_entry
from services.event_log.sqlite.backend import SqliteBackend
from services.event_log.sqlite.log import SqliteLog
from services.identity import Identity
from services.projections.__main__ import main as projections
from services.telegram.__main__ import main as telegram
from services.telegram.answers import QUESTIONS
from services.telegram.changes import COMMANDS
from services.telegram.status import Status
from tests.services.certificates import pair_in
from tests.services.instance import Instance, configure
from tests.services.person import Person, beside_service
from tests.test_docs import code, table

API = (ROOT / "docs" / "API.md").read_text()
BOT = (ROOT / "docs" / "BOT.md").read_text()
CLI = (ROOT / "docs" / "CLI.md").read_text()
CONTRACT = (ROOT / "docs" / "ARCHITECTURE.md").read_text().partition("## The contract")[2]
ENDPOINTS = {code(row[0])[0]: row[1] for row in table(API, "| endpoint | what it does |")}
VERBS = {code(row[0])[0].split()[0]: row for row in table(CLI, "| command | what it does |")}
NOW = datetime(2026, 2, 10, tzinfo=UTC)
TIME = re.compile(r"(?<!due )20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]")
MODULES = {
    "services.acceptance": acceptance,
    "services.certificate_copy": certificate_copy,
    "services.config": config,
    "services.event_log": event_log,
    "services.projections": projections,
    "services.telegram": telegram,
}


def described() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each endpoint of the OpenAPI description, such as `GET /health`, with its operation."""
    paths = openapi.document([*OPERATIONS, openapi.OPERATIONS])["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_endpoint_has_a_row() -> None:
    """The table of API.md has a row for each endpoint, and no other."""
    assert sorted(ENDPOINTS) == sorted(name for name, _ in described())


def test_query_parameters_are_those_of_the_endpoint() -> None:
    """The row of an endpoint names all of its query parameters, and no other."""
    components = openapi.document([*OPERATIONS, openapi.OPERATIONS])["components"]["parameters"]
    for endpoint, operation in described():
        parameters = [
            components[item["$ref"].rpartition("/")[2]] if "$ref" in item else item
            for item in operation.get("parameters", ())
        ]
        query = {item["name"] for item in parameters if item["in"] == "query"}
        assert {item for item in code(ENDPOINTS[endpoint]) if item.islower()} == query, endpoint


def test_every_metric_is_documented(tmp_path: Path) -> None:
    """API.md names each metric as the answer does, and no other."""
    status = Status("polling", last_poll=NOW)
    identity = Identity("helionyx", "dev", "checkout", "2026-02-10T13:30:00Z", rehearsal=False)
    state = State(identity, 0.0, True, 1, 1, status, SqliteBackend(tmp_path), Durations(), 1.0)
    text = rendered(state, Measures([]), "")[0].decode()
    names = set(re.findall(r"^# TYPE (helionyx_\w+)", text, re.MULTILINE))
    assert {item for item in code(API) if item.startswith("helionyx_")} == names


def options(verb: argparse.ArgumentParser) -> set[str]:
    """The options of a command that not every command has."""
    everywhere = {"-h", "--help", "--env", "--url", "--json"}
    return {name for action in verb._actions for name in action.option_strings} - everywhere


def test_every_command_has_a_row() -> None:
    """The row of a command names each of its options. Lists refer to the options of the first list."""
    subparsers = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    assert set(VERBS) == set(subparsers.choices)
    for name, verb in subparsers.choices.items():
        row = VERBS["todos" if "the same options" in VERBS[name][1] else name]
        assert set(re.findall(r"`(--?[a-z]+)", row[1])) == options(verb), name


def test_every_command_of_the_bot_has_a_row() -> None:
    """The table of BOT.md has each command of the bot, and no other."""
    rows = table(BOT, "| command | what it does |")
    named = {item.split()[0] for row in rows for item in code(row[0])}
    assert named == {f"/{name}" for name in (*QUESTIONS, *COMMANDS)}


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Person, Instance]]:
    """A person and a service in Vienna, where the session of the documentation takes place."""
    with beside_service(tmp_path_factory.mktemp("session"), TIMEZONE="Europe/Vienna") as both:
        yield both


def test_session_prints_what_is_documented(
    beside: tuple[Person, Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of the session in CLI.md print what stands below them, but for times."""
    person, _ = beside
    monkeypatch.setenv("ENV_DIR", str(person.directory))
    monkeypatch.delenv("ENV", raising=False)
    session = CLI.partition("## A session")[2].partition("\n\nOn a terminal")[0]
    shown = [line.removeprefix("    ") for line in session.strip("\n").splitlines()]
    printed = []
    for line in shown:
        if line.startswith("$ helionyx "):
            output = io.TextIOWrapper(io.BytesIO(), "utf-8")
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                cli.main(shlex.split(line)[2:])
            output.flush()
            printed += [line, *output.buffer.getvalue().decode().splitlines()]
    assert [TIME.sub("TIME", line) for line in printed] == [TIME.sub("TIME", line) for line in shown]


OPEN = ("digests", "holds", "reads", "writes")  # members that have others in each environment


def shape(value: Any) -> Any:
    """The members of an object and of those in it."""
    if not isinstance(value, dict):
        return None
    return {key: None if key in OPEN else shape(item) for key, item in value.items()}


def examples(first: str) -> dict[str, Any]:
    """The lines of the contract that begin with `first`, without it, and the JSON below each of them."""
    found = re.findall(rf"^    {re.escape(first)}(.*)\n((?:    [ {{].*\n)+)", CONTRACT, re.MULTILINE)
    return {line: json.loads(text) for line, text in found}


def test_readiness_is_as_documented(beside: tuple[Person, Instance]) -> None:
    """The answer of /health/ready has the members that ARCHITECTURE.md shows."""
    answer = beside[1].call("GET", "/health/ready").json
    assert shape(answer) == shape(examples("GET ")["/health/ready"])


COMMANDS_SHOWN = {**examples("$ run.py "), **examples("$ python -m ")}


def test_contract_has_every_command_that_the_deployment_runs() -> None:
    """ARCHITECTURE.md shows each module of a release that deployment/ names, with its verb."""
    text = "".join(path.read_text() for path in sorted((ROOT / "deployment").rglob("*.py")))
    run = set(re.findall(r'"(services\.\w+)",\s*"(\w+)"', text))
    run |= {("services.event_log", verb) for verb in re.findall(r'_argv\("(\w+)"', text)}
    assert run == {tuple(command.split()[:2]) for command in COMMANDS_SHOWN}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The directory of an event log with one message."""
    with contextlib.closing(SqliteLog.open(tmp_path / "events")) as log:
        log.append([new_entry("MessageRecorded", 1, NOW, {"source": "api", "text": "a secret word"})])
    return tmp_path / "events"


@pytest.mark.parametrize("command", COMMANDS_SHOWN)
def test_commands_print_what_is_documented(
    command: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command of the contract prints an object with the members that ARCHITECTURE.md shows."""
    module, *words = command.split()
    values = {"DIR": str(store), "STEM": str(store.parent / "h.db"), "POSITION": "1", "REASON": "a mistake"}
    if module == "services.certificate_copy":
        pair = pair_in(store.parent)
        (store.parent / "both.pem").write_bytes(content_of(pair))
        values |= {
            "CERT": str(pair.certificate),
            "KEY": str(pair.key),
            "BOTH": str(store.parent / "both.pem"),
        }
        values["GROUP"] = grp.getgrgid(os.getgid()).gr_name
    arguments = [values.get(word, word) for word in words]
    if "--to" in arguments:
        arguments[arguments.index("--to") + 1] = str(store.parent / "copy")
    if "import" in arguments:
        arguments[arguments.index("--store") + 1] = str(store.parent / "empty")
    if "--in" in arguments:
        arguments[arguments.index("--in") + 1] = str(store.parent / "tried")
        acceptance(["copy", "--store", str(store), "--to", str(store.parent / "tried")])
        capsys.readouterr()
        for name, value in configure(store.parent).items():
            monkeypatch.setenv(name, value)
    file = Person.at(store.parent, 8000)
    given = io.BytesIO((file.directory / ".env.dev").read_bytes() if "--file -" in command else b"")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    assert MODULES[module](arguments) == 0
    assert shape(json.loads(capsys.readouterr().out)) == shape(COMMANDS_SHOWN[command])


def test_limits_of_the_process_are_those_of_its_unit() -> None:
    """The seconds and bytes that ARCHITECTURE.md names are those that units and probe have."""
    environment = Environment("dev")
    service = units.render(environment, "3.11", {"api_host": "127.0.0.1", "api_port": 8000})[
        environment.service
    ].decode()
    limits = dict(re.findall(r"^(\w+Sec)=(\d+)$", service, re.MULTILINE))
    text = " ".join(CONTRACT.split())
    assert f"`READY=1` within {limits['TimeoutStartSec']} s" in text
    assert f"`WATCHDOG=1` at least every {limits['WatchdogSec']} s" in text
    assert f"ends with 0 within {limits['TimeoutStopSec']} s of SIGTERM ({rehearsal.STOP} s in a" in text
    assert f"at most {probe.LONGEST // 1024} kB" in text


def test_picture_shows_steps_that_exist() -> None:
    """Each step in docs/images/deploy.svg has its present name. scripts/picture.py draws the picture."""
    picture = html.unescape((ROOT / "docs" / "images" / "deploy.svg").read_text()).replace("\xa0", " ")
    shown = [title.strip() for title in re.findall("✓</text><text [^>]*>(.{45})", picture)]
    known = ["connect to", "build release", "upload release", *(Step(verb).title for verb in STEPS)]
    assert shown
    assert [title for title in shown if not f"{title} ".startswith(tuple(f"{name} " for name in known))] == []
