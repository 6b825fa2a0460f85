"""Changes over HTTP that are sent more than once, one after the other or at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.services.instance import Instance, running

API = "/api/v1"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("repeats")) as instance:
        yield instance


def note(service: Instance, *tags: str) -> int:
    """The number of a new one."""
    answer = service.call("POST", f"{API}/notes", {"text": "a", "tags": tags})
    assert answer.status == 201, answer.body
    number: int = answer.json["number"]
    return number


def test_a_tag_that_many_put_at_once(service: Instance) -> None:
    """Is there for each of them, and is recorded once."""
    path = f"{API}/things/{note(service)}/tags"
    before = service.call("GET", f"{API}/counts").json["events"].get("TagAdded", 0)
    statuses: list[int] = []
    for tag in ("a", "b", "c", "d", "e"):
        threads = [
            threading.Thread(
                target=lambda tag=tag: statuses.append(service.call("PUT", f"{path}/{tag}").status)
            )
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 30
    assert service.call("GET", f"{API}/counts").json["events"]["TagAdded"] == before + 5


def test_one_tag_too_many(service: Instance) -> None:
    """Is refused, and one of those that are there can still be put."""
    path = f"{API}/things/{note(service, *(f't{n}' for n in range(20)))}/tags"
    assert service.call("PUT", f"{path}/more").status == 409
    assert service.call("PUT", f"{path}/t0").status == 200


def test_a_key_that_was_used_for_something_else(service: Instance) -> None:
    """Is refused for other content, another kind, and a tag that is there already."""
    assert service.call("POST", f"{API}/todos", {"text": "a"}, Idempotency_Key="used").status == 201
    path = f"{API}/things/{note(service, 'there')}/tags/there"
    for method, place, body in (
        ("POST", f"{API}/todos", {"text": "b"}),
        ("POST", f"{API}/notes", {"text": "a"}),
        ("PUT", path, None),
        ("DELETE", path, None),
    ):
        answer = service.call(method, place, body, Idempotency_Key="used")
        assert (answer.status, answer.headers["content-type"]) == (409, "application/problem+json"), place
    assert service.call("POST", f"{API}/todos", {"text": "a"}, Idempotency_Key="used").status == 200
