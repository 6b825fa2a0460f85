"""A service without a token answers the programs of its machine, and no web page of somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.instance import Instance, running

MESSAGES = "/api/v1/messages"
JSON = "application/json"
BODY = b'{"text": "a"}'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A service on loopback and without a token, shared by all tests of this module."""
    with running(tmp_path_factory.mktemp("service"), API_TOKEN=None) as instance:
        yield instance


def recorded(service: Instance) -> int:
    """The number of messages."""
    return len(service.call("GET", MESSAGES, Authorization="").json["messages"])


@pytest.mark.parametrize(
    "kind", [JSON, "application/json; charset=utf-8", "Application/JSON", "application/x+json"]
)
def test_a_program_records(service: Instance, kind: str) -> None:
    """With the content type that no page may send elsewhere without asking before."""
    answer = service.call("POST", MESSAGES, BODY, Authorization="", Content_Type=kind)
    assert answer.status == 201


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "json",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", MESSAGES), ("POST", "/api/v1/todos"), ("POST", "/api/v1/todos/1/complete")]
)
def test_a_form_records_nothing(service: Instance, method: str, path: str, kind: str) -> None:
    """Nor does a `fetch` with no-cors, which may send what a form may send."""
    before = recorded(service)
    answer = service.call(method, path, BODY, Authorization="", Content_Type=kind)
    assert (answer.status, answer.headers["content-type"]) == (415, "application/problem+json")
    assert "application/json" in answer.json["detail"]
    assert recorded(service) == before


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1", "x"]
)
@pytest.mark.parametrize("body", [BODY, None])
def test_another_origin_records_nothing(service: Instance, origin: str, body: bytes | None) -> None:
    """Pages of another origin are refused with any Content-Type, and without a body."""
    before = recorded(service)
    answer = service.call("POST", MESSAGES, body, Authorization="", Content_Type=JSON, Origin=origin)
    assert answer.status == 403
    assert recorded(service) == before


def test_its_own_origin(service: Instance) -> None:
    """Is no other one."""
    origin = f"http://localhost:{service.port}"
    given = {"Content_Type": JSON, "Origin": origin, "Host": f"localhost:{service.port}"}
    assert service.call("POST", MESSAGES, BODY, Authorization="", **given).status == 201


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "127.0.0.1.nip.io",
        "[2001:db8::1]:80",
        "0.0.0.0",
        "[::ffff:192.0.2.1]",
    ],
)
@pytest.mark.parametrize("path", [MESSAGES, "/health", "/openapi.json", "/nothing"])
def test_another_host(service: Instance, host: str, path: str) -> None:
    """A foreign host name may be a page's own name that leads to this address (DNS rebinding)."""
    answer = service.call("GET", path, Authorization="", Host=host)
    assert answer.status == 421
    assert host in answer.json["detail"]


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:1", "localhost.", "helionyx.localhost:8000"),
        *("127.1.2.3", "[::1]:8000", "[::ffff:127.0.0.1]:8000", "[::ffff:7f00:1]"),
    ],
)
def test_the_names_of_the_machine(service: Instance, host: str) -> None:
    """Are as good as its loopback address, with any port: a tunnel has another one."""
    assert service.call("GET", MESSAGES, Authorization="", Host=host).status == 200


def test_with_a_token_that_is_enough(tmp_path: Path) -> None:
    """No page knows it: `curl -d`, and a proxy with a name of its own, need no more."""
    with running(tmp_path) as service:
        given = {"Host": "todo.example", "Content_Type": "application/x-www-form-urlencoded"}
        assert service.call("POST", MESSAGES, BODY, Origin="https://todo.example", **given).status == 201
