"""The HTTP interface, asked over real sockets."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from services.api.app import build_app
from services.api.events import BATCH
from services.event_log.records import new_entry
from services.event_log.sqlite.log import SqliteLog
from services.event_log.summary import GENESIS
from services.identity import Identity
from services.service import Service
from services.telegram.status import Status
from tests.services.instance import TOKEN, Answer, Instance, running

MESSAGES = "/api/v1/messages"
EVENTS = "/api/v1/events"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(store: Path) -> Iterator[Instance]:
    """One process for all tests of this module."""
    with running(store) as instance:
        yield instance


def text() -> str:
    return f"text {uuid.uuid4()}"


def length(service: Instance) -> int:
    found: int = service.call("GET", "/health/ready").json["log"]["length"]
    return found


def is_problem(answer: Answer, status: int) -> dict[str, Any]:
    """Every error has the same shape."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    found = cast(dict[str, Any], answer.json)
    assert (found["status"], found["type"]) == (status, "about:blank")
    assert found["title"]
    assert found["detail"]
    return found


def test_health(service: Instance) -> None:
    """Says who answers, without a token."""
    answer = service.call("GET", "/health", Authorization="")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    started = answer.json["started_at"]
    assert answer.json == {
        "name": "helionyx",
        "environment": "dev",
        "release": "checkout",
        "started_at": started,
        "rehearsal": False,
    }
    age = datetime.now(UTC) - datetime.fromisoformat(started)
    assert 0 <= age.total_seconds() < 300


def test_ready(service: Instance, store: Path) -> None:
    """Says who answers, what the log holds and what is made of it, without a token."""
    service.call("POST", MESSAGES, {"text": text()})
    answer = service.call("GET", "/health/ready", Authorization="")
    last = json.loads(service.call("GET", EVENTS).body.splitlines()[-1])
    log = {
        "length": last["position"],
        "head": last["hash"],
        "holds": {"MessageRecorded": [1], "ServiceStarted": [1]},
        "said": {"position": last["position"], "hash": last["hash"]},
    }
    (projections,) = (path.name for path in (store / "projections").glob("*.db"))
    who = service.call("GET", "/health").json
    assert answer.status == 200
    telegram = {"state": "off", "bot": None, "reason": "TELEGRAM_BOT_TOKEN is not set", "last_poll": None}
    assert answer.json == {
        "ready": True,
        **who,
        "log": log,
        "projections": projections,
        "telegram": telegram,
        "disk": None,
        "requests": answer.json["requests"],
    }
    assert answer.json["requests"]["failed"] == 0


def test_a_message_and_back(service: Instance) -> None:
    """What was recorded is answered, listed, and in the log, word for word."""
    words = f'{text()} größe \U0001f600 \x00 "quoted" \\ \n'
    answer = service.call("POST", MESSAGES, {"text": words})
    assert answer.status == 201
    position = answer.json["position"]
    assert position == length(service)
    assert answer.json["text"] == words
    assert set(answer.json) == {
        "position",
        "id",
        "time",
        "text",
        "source",
        "said_at",
        "origin",
        "thing",
        "undated",
    }
    page = service.call("GET", f"{MESSAGES}?after={position - 1}").json
    message = {name: value for name, value in answer.json.items() if name not in ("thing", "undated")}
    assert page == {"messages": [message], "next": None}
    record = json.loads(service.call("GET", f"{EVENTS}?after={position - 1}").body)
    assert json.loads(record["body"]) == {
        "id": answer.json["id"],
        "type": "MessageRecorded",
        "version": 1,
        "time": answer.json["time"],
        "data": {"text": words, "source": "api"},
    }


def test_a_repeat(service: Instance) -> None:
    """The same key and text: the first answer again, with 200, and nothing new in the log."""
    key, words = str(uuid.uuid4()), text()
    first = service.call("POST", MESSAGES, {"text": words}, Idempotency_Key=key)
    service.call("POST", MESSAGES, {"text": text()})
    before = length(service)
    again = service.call("POST", MESSAGES, {"text": words}, Idempotency_Key=key)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert length(service) == before


def test_a_key_with_another_text(service: Instance) -> None:
    """A conflict, and nothing new in the log."""
    key = str(uuid.uuid4())
    service.call("POST", MESSAGES, {"text": text()}, Idempotency_Key=key)
    before = length(service)
    found = is_problem(service.call("POST", MESSAGES, {"text": text()}, Idempotency_Key=key), 409)
    assert f"the idempotency key '{key}' was used" in found["detail"], "as the caller knows it"
    assert length(service) == before


@pytest.mark.parametrize("key", ["x" * 256, "ü"])
def test_a_bad_key(service: Instance, key: str) -> None:
    """Keys are 1 to 255 ASCII characters."""
    is_problem(service.call("POST", MESSAGES, {"text": text()}, Idempotency_Key=key), 400)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "expected JSON"),
        (b"{", 400, "expected JSON"),
        (b'{"text": "\xff"}', 400, "expected JSON"),
        (b'{"text": "\\ud800"}', 400, "expected JSON"),
        (b"[]", 422, "Expected `object`"),
        (b"{}", 422, "missing required field `text`"),
        (b'{"text": 5}', 422, "Expected `str`"),
        (b'{"text": "a", "txet": "b"}', 422, "unknown field `txet`"),
        (b'{"text": " \\n"}', 422, "nothing but white space"),
    ],
)
def test_a_bad_body(service: Instance, body: bytes, status: int, detail: str) -> None:
    """What cannot be kept is refused with a reason, and nothing is written."""
    before = length(service)
    assert detail in is_problem(service.call("POST", MESSAGES, body), status)["detail"]
    assert length(service) == before


