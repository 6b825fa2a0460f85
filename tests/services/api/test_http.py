"""HTTP as RFC 9110 and RFC 9112 have it, where servers are easily careless."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Iterator

import pytest

from tests.services.api.test_limits import GET, serve, short
from tests.services.instance import TOKEN, Instance, running

__all__ = ["short"]  # the limits are as short here

MESSAGES = "/api/v1/messages"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A service that all tests of this module share."""
    with running(tmp_path_factory.mktemp("service")) as instance:
        yield instance


def exchanged(service: Instance, version: str, path: str, *headers: str, method: str = "GET") -> bytes:
    """All that comes back to one request up to the end of the connection."""
    lines = [f"{method} {path} HTTP/{version}", f"Authorization: Bearer {TOKEN}", *headers, "", ""]
    with service.connect() as connection:
        connection.settimeout(10)
        connection.sendall("\r\n".join(lines).encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", ["/", "/parts", "/whole"])
@pytest.mark.parametrize("headers", [b"", b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n"])
def test_http_1_0_knows_no_chunks(path: str, headers: bytes) -> None:
    """The body ends with the connection; nothing comes in front of the answer."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST %s HTTP/1.0\r\nContent-Length: 1\r\n%b\r\nx" % (path.encode(), headers))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
        assert body.strip(b"x") == b"done"

    serve(client)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_log_over_http_1_0(service: Instance, method: str) -> None:
    """As it is over HTTP/1.1."""
    answer = exchanged(service, "1.0", "/api/v1/events", method=method)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body == (service.call("GET", "/api/v1/events").body if method == "GET" else b"")


def test_an_answer_of_http_1_0_that_breaks_off() -> None:
    """Does not look like a whole one: the connection is reset."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET.replace(b" / ", b" /halting ").replace(b"/1.1", b"/1.0"))
        with pytest.raises(ConnectionResetError):
            await reader.read()

    serve(client)


@pytest.mark.parametrize("path", ["/health", MESSAGES, "/nothing"])
@pytest.mark.parametrize(
    ("version", "hosts"),
    [
        ("1.1", []),
        ("1.1", ["Host: a", "Host: a"]),
        ("1.0", ["Host: a", "Host: b"]),
        ("1.1", ["Host: a b"]),
        ("1.1", ["Host: a/b"]),
        ("1.1", ["Host: user@a"]),
        ("1.1", ["Host: a:x"]),
        ("1.1", ["Host: [::1"]),
        ("1.1", ["Host: a, b"]),
    ],
)
def test_a_request_has_one_host(service: Instance, path: str, version: str, hosts: list[str]) -> None:
    """A request without one, with several, or with none that is valid is answered with 400."""
    assert exchanged(service, version, path, *hosts).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("version", "hosts"),
    [
        ("1.0", []),
        *[
            ("1.1", [f"Host: {host}"])
            for host in ("", "a", "a:80", "a:", "[::1]:80", "192.0.2.1", "a_b.c", "a \t")
        ],
    ],
)
def test_a_valid_host(service: Instance, version: str, hosts: list[str]) -> None:
    """Is any name, address and port; an empty one is valid, and HTTP/1.0 needs none."""
    assert exchanged(service, version, "/health", *hosts).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["todos", "timeline"])
def test_a_page_of_nothing(service: Instance, path: str) -> None:
    """Says where the list begins: its `next` leads to all of it."""
    service.call("POST", "/api/v1/todos", {"text": "a"})
    page = service.call("GET", f"/api/v1/{path}?limit=0").json
    items = next(name for name in page if name != "next")
    assert page[items] == []
    whole = service.call("GET", f"/api/v1/{path}").json[items]
    assert service.call("GET", f"/api/v1/{path}?before={page['next']}").json[items] == whole
    first = whole[-1].get("number") or whole[-1]["position"]
    assert service.call("GET", f"/api/v1/{path}?limit=0&before={first}").json == {items: [], "next": None}


def test_a_page_of_no_messages(service: Instance) -> None:
    """Goes on from where it was asked for."""
    service.call("POST", MESSAGES, {"text": "a"})
    assert service.call("GET", f"{MESSAGES}?limit=0").json == {"messages": [], "next": 0}


def test_keep_alive(service: Instance) -> None:
    """HTTP/1.1 goes on behind a refusal that left nothing unread."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    for _ in range(2):
        connection.putrequest("GET", "/health", skip_host=True)
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 400
        response.read()
    connection.close()
