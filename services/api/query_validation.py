"""Validate queries: a parameter that is not described is refused, such as a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.openapi import Operations
from services.api.problems import ProblemError

Parameters = Mapping[str, bool]
"""The parameters of a query, and whether each may be repeated."""


def only_declared(routes: Iterable[Route], operations: Iterable[Operations]) -> list[Route]:
    """Let routes refuse (400) a query with parameters that their operations do not describe."""
    described = {path: methods for part in operations for path, methods in part.items()}
    validated = list(routes)
    for route in validated:
        methods = described.get(route.path)
        if methods is not None:
            route.app = _strict(route.app, {name: _queries(method) for name, method in methods.items()})
    return validated


def _strict(app: ASGIApp, methods: Mapping[str, Parameters]) -> ASGIApp:
    async def strict(scope: Scope, receive: Receive, send: Send) -> None:
        method = str(scope["method"]).lower()
        _unless_other(scope["query_string"], methods.get("get" if method == "head" else method, {}))
        await app(scope, receive, send)

    return strict


def _queries(method: Mapping[str, Any]) -> Parameters:
    parameters = [each for each in method.get("parameters", ()) if each["in"] == "query"]
    return {each["name"]: each["schema"].get("type") == "array" for each in parameters}


def _unless_other(query: bytes, known: Parameters) -> None:
    if not query:
        return
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    for name in names:
        if name not in known:
            expected = ", ".join(sorted(known)) or "nothing"
            detail = f"expected {expected} in the query, found {name[:40]!r}"
            raise ProblemError(HTTPStatus.BAD_REQUEST, detail)
        if not known[name] and names.count(name) > 1:
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"expected {name} once in the query, found it again")
