"""Who gets an answer below /api: who brings the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.instance import TOKEN, Instance, running

MESSAGES = "/api/v1/messages"
EVENTS = "/api/v1/events"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One process for all tests of this module: nobody gets to record anything."""
    with running(tmp_path_factory.mktemp("service")) as instance:
        yield instance


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer ü",
        f"Bearer {TOKEN}\xa0",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer {TOKEN.upper()}",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("POST", MESSAGES), ("GET", MESSAGES), ("HEAD", MESSAGES), ("DELETE", MESSAGES), ("GET", EVENTS)],
        *[
            ("PUT", EVENTS),
            ("GET", "/api"),
            ("GET", "/api/"),
            ("GET", "/api/v1/nothing"),
            ("GET", "/metrics"),
        ],
        ("GET", "/%61pi/v1/events"),
    ],
)
def test_without_the_token(service: Instance, method: str, path: str, header: str) -> None:
    """Nobody reads or writes without exactly the token, nor learns what there is."""
    answer = service.call(method, path, {"text": "a"}, Authorization=header)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.call("GET", "/health/ready").json["log"]["said"]["position"] == 0


def test_the_scheme_is_written_as_one_likes(service: Instance) -> None:
    """`bearer` is `Bearer`."""
    assert service.call("GET", MESSAGES, Authorization=f"bearer {TOKEN}").status == 200


def test_without_a_configured_token_loopback_is_open(tmp_path: Path) -> None:
    """Whoever is on the host may read and write."""
    with running(tmp_path, API_TOKEN=None) as instance:
        assert instance.call("POST", MESSAGES, {"text": "a"}, Authorization="").status == 201
        assert len(instance.call("GET", MESSAGES, Authorization="").json["messages"]) == 1


def test_two_tokens_are_none(service: Instance) -> None:
    """Which of two headers counts is not left to whoever reads it."""
    header = f"Authorization: Bearer {TOKEN}\r\n"
    with service.connect() as connection:
        connection.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\n{header}{header}\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")
