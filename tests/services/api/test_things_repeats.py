"""Changes over HTTP that are sent more than once, one after the other or at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.services.api.test_things_api import made, problem
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


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("todos", {"text": "milk"}),
        ("notes", {"text": "milk"}),
        ("tracks", {"name": "milk"}),
        ("decisions", {"text": "milk"}),
    ],
)
def test_a_new_item_is_at_its_location(service: Instance, kind: str, body: dict[str, str]) -> None:
    """A repeat has created nothing, and names none. A stopped track that starts again has its first place."""
    key = {"Idempotency-Key": f"new-{kind}"}
    new = service.call("POST", f"{API}/{kind}", body, **key)
    assert (new.status, new.headers["location"]) == (201, f"{API}/{kind}/{new.json['number']}")
    assert service.call("GET", new.headers["location"]).json == new.json
    repeat = service.call("POST", f"{API}/{kind}", body, **key)
    assert (repeat.status, "location" in repeat.headers) == (200, False)
    if kind == "tracks":
        service.call("POST", f"{new.headers['location']}/stop")
        again = service.call("POST", f"{API}/{kind}", body)
        assert (again.status, again.headers["location"]) == (201, new.headers["location"])


def test_what_cannot_be_read_alone_has_no_location(service: Instance) -> None:
    """Messages, and the entries of a track: they are read in their lists."""
    track = made(service, "tracks", name="weight")["number"]
    for path in (f"{API}/messages", f"{API}/tracks/{track}/entries"):
        answer = service.call("POST", path, {"text": "82.1 kg"})
        assert (answer.status, "location" in answer.headers) == (201, False)


def test_a_todo_is_snoozed(service: Instance) -> None:
    """From its due time or from now; a repeat moves it no further, and what is no time changes nothing."""
    number = made(service, "todos", text="milk", due="2042-02-13T16:00:00Z")["number"]
    path = f"{API}/todos/{number}/snooze"
    key = {"Idempotency-Key": "snooze"}
    for _ in range(2):
        answer = service.call("POST", path, {"until": "tomorrow"}, **key)
        assert (answer.status, answer.json["due"]) == (200, "2042-02-14T16:00:00Z")
    assert service.call("POST", path, {"until": "1h"}).json["due"] == "2042-02-14T17:00:00Z"
    for until in ("someday", "", "none", "x" * 5000):
        refused = service.call("POST", path, {"until": until})
        assert problem(refused, 422).startswith("did not understand ")
    assert "has passed" in problem(service.call("POST", path, {"until": "2026-01-01"}), 422)
    problem(service.call("POST", path, {}), 422)
    assert service.call("GET", f"{API}/todos/{number}").json["due"] == "2042-02-14T17:00:00Z"
    other = made(service, "todos", text="bread")["number"]
    problem(service.call("POST", f"{API}/todos/{other}/snooze", {"until": "tomorrow"}, **key), 409)
    service.call("POST", f"{API}/todos/{number}/complete")
    done = problem(service.call("POST", path, {"until": "tomorrow"}), 409)
    assert done == f"expected a todo that is open; {number} is done"
    assert service.call("POST", path, {"until": "tomorrow"}, **key).json["state"] == "done"
    note = made(service, "notes", text="x")["number"]
    problem(service.call("POST", f"{API}/todos/{note}/snooze", {"until": "tomorrow"}), 404)