def test_the_largest_body(service: Instance) -> None:
    """64 KiB are taken, one byte more is not, and a body of many is refused without a reset."""
    fits = b'{"text": "' + b"x" * (64 * 1024 - 12) + b'"}'
    assert service.call("POST", MESSAGES, fits).status == 201
    before = length(service)
    is_problem(service.call("POST", MESSAGES, fits + b" "), 413)
    is_problem(service.call("POST", MESSAGES, b"x" * 5_000_000), 413)
    assert length(service) == before


def test_a_body_of_unknown_length(service: Instance) -> None:
    """Sent in chunks, the limit is the same."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for count, status in ((1, 201), (70, 413)):
        chunks = [b'{"text": "', *[b"x" * 1000] * count, b'"}']
        answer = httpx.post(
            f"http://127.0.0.1:{service.port}{MESSAGES}", content=iter(chunks), headers=headers
        )
        assert answer.status_code == status


def test_pages_of_messages(service: Instance) -> None:
    """`next` leads from page to page, and is null at the end."""
    start = service.call("POST", MESSAGES, {"text": text()}).json["position"]
    texts = [text() for _ in range(5)]
    for words in texts:
        service.call("POST", MESSAGES, {"text": words})
    found, after = [], start
    while after is not None:
        page = service.call("GET", f"{MESSAGES}?after={after}&limit=2").json
        assert len(page["messages"]) <= 2
        found += [message["text"] for message in page["messages"]]
        after = page["next"]
    assert found == texts


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=", "limit=1001", "limit=1.0", "after=9" + "9" * 30]
)
def test_a_bad_query(service: Instance, query: str) -> None:
    """Numbers are whole and within their bounds."""
    is_problem(service.call("GET", f"{MESSAGES}?{query}"), 400)


def test_the_chain_can_be_checked_from_outside(service: Instance, store: Path) -> None:
    """The lines of /events are all that is needed to compute every hash; more than a batch of them."""
    log = SqliteLog.open(store / "events")
    log.append([new_entry("X", 1, datetime.now(UTC), {"n": n}) for n in range(2 * BATCH)])
    log.close()
    answer = service.call("GET", EVENTS)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    previous = GENESIS
    for number, line in enumerate(answer.body.splitlines(keepends=True), start=1):
        record = json.loads(line)
        assert line.endswith(b"\n")
        assert (record["position"], record["previous"]) == (number, previous)
        preimage = bytes.fromhex(previous) + number.to_bytes(8, "big") + record["body"].encode()
        previous = sha256(preimage).hexdigest()
        assert record["hash"] == previous
    assert number == length(service) > 2 * BATCH


def test_a_part_of_the_events(service: Instance) -> None:
    """`after` is not included, `limit` counts; the same lines are the same bytes."""
    for _ in range(4):
        service.call("POST", MESSAGES, {"text": text()})
    lines = service.call("GET", EVENTS).body.splitlines(keepends=True)
    assert service.call("GET", f"{EVENTS}?after=1&limit=2").body == b"".join(lines[1:3])
    assert service.call("GET", f"{EVENTS}?after={len(lines)}").body == b""
    assert service.call("GET", f"{EVENTS}?limit=0").body == b""
    is_problem(service.call("GET", f"{EVENTS}?after=x"), 400)


def test_what_is_not_there(service: Instance) -> None:
    """Unknown paths and methods are problems like any other."""
    for path in ("/nothing", "/nothing/", "/health/", "/api/v1/messages/"):
        found = is_problem(service.call("GET", path), 404)
        assert found["detail"] == f"there is no path {path}"
        assert "/openapi.json" in found["hint"]
    assert len(is_problem(service.call("GET", f"/{'a' * 5000}"), 404)["detail"]) < 300
    answer = service.call("DELETE", MESSAGES)
    found = is_problem(answer, 405)
    assert found["detail"] == f"{MESSAGES} does not allow DELETE"
    assert found["hint"] == f"allowed: {answer.headers['allow']}"


def test_a_bug_is_not_told_to_callers(caplog: pytest.LogCaptureFixture) -> None:
    """An unforeseen error is a problem without details; its traceback is logged."""

    class Broken:
        not_ready = None

        async def contents(self) -> None:
            raise RuntimeError("a secret detail")

    async def run() -> httpx.Response:
        app = build_app(
            cast(Service, Broken()),
            Identity("helionyx", "dev", "x", "2026-01-02T00:00:00Z", rehearsal=False),
            None,
            Status(),
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            return await client.get("/health/ready")

    answer = asyncio.run(run())
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "a secret detail" in caplog.text
