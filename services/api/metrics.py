"""`/metrics`: the state of the service, for Prometheus. Needs the token, as in `auth`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.measures import Measures
from services.api.openapi import Operations, answer, operation
from services.errors import HelionyxError
from services.identity import Identity
from services.projections.progress import head_of
from services.service import Service
from services.telegram.status import Status

PATIENCE_SECONDS = 1.0
"""The time to wait for the log. Without it the other metrics are still of use."""

OPERATIONS: Operations = {
    "/metrics": {
        "get": operation(
            "metrics",
            "Read the metrics",
            "For Prometheus, in its text format, or in OpenMetrics where `Accept` asks for it.",
            {200: answer("The metrics.", {"type": "string"}, "text/plain", "application/openmetrics-text")},
            tag="service",
            token=True,
        )
    }
}


def metrics_routes(
    service: Service,
    identity: Identity,
    measures: Measures,
    telegram: Status,
    certificate_end: Callable[[], datetime] | None = None,
) -> list[Route]:
    """`GET /metrics`."""
    started = datetime.fromisoformat(identity.started_at).timestamp()

    async def read(request: Request) -> Response:
        ready, length = service.not_ready is None, await _length(service)
        accept = request.headers.get("accept", "")

        def render() -> tuple[bytes, str]:
            from services.api.exposition import State, rendered

            head = head_of(service.projections)
            projected = None if head is None else head.position
            state = State(
                identity,
                started,
                ready,
                length,
                projected,
                telegram,
                service.backend,
                service.commits,
                None if certificate_end is None else certificate_end().timestamp(),
            )
            return rendered(state, measures, accept)

        content, content_type = await asyncio.to_thread(render)
        return Response(content, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    return [Route("/metrics", read, methods=["GET"])]


async def _length(service: Service) -> int | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await service.head()).position
    except (HelionyxError, TimeoutError):
        return None
