"""Whether the process is there, and whether it can be used. Both answers say which process it is."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, answer, members, operation
from services.api.responses import json_of
from services.errors import HelionyxError
from services.identity import Identity
from services.service import Service
from services.telegram.status import STATES, Status

WHO = {
    "name": {"type": "string", "const": "helionyx"},
    "environment": {"type": "string"},
    "release": {"type": "string"},
    "started_at": {"type": "string", "format": "date-time"},
    "rehearsal": {"type": "boolean"},
}

HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

LOG = members(
    length={"type": "integer", "minimum": 0},
    head=HASH,
    holds={"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
    said={
        **members(position={"type": "integer", "minimum": 0}, hash=HASH),
        "description": "The last record that is not what a service noted of itself.",
    },
)

TEXT_OR_NULL = {"type": ["string", "null"]}

TELEGRAM = members(
    state={"type": "string", "enum": list(STATES)},
    bot={**TEXT_OR_NULL, "description": "Its name, once it is known."},
    reason={**TEXT_OR_NULL, "description": "Why it does not listen."},
)

READY = members(ready={"const": True}, **WHO, log=LOG, projections={"type": "string"}, telegram=TELEGRAM)
NOT_READY = members(ready={"const": False}, reason={"type": "string"}, **WHO)

OPERATIONS: Operations = {
    "/health": {
        "get": operation("health", "Who is there", {200: answer("It is there.", members(**WHO))}, token=False)
    },
    "/health/ready": {
        "get": operation(
            "ready",
            "Whether it can be used",
            {
                200: answer("It can be used.", READY),
                503: {
                    **answer("It cannot be used yet, or any more.", NOT_READY),
                    "content": {
                        "application/json": {"schema": NOT_READY},
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
                    },
                },
            },
            token=False,
        )
    },
}


def health_routes(service: Service, identity: Identity, telegram: Status) -> list[Route]:
    """`/health` answers as soon as the process listens, `/health/ready` says when the log is open."""
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
        told = {"log": log, "projections": service.projections_file, "telegram": telegram.told()}
        return _json({"ready": True, **who, **told})

    return [Route("/health", health), Route("/health/ready", ready)]


def _json(content: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return json_of(content, status, {"Cache-Control": "no-store"})
