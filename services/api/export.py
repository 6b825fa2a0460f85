"""Everything that was recorded, for people: as a document or a table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.openapi import Operations, answer, operation, parameter
from services.api.problems import ProblemError
from services.api.responses import streamed
from services.api.schemas import named, text
from services.service import Service

FORMATS = {"markdown": ("text/markdown", "helionyx.md"), "csv": ("text/csv", "helionyx.csv")}
"""The content type of each format, and the name of its file."""

OPERATIONS: Operations = {
    "/api/v1/export": {
        "get": operation(
            "export",
            "Export everything for people",
            "`markdown`: all items, entries and messages as one document. `csv`: a row for each item. The log"
            " itself is at `/api/v1/events`.",
            {200: answer("The export.", text("The export."), *(kind for kind, _ in FORMATS.values()))},
            tag="events",
            token=True,
            parameters=[
                parameter(
                    "format",
                    "The format; `markdown` where none is given.",
                    named("ExportFormat", text("A format of exports.", enum=list(FORMATS))),
                )
            ],
        )
    }
}


def export_routes(service: Service) -> list[Route]:
    """`GET /api/v1/export`."""

    async def read(request: Request) -> Response:
        # Only here: nobody exports at a start.
        from services import export

        name = request.query_params.get("format", "markdown")
        if name not in FORMATS:
            message = f"expected format to be {' or '.join(FORMATS)}, found {name[:40]!r}"
            raise ProblemError(HTTPStatus.BAD_REQUEST, message, "/api/v1/events answers with JSON Lines")
        content_type, file = FORMATS[name]
        parts = export.markdown(service) if name == "markdown" else export.table(service)
        headers = {"Content-Disposition": f'attachment; filename="{file}"'}
        return streamed(request, _encoded(parts), content_type, headers)

    return [Route("/api/v1/export", read, methods=["GET"])]


async def _encoded(parts: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for part in parts:
        if part:
            yield part.encode()
