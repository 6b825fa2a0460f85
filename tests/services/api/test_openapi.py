"""The description of the interface is true: the service does what it says, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services.api import app, auth, openapi
from services.identity import Identity
from services.service import Service
from services.telegram.status import Status
from tests.services.instance import TOKEN, configure, listener, starting


@pytest.fixture(scope="module")
def routes() -> list[Route]:
    """Every route of the application, out of the layers around it."""
    found: list[Route] = []

    class Seen(Starlette):
        def __init__(self, routes: list[Route], **rest: object) -> None:
            found.extend(routes)
            super().__init__(routes=routes, **rest)  # type: ignore[arg-type]

    identity = Identity("helionyx", "dev", "x", "2026-01-02T00:00:00Z", rehearsal=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "Starlette", Seen)
        app.build_app(cast(Service, None), identity, None, Status())
    return found


def test_every_route_is_described(routes: list[Route]) -> None:
    """With each of its methods, and nothing that does not exist."""
    described = {
        (path, method.upper())
        for path, methods in openapi.document((*app.OPERATIONS, openapi.OPERATIONS))["paths"].items()
        for method in methods
    }
    existing = {
        (route.path, method) for route in routes for method in (route.methods or ()) if method != "HEAD"
    }
    assert described == existing


def test_the_token_is_described_where_it_is_wanted(routes: list[Route]) -> None:
    """And only there."""
    paths = openapi.document((*app.OPERATIONS, openapi.OPERATIONS))["paths"]
    for route in routes:
        for operation in paths[route.path].values():
            assert (
                bool(operation["security"])
                == ("401" in operation["responses"])
                == auth.is_guarded(route.path)
            )


STREAMS_THAT_END = """
import sys
from services.service import Service

opened = Service.open

async def open_and_end_streams(service):
    head = await opened(service)
    service.end_streams()
    return head

Service.open = open_and_end_streams
from services.api.runner import main
sys.exit(main())
"""
"""A service whose streams end as soon as they have said what there is, and where nobody waits for more."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "examples", [pytest.param(4, id="sample"), pytest.param(20, marks=pytest.mark.faults)]
)
def test_the_service_does_what_is_described(tmp_path: Path, examples: int) -> None:
    """Whatever is sent: no 5xx, nothing that is not described, no way past the token."""
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run"),
        *("--header", f"Authorization: Bearer {TOKEN}", "--max-examples", f"{examples}"),
        *("--seed", "1"),
        *("--generation-database", "none"),
    ]
    # A position is as described and still not in the log: 410 is the right answer.
    (tmp_path / "schemathesis.toml").write_text(
        "[checks.positive_data_acceptance]\n"
        'expected-statuses = ["2xx", "401", "403", "404", "409", "410", "5xx"]\n'
        # No schema describes the times that a person may write.
        '[[operations]]\ninclude-path = "/api/v1/todos/{number}/snooze"\n'
        "[operations.checks.positive_data_acceptance]\n"
        'expected-statuses = ["2xx", "401", "404", "409", "422"]\n'
    )
    service = [sys.executable, "-c", STREAMS_THAT_END]
    with listener() as sock, starting(configure(tmp_path), service, sock=sock) as instance:
        instance.wait_ready()
        url = f"http://127.0.0.1:{instance.port}/openapi.json"
        done = subprocess.run(
            [*command, url], cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
        )
        statuses = {entry["status"] for entry in instance.entries("answered")}
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 37" in done.stdout
    assert {200, 201, 400, 401, 405, 422} <= statuses
    assert max(statuses) < 500
