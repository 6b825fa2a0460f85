"""Send the requests of an acceptance to this release's application, on a copy of a log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

from services.acceptance_copy import LOG, MODELS, REBUILT
from services.acceptance_requests import REQUESTS, Request
from services.bootstrap import Application, bootstrap
from services.config import Config
from services.errors import HelionyxError
from services.event_log.summary import Head
from services.projections.database import Projections

ANSWER_SECONDS = 10.0
"""The time that an answer may take."""

LONGEST = 200
"""The characters of a wrong answer that are shown."""


class FaultError(HelionyxError):
    """This release does not do what its acceptance expects."""


@dataclass(frozen=True)
class Outcome:
    """The answer to a request, and the number of events that are new in the log."""

    status: int
    body: Mapping[str, Any]
    events: int


@dataclass
class Session:
    """The application on the copy, and the values of earlier answers."""

    application: Application
    token: str | None
    values: dict[str, object] = field(default_factory=lambda: {"run": secrets.token_hex(8)})

    def head(self) -> Head:
        """The end of the log, by a connection of its own."""
        with contextlib.closing(self.application.service.backend.summary()) as log:
            return log.head()

    def fill(self, value: Any) -> Any:
        """Replace `{name}` in the texts of a value; a text that is one name becomes that value."""
        match value:
            case str():
                name = value.removeprefix("{").removesuffix("}")
                if value == f"{{{name}}}" and name in self.values:
                    return self.values[name]
                return value.format_map(self.values) if "{" in value else value
            case Mapping():
                return {key: self.fill(item) for key, item in value.items()}
            case list():
                return [self.fill(item) for item in value]
        return value


def run(directory: Path, config: Config, release: str | None) -> dict[str, object]:
    """Send all requests to this release on the copy in `directory`, then compare the read models.

    Raises FaultError at the first difference, and what opening the copy raises.
    """
    changed = replace(
        config,
        event_store_path=directory / LOG,
        projections_db_path=directory / MODELS / "helionyx.db",
        telegram_bot_token=None,
    )
    # None of the node's variables: no rehearsal that records nothing, no head of the real log, no bot.
    application = bootstrap(changed, {"HELIONYX_RELEASE": release} if release else {})
    session = Session(application, changed.api_token)
    asyncio.run(_send_all(session, REQUESTS))
    position, digest = compare(session, directory)
    return {"requests": len(REQUESTS), "position": position, "digest": digest}


async def _send_all(session: Session, requests: Sequence[Request]) -> None:
    service = session.application.service
    await service.open()
    try:
        if service.not_ready is not None:
            raise FaultError(f"the service is not ready on a copy of its log: {service.not_ready}")
        for request in requests:
            await send(session, request)
    finally:
        await service.close()


async def send(session: Session, request: Request) -> None:
    """Send one request, check its outcome and note its number. Raises FaultError."""
    outcome = await outcome_of(session, request)
    problem = fault(outcome, request, session.fill(dict(request.answer)))
    if problem:
        raise FaultError(f"{request.method} {session.fill(request.path)}: {problem}")
    if request.name:
        session.values[request.name] = outcome.body.get("number", outcome.body.get("position"))


async def outcome_of(session: Session, request: Request) -> Outcome:
    """Send one request. Raises FaultError where no answer comes."""
    path, before = str(session.fill(request.path)), session.head()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            status, body = await _call(session, request, path)
    except TimeoutError:
        raise FaultError(f"{request.method} {path}: no answer within {ANSWER_SECONDS:g} s") from None
    return Outcome(status, body, session.head().position - before.position)


def fault(outcome: Outcome, request: Request, answer: object) -> str:
    """The first difference from the expected outcome, whose answer has these members; empty if none."""
    if outcome.status != request.status:
        detail = str(outcome.body.get("detail", ""))[:LONGEST]
        return f"expected status {request.status}, got {outcome.status} {detail}".rstrip()
    if outcome.events != request.events:
        return f"expected {request.events} new events in the log, got {outcome.events}"
    return differs(outcome.body, answer)


def differs(actual: Any, expected: Any, at: str = "the answer") -> str:
    """The first difference between a value and the expected one; empty where there is none."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        pairs = [(f"{at}.{key}", actual.get(key), value) for key, value in expected.items()]
    elif isinstance(expected, list) and isinstance(actual, list) and len(actual) >= len(expected):
        pairs = [
            (f"{at}[{number}]", item, value)
            for number, (item, value) in enumerate(zip(actual, expected, strict=False))
        ]
    else:
        return (
            "" if actual == expected else f"expected {at} to be {expected!r}, got {str(actual)[:LONGEST]!r}"
        )
    differences = (differs(item, value, member) for member, item, value in pairs)
    return next(filter(None, differences), "")


def compare(session: Session, directory: Path) -> tuple[int, str]:
    """Compare the read models with a rebuild from the copy; return their position and digest.

    Raises FaultError.
    """
    stem = session.application.service.projections
    rebuilt_stem = directory / REBUILT / stem.name
    with (
        contextlib.closing(session.application.service.backend.open(read_only=True)) as log,
        contextlib.closing(Projections.open(stem, shared=True)) as followed,
        contextlib.closing(Projections.open(rebuilt_stem)) as rebuilt,
    ):
        end = rebuilt.rebuild(log)
        position, digest = followed.position(), followed.digest()
        if position != end:
            raise FaultError(f"the read models end at position {position}, and the log at {end}")
        if digest != rebuilt.digest():
            raise FaultError("the read models differ from a rebuild out of the same log")
        return position, digest


async def _call(session: Session, request: Request, path: str) -> tuple[int, dict[str, Any]]:
    """Call the application, as the server of the service does; return the status and the decoded body."""
    body = b"" if request.body is None else json.dumps(session.fill(dict(request.body))).encode()
    received = [{"type": "http.request", "body": body, "more_body": False}]
    parts: list[Message] = []

    async def receive() -> Message:
        if received:
            return received.pop()
        await asyncio.Event().wait()  # a caller that stays connected
        raise AssertionError

    async def collect(message: Message) -> None:
        parts.append(message)

    application: ASGIApp = session.application.app
    await application(_scope(session, request, path), receive, collect)
    status = next((part["status"] for part in parts if part["type"] == "http.response.start"), 0)
    content = b"".join(part.get("body", b"") for part in parts)
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    return status, answer if isinstance(answer, dict) else {}


def _scope(session: Session, request: Request, path: str) -> dict[str, object]:
    parts = urlsplit(path)
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    if session.token is not None:
        headers.append((b"authorization", f"Bearer {session.token}".encode()))
    if request.key is not None:
        headers.append((b"idempotency-key", str(session.fill(request.key)).encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": ("127.0.0.1", 80),
    }
