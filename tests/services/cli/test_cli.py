"""The command line beside a service: what is said, shown and refused."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.instance import TOKEN, Instance, free_port
from tests.services.person import Person, beside_service


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[tuple[Person, Instance]]:
    """A person and a service."""
    with beside_service(tmp_path) as both:
        yield both


def texts(instance: Instance) -> list[str]:
    """What the service was told."""
    return [message["text"] for message in instance.call("GET", "/api/v1/messages").json["messages"]]


def test_what_is_said_is_kept(beside: tuple[Person, Instance]) -> None:
    """As typed, or as standard input has it."""
    person, service = beside
    for words, given in (
        (["Grüße", "an", "alle"], ""),
        (["-"], "two\nlines\n"),
        ([], " with   spaces\n"),
        (["--", "-5", "degrees"], ""),
    ):
        done = person.run("say", *words, given=given)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1
    assert texts(service) == ["Grüße an alle", "two\nlines", " with   spaces", "-5 degrees"]


def test_json_is_one_object(beside: tuple[Person, Instance]) -> None:
    """Before the verb or behind it."""
    person, service = beside
    for words in (["say", "--json", "x"], ["--json", "say", "x"]):
        answer = json.loads(person.run(*words).stdout)
        assert (answer["text"], answer["source"]) == ("x", "api")
    assert json.loads(person.run("status", "--json").stdout)["ready"] is True
    assert texts(service) == ["x", "x"]


def test_status_says_who_is_there(beside: tuple[Person, Instance]) -> None:
    """Also to somebody whose token is wrong: /health wants none."""
    person, service = beside
    Person.at(person.directory, service.port, API_TOKEN="another-token-than-that-of-the-service")
    done = person.run("status")
    assert done.returncode == 0
    facts = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert (facts["environment"], facts["release"], facts["ready"]) == ("dev", "checkout", "yes")


def test_wrong_token_names_its_file(beside: tuple[Person, Instance]) -> None:
    """And neither token is shown."""
    person, service = beside
    wrong = "another-token-than-that-of-the-service"
    Person.at(person.directory, service.port, API_TOKEN=wrong)
    done = person.run("say", "x")
    assert done.returncode == 1
    assert f"this command sent the API_TOKEN of {person.directory}/.env.dev" in done.stderr
    for secret in (wrong, TOKEN):
        assert secret not in done.stdout + done.stderr
    assert texts(service) == []


def test_a_refusal_is_in_the_words_of_the_service(beside: tuple[Person, Instance]) -> None:
    """Its detail, and exit code 1."""
    person, service = beside
    answer = service.call("POST", "/api/v1/decisions/1/accept").json
    done = person.run("accept", "1")
    assert (done.returncode, done.stderr) == (1, f"error: {answer['detail']}\n")


def test_nobody_there(tmp_path: Path) -> None:
    """Who only asks hears so at once: where, and what starts it."""
    person = Person.at(tmp_path, port := free_port())
    begun = time.monotonic()
    for verb in ("todos", "status", "stats", "events"):
        done = person.run(verb)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"no answer from http://127.0.0.1:{port}: Connection refused" in done.stderr
        assert "make start ENV=dev" in done.stderr
    assert time.monotonic() - begun < 10


def test_live_has_to_be_named(beside: tuple[Person, Instance]) -> None:
    """On the command line, each time: a variable that merely stands there is refused. Others are heard."""
    person, service = beside
    done = person.run("say", "x", ENV="live")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--env live" in done.stderr
    assert texts(service) == []
    assert ".env.live" in person.run("say", "x", "--env", "live").stderr
    assert ".env.staging" in person.run("say", "x", ENV="staging").stderr
    assert person.run("say", "x", ENV="something else").returncode == 0


def test_a_url_leads_elsewhere(beside: tuple[Person, Instance]) -> None:
    """By variable or by option; not to another environment than was named, not even with the right token."""
    person, service = beside
    url = f"http://127.0.0.1:{service.port}/"
    Person.at(person.directory, free_port())
    assert person.run("say", "one", HELIONYX_URL=url).returncode == 0
    assert person.run("--url", url, "say", "two", HELIONYX_URL="http://127.0.0.1:1").returncode == 0
    Person.at(person.directory, free_port(), "live")
    done = person.run("say", "three", "--env", "live", HELIONYX_URL=url)
    assert done.returncode == 1
    assert f"http://127.0.0.1:{service.port} is the service of dev, not of live" in done.stderr
    assert texts(service) == ["one", "two"]


@pytest.mark.parametrize(
    "url",
    [
        "http://me:a-secret@127.0.0.1",
        "127.0.0.1:8000",
        "ftp://x",
        "http:///x",
        "http://x:99999",
        "http://x?y",
    ],
)
def test_a_url_that_is_none(tmp_path: Path, url: str) -> None:
    """Is not understood, and not shown: there may be a password in it."""
    done = Person.at(tmp_path, 1).run("status", HELIONYX_URL=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert url not in done.stderr
    assert "http://192.0.2.10:8000" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        *(
            [],
            ["nonsense"],
            ["done"],
            ["done", "x"],
            ["done", "-1"],
            ["due", "1"],
            ["todos", "1", "2"],
        ),
        *(["accept"], ["events", "--after", "x"], ["say", "--env", "elsewhere", "x"], ["search"]),
    ],
)
def test_what_is_not_understood(tmp_path: Path, words: list[str]) -> None:
    """Exit code 2, and how it is used."""
    done = Person.at(tmp_path, 1).run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: helionyx" in done.stderr


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Are refused before anything is sent."""
    done = Person.at(tmp_path, 1).run("say", given=b"gr\xfc\xdfe")
    assert done.returncode == 2
    assert "UTF-8" in done.stderr


def test_a_configuration_that_is_no_use(tmp_path: Path) -> None:
    """Each of its problems is named."""
    done = Person.at(tmp_path, 1, TIMEZONE="Europe/Nowhere", LOG_LEVEL="LOUD").run("status")
    assert done.returncode == 1
    assert "TIMEZONE" in done.stderr
    assert "LOG_LEVEL" in done.stderr


class Refusing(http.server.BaseHTTPRequestHandler):
    """Refuses everything, with a hint."""

    def do_POST(self) -> None:
        """Answer as the service does."""
        self.send_response(422)
        self.send_header("Content-Type", "application/problem+json")
        self.end_headers()
        self.wfile.write(json.dumps({"detail": "expected this", "hint": "do that"}).encode())


@contextlib.contextmanager
def stranger(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """A server of something else: its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_somebody_else_answers(tmp_path: Path) -> None:
    """Whatever it says, it is not taken for an answer."""
    with stranger(http.server.SimpleHTTPRequestHandler) as port:
        person = Person.at(tmp_path, port)
        for words in (["say", "x"], ["todos"], ["events"], ["status"]):
            done = person.run(*words)
            assert (done.returncode, done.stdout) == (1, "")
            assert f"expected Helionyx at http://127.0.0.1:{port}" in done.stderr


def test_a_hint_is_passed_on(tmp_path: Path) -> None:
    """Below what it is the hint for."""
    with stranger(Refusing) as port:
        done = Person.at(tmp_path, port).run("say", "x")
    assert (done.returncode, done.stderr) == (1, "error: expected this\nhint: do that\n")
