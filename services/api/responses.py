"""Answers as JSON, each ending its line: for programs and for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response


def json_of(
    content: object,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """The answer that says `content`."""
    return Response(msgspec.json.encode(content) + b"\n", status, headers, media_type)
