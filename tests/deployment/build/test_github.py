"""GitHub's check runs as a proof, asked of a server that answers as its documentation says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployment.build import github
from tests.e2e.operator import git

COMMIT = "c0ffee" * 6 + "c0ff"
TOKEN = "a-token-for-github"
Reply = tuple[int, dict[str, str], bytes]


def runs(*conclusions: tuple[str, str | None], total: int | None = None) -> Reply:
    """An answer with these check runs, as the documentation of the endpoint shows it."""
    listed = [
        {
            "id": number,
            "name": name,
            "status": "completed" if conclusion else "in_progress",
            "conclusion": conclusion,
        }
        for number, (name, conclusion) in enumerate(conclusions, 1)
    ]
    body = {"total_count": total or len(listed), "check_runs": listed}
    return 200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(body).encode()


class GitHub(ThreadingHTTPServer):
    """The server: it gives the replies one after the other, and remembers what it was asked."""

    replies: list[Reply]
    asked: list[tuple[str, str | None]]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: GitHub

    def do_GET(self) -> None:
        """Answer with the next reply."""
        self.server.asked.append((self.path, self.headers["Authorization"]))
        status, headers, body = self.server.replies.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[GitHub]:
    """GitHub on loopback."""
    made = GitHub(("127.0.0.1", 0), Handler)
    made.replies, made.asked = [], []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose origin is on GitHub, and whose ruleset asks for two checks."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "git@github.com:ada/helionyx.git")
    rule = {"required_status_checks": [{"context": "lint"}, {"context": "e2e"}]}
    (tmp_path / ".github" / "rulesets").mkdir(parents=True)
    rules = {"rules": [{"type": "deletion"}, {"type": "required_status_checks", "parameters": rule}]}
    (tmp_path / github.RULESET).write_text(json.dumps(rules))
    return tmp_path


def ask(root: Path, server: GitHub, *replies: Reply, **environ: str) -> github.Answer:
    """Ask about the commit."""
    server.replies[:] = replies
    base = f"http://127.0.0.1:{server.server_address[1]}"
    return github.check_runs(root, COMMIT, {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": base, **environ})


def test_needed_checks_that_are_green_are_a_proof(checkout: Path, server: GitHub) -> None:
    """Whatever the others say; the deploy may be a check of the same commit, which has not ended."""
    answer = ask(checkout, server, runs(("lint", "success"), ("e2e", "success"), ("deploy", None)))
    assert answer == github.Answer(True, "2 green check runs on GitHub")
    ((path, authorization),) = server.asked
    assert path == f"/repos/ada/helionyx/commits/{COMMIT}/check-runs?per_page=100&page=1"
    assert authorization == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("listed", "named"),
    [
        ([("lint", "success")], "e2e"),
        ([("lint", "success"), ("e2e", "failure")], "e2e"),
        ([("lint", "success"), ("e2e", None)], "e2e"),
        ([("lint", "success"), ("e2e", "success"), ("e2e", "failure")], "e2e"),
        ([("lint", "skipped"), ("e2e", "success")], "lint"),
        ([], "e2e, lint"),
    ],
)
def test_check_that_is_not_green_is_named(
    checkout: Path, server: GitHub, listed: list[tuple[str, str | None]], named: str
) -> None:
    """Missing, failed, under way, failed when it was run again, or skipped."""
    answer = ask(checkout, server, runs(*listed))
    assert answer == github.Answer(False, f"GitHub has no green check run: {named}")


def test_pages_are_read_one_after_the_other(checkout: Path, server: GitHub) -> None:
    """As long as they are full."""
    first = runs(*[(f"matrix {number}", "success") for number in range(100)], total=102)
    answer = ask(checkout, server, first, runs(("lint", "success"), ("e2e", "success"), total=102))
    assert answer.passed
    assert [path.rpartition("=")[2] for path, _ in server.asked] == ["1", "2"]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((401, JSON, b'{"message": "Bad credentials"}'), "status 401: the token is not valid"),
        ((403, JSON, b"{}"), "status 403: the token may not read checks"),
        ((403, JSON | {"x-ratelimit-remaining": "0"}, b"{}"), "status 403: too many requests"),
        ((404, JSON, b'{"message": "Not Found"}'), "status 404: no such commit there"),
        ((503, {}, b"<html>"), "status 503: no answer about checks"),
        ((302, {"Location": "http://127.0.0.1:1/elsewhere"}, b""), "status 302: no answer about checks"),
        ((200, JSON, b"<html>"), "Expecting value"),
        ((200, JSON, b'{"check_runs": [1]}'), "no list of check runs"),
        ((200, JSON, b"[]"), "no list of check runs"),
    ],
)
def test_answer_that_says_nothing_is_no_proof(
    checkout: Path, server: GitHub, reply: Reply, reason: str
) -> None:
    """With the reason, and never with the token."""
    answer = ask(checkout, server, reply)
    assert not answer.passed
    assert answer.text.startswith("GitHub: ")
    assert reason in answer.text
    assert TOKEN not in answer.text
    assert len(server.asked) == 1


@pytest.mark.parametrize("token", [f"{TOKEN}\r", f"{TOKEN}\n", f" {TOKEN}\r\n"])
def test_blanks_around_a_token_are_no_part_of_it(checkout: Path, server: GitHub, token: str) -> None:
    """Such as the line end of the file that it was read from."""
    answer = ask(checkout, server, runs(("lint", "success"), ("e2e", "success")), GITHUB_TOKEN=token)
    assert answer.passed
    assert server.asked[0][1] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("token", [f"{TOKEN}\nX-Other: 1", f"{TOKEN} 2", f"{TOKEN}…", f"{TOKEN}\x00"])
def test_token_that_cannot_be_one_is_neither_sent_nor_shown(
    checkout: Path, server: GitHub, token: str
) -> None:
    """The name of its variable is enough."""
    answer = ask(checkout, server, GITHUB_TOKEN="", GH_TOKEN=token)
    assert answer == github.Answer(False, "GitHub: GH_TOKEN has characters that are in no token")
    assert server.asked == []


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-other\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 200_000,
    ],
    ids=["another protocol", "cut off", "nested without end"],
)
def test_answer_that_cannot_be_read_is_no_proof(
    checkout: Path, server: GitHub, monkeypatch: pytest.MonkeyPatch, raw: bytes
) -> None:
    """With a reason, and no trace of the program."""
    monkeypatch.setattr(Handler, "do_GET", lambda handler: handler.wfile.write(raw))
    answer = ask(checkout, server)
    assert not answer.passed
    assert answer.text.removeprefix("GitHub: ")


@pytest.mark.parametrize("base", ["http://[", "https://a b", "https://api.github.com:x"])
def test_address_that_is_none_is_no_proof(checkout: Path, server: GitHub, base: str) -> None:
    """It is the person's own, in GITHUB_API_URL."""
    answer = ask(checkout, server, GITHUB_API_URL=base)
    assert not answer.passed
    assert answer.text.startswith("GitHub: ")


