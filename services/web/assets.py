"""The files that browsers load beside the pages: immutable, named with a digest of their content."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from services.api.problems import problem

FOLDER = Path(__file__).resolve().parent / "static"

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

FOREVER = "public, max-age=31536000, immutable"


@lru_cache(maxsize=64)
def content(name: str) -> bytes:
    """The content of a file of the folder. Raises FileNotFoundError for anything else."""
    if name not in _names():
        raise FileNotFoundError(name)
    return (FOLDER / name).read_bytes()


@lru_cache(maxsize=64)
def digest(name: str) -> str:
    """12 hex digits of the content of a file."""
    return hashlib.sha256(content(name)).hexdigest()[:12]


def address(name: str) -> str:
    """The address of a file, which changes with its content."""
    return f"/static/{name}?v={digest(name)}"


def version() -> str:
    """A digest of all files together, for the service worker."""
    digests = "".join(digest(name) for name in sorted(_names()))
    return hashlib.sha256(digests.encode()).hexdigest()[:12]


async def asset(request: Request) -> Response:
    """Answer `GET /static/{name}`."""
    name = request.path_params["name"]
    try:
        body = content(name)
    except FileNotFoundError:
        return problem(HTTPStatus.NOT_FOUND, f"there is no file {name[:100]!r}")
    return file_response(request, name, body, FOREVER if "v" in request.query_params else "no-cache")


def file_response(request: Request, name: str, body: bytes, caching: str) -> Response:
    """The answer with a file, compressed where the browser takes it and it helps."""
    suffix = Path(name).suffix
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"Cache-Control": caching, "ETag": etag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(None, HTTPStatus.NOT_MODIFIED, headers)
    if suffix != ".png" and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            _zipped(body), headers={**headers, "Content-Encoding": "gzip"}, media_type=TYPES[suffix]
        )
    return Response(body, headers=headers, media_type=TYPES[suffix])


@lru_cache(maxsize=64)
def _zipped(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in TYPES)
