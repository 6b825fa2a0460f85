"""Answers as JSON, each ending its line: for programs and for a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse


def json_of(
    content: object,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """The answer with this content."""
    return Response(msgspec.json.encode(content) + b"\n", status, headers, media_type)


def streamed(
    request: Request, parts: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that consists of `parts`. Who asks with HEAD gets none of them, and none is made."""
    content = _none() if request.method == "HEAD" else parts
    return StreamingResponse(content, media_type=media_type, headers=headers)


async def _none() -> AsyncIterator[bytes]:
    for nothing in list[bytes]():
        yield nothing