def test_check_run_without_a_number_is_older_than_any_other() -> None:
    """GitHub gives each a number; what has none was not made by it."""
    numbers: tuple[object, ...] = ("x", None, {})
    odd: list[dict[str, object]] = [{"id": number, "name": "lint"} for number in numbers]
    green = {"id": 1, "name": "lint", "conclusion": "success"}
    assert github.judge(frozenset({"lint"}), [*odd, green, *odd]).passed


def test_server_that_does_not_answer_is_no_proof(
    checkout: Path, server: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for, for a while."""
    monkeypatch.setattr(github, "LIMIT", 0.05)
    released = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda _: released.wait(10))
    answer = ask(checkout, server)
    released.set()
    assert not answer.passed
    assert "timed out" in answer.text


@pytest.mark.parametrize(
    "url",
    ["https://gitlab.com/ada/helionyx", "https://github.com.evil.example/ada/helionyx", "/srv/git/helionyx"],
)
def test_other_remote_is_not_asked(checkout: Path, server: GitHub, url: str) -> None:
    """Nobody gets the token who is not GitHub."""
    git(checkout, "remote", "set-url", "origin", url)
    assert ask(checkout, server) == github.Answer(False)
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/ada/helionyx",
        "https://x:y@github.com/ada/helionyx.git",
        "ssh://git@github.com/ada/helionyx.git",
    ],
)
def test_remote_is_known_in_each_spelling(checkout: Path, server: GitHub, url: str) -> None:
    """Of git's own."""
    git(checkout, "remote", "set-url", "origin", url)
    assert ask(checkout, server, runs(("lint", "success"), ("e2e", "success"))).passed


def test_without_a_token_or_over_plain_http_nobody_is_asked(checkout: Path, server: GitHub) -> None:
    """The token would be readable on the way."""
    assert ask(checkout, server, GITHUB_TOKEN="") == github.Answer(False)
    answer = ask(checkout, server, GITHUB_API_URL="http://github.example")
    assert "no https" in answer.text
    assert server.asked == []
