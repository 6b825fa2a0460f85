"""Health: an answer of the process, and one that it is ready. Both identify the process."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.measures import Measures
from services.api.openapi import Operations, answer, operation
from services.api.responses import json_of
from services.api.schemas import HASH, PROBLEM, TEXT_OR_NULL, integer, mapping, moment, named, record, text
from services.errors import HelionyxError
from services.identity import Identity
from services.service import Service
from services.telegram.status import STATES, Status

WHO: dict[str, dict[str, Any]] = {
    "name": text("Always `helionyx`.", const="helionyx"),
    "environment": text("The environment: `dev`, `staging` or `live`."),
    "release": text("The id of the release, or `checkout`."),
    "started_at": moment("The start of the process."),
    "rehearsal": {
        "type": "boolean",
        "description": "Whether the process is a rehearsal, and records nothing.",
    },
}

LOG = record(
    "Log",
    "The event log.",
    length=integer("The number of records.", 0),
    head={**HASH, "description": "The hash of the last record."},
    holds=mapping(
        "EventVersions",
        "Type of event -> the versions of it that the log has.",
        {"type": "array", "items": {"type": "integer"}},
    ),
    said=record(
        "Head",
        "The last record that is more than a start or stop of the service.",
        position=integer("Its position.", 0),
        hash={**HASH, "description": "Its hash."},
    ),
)

TELEGRAM = record(
    "Telegram",
    "The bot.",
    state=named("TelegramState", text("The state of the bot.", enum=list(STATES))),
    bot={**TEXT_OR_NULL, "description": "The name of the bot, once it is known."},
    reason={**TEXT_OR_NULL, "description": "The reason why the bot does not receive messages."},
    last_poll={**TEXT_OR_NULL, "format": "date-time", "description": "The time of the last answered poll."},
)

HEALTH = record("Health", "The process that answers.", **WHO)

READY = record(
    "Ready",
    "A process that can be used.",
    ready={"type": "boolean", "const": True, "description": "Always true."},
    **WHO,
    log=LOG,
    projections=text("The file of the read models."),
    disk={**TEXT_OR_NULL, "description": "The reason why the disk lets little or nothing be recorded."},
    telegram=TELEGRAM,
    requests=record(
        "Requests",
        "The requests to this process, without those for its health.",
        answered=integer("The number of answers.", 0),
        failed=integer("The number of answers with a status of 500 or more.", 0),
    ),
)

NOT_READY = record(
    "NotReady",
    "A process that cannot be used.",
    ready={"type": "boolean", "const": False, "description": "Always false."},
    reason=text("The reason."),
    **WHO,
)

OPERATIONS: Operations = {
    "/health": {
        "get": operation(
            "health",
            "Check that the process runs",
            "Answered as soon as the process listens.",
            {200: answer("The process that answers.", HEALTH)},
            tag="service",
            token=False,
        )
    },
    "/health/ready": {
        "get": operation(
            "ready",
            "Check that the service can be used",
            "Answered with 200 once the event log and the read models are open.",
            {
                200: answer("The service can be used.", READY),
                503: {
                    **answer("The service cannot be used yet, or no longer.", NOT_READY),
                    "content": {
                        "application/json": {"schema": NOT_READY},
                        "application/problem+json": {"schema": PROBLEM},
                    },
                },
            },
            tag="service",
            token=False,
        )
    },
}


def health_routes(service: Service, identity: Identity, telegram: Status, measures: Measures) -> list[Route]:
    """`/health` answers as soon as the process listens, `/health/ready` is for an open log."""
    who = asdict(identity)

    async def health(_request: Request) -> Response:
        return _json(who)

    async def ready(_request: Request) -> Response:
        reason = service.not_ready
        if reason is not None:
            return _json({"ready": False, "reason": reason, **who}, HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            content = await service.contents()
        except HelionyxError as error:
            reason = service.not_ready or error.message
            return _json({"ready": False, "reason": reason, **who}, HTTPStatus.SERVICE_UNAVAILABLE)
        head = {"length": content.head.position, "head": content.head.hash}
        log = {**head, "holds": content.holds, "said": content.said._asdict()}
        facts = {"log": log, "projections": service.projections_file, "telegram": telegram.facts()}
        facts["requests"] = measures.requests
        return _json({"ready": True, **who, **facts, "disk": service.space.reason})

    return [Route("/health", health), Route("/health/ready", ready)]


def _json(content: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return json_of(content, status, {"Cache-Control": "no-store"})
