"""Pages of other origins: those of CORS_ORIGINS may call the API, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.config_keys import KEYS, InvalidError
from tests.services.instance import TOKEN, Answer, Instance, running

PAGE, LOCAL, OTHER = "https://my.page", "http://localhost:3000", "https://other.page"
TODOS = "/api/v1/todos"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("cors"), CORS_ORIGINS=f"{PAGE},{LOCAL}") as instance:
        yield instance


@pytest.fixture(scope="module")
def open_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A service without a token."""
    with running(tmp_path_factory.mktemp("open"), API_TOKEN=None, CORS_ORIGINS=PAGE) as instance:
        yield instance


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "my.page",
        "https://*.my.page",
        "https://my.page/app",
        "https://my.page,",
        "https://a:65536",
        "https://ada@my.page",
        "https://my.page?a",
        "http://my.page",
        "ws://localhost",
        "https://mÿ.page",
    ],
)
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(InvalidError):
        KEYS["CORS_ORIGINS"].read(text)


def preflight(service: Instance, origin: str, path: str = TODOS, **headers: str) -> Answer:
    """The question of a browser before it sends a request of a page; it has no token."""
    asked = {
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "authorization,content-type,idempotency-key",
    }
    return service.call("OPTIONS", path, Authorization="", Origin=origin, **{**asked, **headers})


def cors_headers(answer: Answer) -> set[str]:
    """The headers that let a page read an answer."""
    return {name for name in answer.headers if name.startswith("access-control-allow-")}


@pytest.mark.parametrize("origin", [PAGE, LOCAL])
def test_a_browser_asks_for_a_listed_page(service: Instance, origin: str) -> None:
    answer = preflight(service, origin)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert "access-control-allow-credentials" not in answer.headers
    assert {"GET", "POST", "PUT", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    allowed = set(answer.headers["access-control-allow-headers"].lower().split(", "))
    assert {"authorization", "content-type", "idempotency-key"} <= allowed
    assert "Origin" in answer.headers["vary"]
    private = preflight(service, origin, Access_Control_Request_Private_Network="true")
    assert private.headers["access-control-allow-private-network"] == "true"


def test_a_listed_page_creates_and_reads(service: Instance) -> None:
    answer = service.call("POST", TODOS, {"text": "milk"}, Origin=PAGE)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (201, PAGE)
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"Location", "X-Request-Id"} <= set(exposed)
    assert service.call("GET", answer.headers["location"], Origin=PAGE).json["text"] == "milk"


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", TODOS, None, {"Authorization": "Bearer wrong"}, 401),
        ("POST", TODOS, {}, {}, 422),
        ("POST", TODOS, b"no json", {}, 400),
        ("DELETE", TODOS, None, {}, 405),
        ("GET", "/api/v1/nothing", None, {}, 404),
    ],
)
def test_a_listed_page_reads_refusals(
    service: Instance, method: str, path: str, body: object, headers: dict[str, str], status: int
) -> None:
    answer = service.call(method, path, body, Origin=PAGE, **headers)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, PAGE)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_listed_page_reads_that_the_service_is_not_ready(tmp_path: Path) -> None:
    """A service that cannot read its log answers 503."""
    with running(tmp_path, CORS_ORIGINS=PAGE) as service:
        (log,) = (tmp_path / "events").glob("events.db")
        log.unlink()
        answer = service.call("POST", TODOS, {"text": "milk"}, Origin=PAGE)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (503, PAGE)


@pytest.mark.parametrize("origin", [OTHER, "null", "https://my.page.other", "http://my.page", "*"])
def test_another_page_is_answered_as_without_the_key(service: Instance, origin: str) -> None:
    assert (preflight(service, origin).status, cors_headers(preflight(service, origin))) == (401, set())
    answer = service.call("GET", TODOS, Origin=origin)
    assert cors_headers(answer) == set()
    # A cache may not give this answer to a page that may read it.
    assert "Origin" in answer.headers["vary"]
    assert "Origin" in service.call("GET", TODOS).headers["vary"]


@pytest.mark.parametrize("path", ["/metrics", "/health", "/login", "/openapi.json", "/apis"])
def test_nothing_but_the_api_is_shared(service: Instance, path: str) -> None:
    assert cors_headers(preflight(service, PAGE, path)) == set()
    assert cors_headers(service.call("GET", path, Origin=PAGE)) == set()


def test_nothing_is_shared_by_default(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert (preflight(service, PAGE).status, cors_headers(preflight(service, PAGE))) == (401, set())
        assert cors_headers(service.call("GET", TODOS, Origin=PAGE)) == set()


def test_without_a_token_a_listed_page_may_call_the_api(open_service: Instance) -> None:
    """Another page may not, nor may this one call anything else or send a form."""
    assert preflight(open_service, PAGE).headers["access-control-allow-origin"] == PAGE
    calls = {"Origin": PAGE, "Authorization": ""}
    assert open_service.call("POST", TODOS, {"text": "milk"}, **calls).status == 201
    form = open_service.call("POST", TODOS, b'{"text": "milk"}', Content_Type="text/plain", **calls)
    assert (form.status, form.headers["access-control-allow-origin"]) == (415, PAGE)
    assert open_service.call("GET", "/metrics", **calls).status == 403
    assert open_service.call("GET", TODOS, Origin=OTHER, Authorization="").status == 403
    rebound = open_service.call("GET", TODOS, Host="my.page", **calls)
    assert rebound.status == 421


def test_a_session_of_a_browser_is_not_shared(service: Instance) -> None:
    """The cookie of a person who is logged in lets no other page change anything."""
    entered = service.call(
        "POST",
        "/login",
        f"token={TOKEN}".encode(),
        Content_Type="application/x-www-form-urlencoded",
        Authorization="",
    )
    cookie = entered.headers["set-cookie"].partition(";")[0]
    assert service.call("GET", TODOS, Authorization="", Cookie=cookie).status == 200
    answer = service.call("POST", TODOS, {"text": "x"}, Origin=PAGE, Authorization="", Cookie=cookie)
    assert answer.status == 401
