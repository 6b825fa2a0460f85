"""Each request has an id, and one line in the log."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import apsw
import pytest
from starlette.types import Receive, Scope, Send

from services.api.addressing import behind
from tests.services.instance import TOKEN, Connection, Instance, exchange, running

MESSAGES = "/api/v1/messages"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One process for all tests that break nothing."""
    with running(tmp_path_factory.mktemp("service"), LOG_LEVEL="DEBUG") as instance:
        yield instance


def lines(service: Instance, request_id: str) -> list[dict[str, Any]]:
    """All that was logged about one request. Its answer is the last, and is here a moment before its line."""
    for _ in range(500):
        found = [entry for entry in service.entries() if entry.get("request_id") == request_id]
        if found and found[-1]["message"] == "answered":
            return found
        time.sleep(0.01)
    raise AssertionError(service.logged())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/health", None, 200),
        ("HEAD", "/health/ready", None, 200),
        ("POST", MESSAGES, {"text": "a"}, 201),
        ("POST", MESSAGES, {}, 422),
        ("GET", MESSAGES, None, 200),
        ("GET", "/api/v1/events", None, 200),
        ("DELETE", MESSAGES, None, 405),
        ("GET", "/nothing", None, 404),
    ],
)
def test_one_line_per_request(service: Instance, method: str, path: str, body: object, status: int) -> None:
    """With method, path, status and milliseconds, and no query; its id is sent back."""
    answer = service.call(method, f"{path}?limit=1" if method == "GET" else path, body)
    (entry,) = lines(service, answer.headers["x-request-id"])
    assert 0 < entry.pop("milliseconds") < 5000
    level = "debug" if path.startswith("/health") else "info"  # who asks whether it is well is no news
    told = {"level": level, "message": "answered", "method": method, "path": path, "status": status}
    told["client"] = "127.0.0.1"
    assert entry == {"time": entry["time"], **told, "request_id": answer.headers["x-request-id"]}


def test_ids_that_callers_bring(service: Instance) -> None:
    """A sane one is kept, any other one replaced; a problem names it too."""
    for given in ("a", "0193-ab.c_d:e/f+g=@", "x" * 100):
        answer = service.call("GET", "/nothing", X_Request_Id=given)
        assert answer.headers["x-request-id"] == answer.json["request_id"] == given
    for given in ("x" * 101, "a b", 'a"b', "ü", "{}", "a\tb"):
        answer = service.call("GET", "/nothing", X_Request_Id=given)
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


def test_each_request_has_its_own(service: Instance) -> None:
    """Also the second one on a connection."""
    connection = Connection(service.address)
    ids = [exchange(connection, "GET", "/health").headers["x-request-id"] for _ in range(3)]
    connection.close()
    assert len(set(ids)) == 3
    assert [len(lines(service, request_id)) for request_id in ids] == [1, 1, 1]


def test_neither_secrets_nor_messages_are_logged(service: Instance) -> None:
    """Not even at DEBUG, wherever a caller puts them."""
    service.call("POST", MESSAGES, {"text": "hush"}, Authorization=f"Bearer {TOKEN}x")
    service.call("POST", MESSAGES, {"text": "hush"}, Idempotency_Key="hush")
    service.call("GET", f"{MESSAGES}?after=hush")
    service.call("GET", f"/{TOKEN}", X_Request_Id="last")
    assert lines(service, "last")[0]["path"] == "/[redacted]"
    service.call("GET", "/", X_Request_Id=TOKEN)
    assert lines(service, "[redacted]")
    assert TOKEN not in service.logged()
    assert "hush" not in service.logged()


def test_trouble_of_the_service(tmp_path: Path) -> None:
    """Its traceback is in the log, under the id that the caller is told; the caller gets no detail of it."""
    with running(tmp_path) as service:
        (file,) = (tmp_path / "projections").glob("*.db")
        connection = apsw.Connection(str(file))
        connection.execute("DROP TABLE timeline")
        connection.close()
        answer = service.call("GET", MESSAGES, X_Request_Id="r-1")
        assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
        assert answer.json["request_id"] == answer.headers["x-request-id"] == "r-1"
        assert "no such table" not in answer.body.decode()
        bug, answered = lines(service, "r-1")
        assert (bug["message"], bug["level"]) == ("a bug in the service", "error")
        assert "no such table: timeline" in bug["error"]
        assert any("services/api/messages.py" in frame for frame in bug["traceback"])
        assert (answered["status"], answered["level"]) == (500, "warning")
        assert service.call("GET", "/health").status == 200


@pytest.mark.parametrize(
    ("proxies", "client"),
    [
        ("127.0.0.0/8", "192.0.2.7"),
        ("127.0.0.1,192.0.2.7", "203.0.113.9"),
        ("10.0.0.1", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
def test_the_caller_behind_a_proxy(tmp_path: Path, proxies: str | None, client: str) -> None:
    """Is named in the line where the proxy is one of TRUSTED_PROXIES: anybody may send such a header."""
    with running(tmp_path, TRUSTED_PROXIES=proxies) as service:
        answer = service.call("GET", "/nothing", X_Forwarded_For="198.51.100.1, 203.0.113.9, 192.0.2.7")
        assert lines(service, answer.headers["x-request-id"])[-1]["client"] == client


@pytest.mark.parametrize(
    ("client", "claims", "scheme"),
    [
        ("127.0.0.1", [b"https"], "https"),
        ("127.0.0.1", [b"http"], "http"),
        ("127.0.0.1", [], "http"),
        ("127.0.0.1", [b"gopher"], "http"),
        ("192.0.2.7", [b"https"], "http"),
    ],
)
def test_a_proxy_says_whether_its_caller_used_https(client: str, claims: list[bytes], scheme: str) -> None:
    """By X-Forwarded-Proto; anybody else may send that too, and is not believed."""
    schemes: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        schemes.append(scope["scheme"])

    headers = [(b"x-forwarded-proto", claim) for claim in claims]
    scope = {"type": "http", "scheme": "http", "client": (client, 1), "headers": headers}

    async def ask() -> None:
        await behind(app, ["127.0.0.1"])(scope, cast(Receive, None), cast(Send, None))

    asyncio.run(ask())
    assert schemes == [scheme]
