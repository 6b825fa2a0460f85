"""Todos, notes, tracks and decisions over HTTP."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.instance import Answer, Instance, running

API = "/api/v1"
_number = itertools.count()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("things")) as instance:
        yield instance


def made(service: Instance, kind: str, **members: object) -> dict[str, Any]:
    """A new one."""
    answer = service.call("POST", f"{API}/{kind}", members)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json
    return found


def problem(answer: Answer, status: int) -> str:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    return str(answer.json["detail"])


def test_the_life_of_a_todo(service: Instance) -> None:
    """Each change is seen at once, and refused where it makes no sense."""
    todo = made(service, "todos", text="milk", due="2026-02-11", tags=["Home", "home"])
    number = todo["number"]
    assert {name: todo[name] for name in ("kind", "state", "text", "due", "tags")} == {
        "kind": "todo",
        "state": "open",
        "text": "milk",
        "due": "2026-02-11",
        "tags": ["home"],
    }
    assert service.call("GET", f"{API}/todos/{number}").json == todo
    for verb, state in (
        ("complete", "done"),
        ("reopen", "open"),
        ("cancel", "cancelled"),
        ("reopen", "open"),
    ):
        answer = service.call("POST", f"{API}/todos/{number}/{verb}")
        assert (answer.status, answer.json["state"]) == (200, state)
    moved = service.call("PUT", f"{API}/todos/{number}/due", {"due": "2026-02-11T17:00:00+01:00"})
    assert moved.json["due"] == "2026-02-11T16:00:00Z"
    assert service.call("PUT", f"{API}/todos/{number}/due", {"due": None}).json["due"] is None
    assert service.call("POST", f"{API}/todos/{number}/complete").json["state"] == "done"
    again = problem(service.call("POST", f"{API}/todos/{number}/complete"), 409)
    assert again == f"expected a todo that is open; {number} is done"


def test_the_life_of_a_decision(service: Instance) -> None:
    """The reason of its last change stands beside the one of the proposal."""
    number = made(service, "decisions", text="train", rationale="quiet")["number"]
    rejected = service.call("POST", f"{API}/decisions/{number}/reject", {"rationale": "strike"}).json
    assert [rejected[name] for name in ("state", "rationale", "reason")] == ["rejected", "quiet", "strike"]
    problem(service.call("POST", f"{API}/decisions/{number}/accept"), 409)
    assert service.call("POST", f"{API}/decisions/{number}/revisit").json["state"] == "proposed"
    accepted = service.call("POST", f"{API}/decisions/{number}/accept", {}).json
    assert [accepted[name] for name in ("state", "rationale", "reason")] == ["accepted", "quiet", None]


def test_a_track_and_its_entries(service: Instance) -> None:
    """It is known by its name to whoever adds to it, and by its number here."""
    track = made(service, "tracks", name=" Morning  run ")
    number, path = track["number"], f"{API}/tracks/{track['number']}/entries"
    assert track["name"] == track["text"] == "Morning run"
    entries = [service.call("POST", path, {"text": f"{n} km"}).json for n in range(3)]
    told = service.call("POST", f"{API}/messages", {"text": "track: morning RUN: 9 km"}).json
    assert (told["thing"]["number"], told["thing"]["entries"]) == (number, 4)
    page = service.call("GET", f"{path}?limit=2").json
    assert [entry["text"] for entry in page["entries"]] == ["9 km", "2 km"]
    rest = service.call("GET", f"{path}?limit=2&before={page['next']}").json
    assert (rest["entries"], rest["next"]) == ([entries[1], entries[0]], None)
    assert service.call("POST", f"{API}/tracks/{number}/stop").json["state"] == "stopped"
    problem(service.call("POST", f"{API}/tracks/{number}/stop"), 409)
    again = service.call("POST", f"{API}/tracks", {"name": "MORNING run"})
    assert (again.status, again.json["number"], again.json["state"]) == (201, number, "running")
    problem(service.call("POST", f"{API}/tracks", {"name": "morning run"}), 409)


def test_what_a_message_means(service: Instance) -> None:
    """It is answered with what it was taken as, and a repeat with the same."""
    told = [
        service.call("POST", f"{API}/messages", {"text": "todo: tea #Kitchen"}, Idempotency_Key="tea")
        for _ in range(2)
    ]
    assert [answer.status for answer in told] == [201, 200]
    assert told[0].json == told[1].json
    thing = told[0].json["thing"]
    assert (thing["text"], thing["tags"], thing["number"]) == (
        "tea",
        ["kitchen"],
        told[0].json["position"] + 1,
    )
    assert service.call("POST", f"{API}/messages", {"text": "tea"}).json["thing"] is None


def test_tags(service: Instance) -> None:
    """Put and taken away by their path; counted."""
    number = made(service, "notes", text="stone", tags=["garden"])["number"]
    path = f"{API}/things/{number}/tags"
    for _ in range(2):
        assert service.call("PUT", f"{path}/Key").json["tags"] == ["garden", "key"]
    assert service.call("GET", f"{API}/tags").json["tags"]["garden"] == 1
    assert service.call("DELETE", f"{path}/garden").json["tags"] == ["key"]
    problem(service.call("DELETE", f"{path}/garden"), 404)
    problem(service.call("PUT", f"{path}/a.b"), 422)
    assert "garden" not in service.call("GET", f"{API}/tags").json["tags"]


def test_lists(service: Instance) -> None:
    """By state, by tag, by when they are due; page by page, the newest first."""
    tag = f"lists{next(_number)}"
    todos = [
        made(service, "todos", text=f"{n}", due=f"2026-03-0{n + 1}", tags=[tag])["number"] for n in range(6)
    ]
    service.call("POST", f"{API}/todos/{todos[1]}/complete")
    service.call("POST", f"{API}/todos/{todos[2]}/cancel")

    def numbers(query: str) -> list[int]:
        page = service.call("GET", f"{API}/todos?tag={tag}&{query}").json
        return [todo["number"] for todo in page["todos"]]

    assert numbers("") == todos[::-1]
    assert numbers("state=open") == [todos[5], todos[4], todos[3], todos[0]]
    assert numbers("state=done&state=cancelled") == [todos[2], todos[1]]
    assert numbers("due_until=2026-03-03") == [todos[1], todos[0]]
    first = service.call("GET", f"{API}/todos?tag={tag}&limit=4").json
    assert numbers(f"limit=4&before={first['next']}") == [todos[1], todos[0]]
    problem(service.call("GET", f"{API}/todos?state=lost"), 400)
    problem(service.call("GET", f"{API}/todos?due_until=soon"), 400)


def test_search_and_counts(service: Instance) -> None:
    """What was said is found by its words, whatever their case and accents; nothing is a syntax error."""
    service.call("POST", f"{API}/messages", {"text": "Die Größe des Cafés, xylophon"})
    note = made(service, "notes", text="xylophone lessons")["number"]

    def found(words: str) -> list[str]:
        answer = service.call("GET", f"{API}/search?q={words}")
        assert answer.status == 200, answer.body
        return [hit["text"] for hit in answer.json["hits"]]

    assert found("xylo") == ["xylophone lessons", "Die Größe des Cafés, xylophon"]
    assert found("cafes%20XYLOPHON") == ["Die Größe des Cafés, xylophon"]
    todo = service.call("POST", f"{API}/messages", {"text": "todo: xylitol due friday"}).json["thing"]
    (hit,) = service.call("GET", f"{API}/search?q=xylitol+friday").json["hits"]
    assert {name: hit[name] for name in ("number", "state", "type")} == {
        "number": todo["number"],
        "state": "open",
        "type": "TodoAdded",
    }
    for odd in ("%22", "a%20AND", "NEAR(", "*", "", "%00", "a:b", "-x", "%F0%9F%98%80"):
        found(odd)
    counts = service.call("GET", f"{API}/counts").json
    assert counts["events"]["NoteTaken"] == counts["things"]["note"]["kept"] > 0
    assert note > 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "todos", {"text": " "}, 422),
        ("POST", "todos", {"text": "a", "due": "tomorrow"}, 422),
        ("POST", "todos", {"text": "a", "due": "2026-02-11T17:00:00"}, 422),
        ("POST", "todos", {"text": "a", "tags": ["a b"]}, 422),
        ("POST", "todos", {"text": "a", "colour": "red"}, 422),
        ("POST", "todos", {}, 422),
        ("POST", "todos", b"{", 400),
        ("POST", "tracks", {"name": "x" * 101}, 422),
        ("POST", "tracks", {"name": " "}, 422),
        ("POST", "todos/999999/complete", None, 404),
        ("POST", "todos/x/complete", None, 404),
        ("GET", "todos/999999", None, 404),
        ("GET", "notes/0", None, 404),
        ("PUT", "things/999999/tags/a", None, 404),
        ("GET", "search", None, 400),
        ("GET", f"search?q={'x' * 201}", None, 400),
        ("DELETE", "todos", None, 405),
    ],
)
def test_what_is_refused(service: Instance, method: str, path: str, body: object, status: int) -> None:
    """With what is wrong, and nothing is recorded."""
    before = service.call("GET", "/health/ready").json["log"]
    assert problem(service.call(method, f"{API}/{path}", body), status)
    assert service.call("GET", "/health/ready").json["log"] == before


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("todos?tga=home", "expected before, due_until, limit, state, tag in the query, found 'tga'"),
        ("todos?tag=home&tag=", "expected tag once in the query, found it again"),
        ("todos?", ""),
        ("todos?state=open&state=done", ""),
        ("events?type=A&type=B&limit=1", ""),
        ("events?limt=1", "found 'limt'"),
        ("counts?=", "expected nothing in the query, found ''"),
        ("events/stream?%61fter=0&limit=1", "expected after, type in the query, found 'limit'"),
    ],
)
def test_a_query_that_is_not_what_is_described(service: Instance, path: str, detail: str) -> None:
    """A misspelt filter would be answered with everything."""
    answer = service.call("GET", f"{API}/{path}")
    if detail:
        assert detail in problem(answer, 400)
    else:
        assert answer.status == 200


def test_a_query_of_what_is_said(service: Instance) -> None:
    """Refused before anything is kept."""
    before = service.call("GET", "/health/ready").json["log"]
    assert "in the query" in problem(service.call("POST", f"{API}/messages?text=a", {"text": "a"}), 400)
    assert service.call("GET", "/health/ready").json["log"] == before


def test_a_number_of_another_kind(service: Instance) -> None:
    """Is none of this kind."""
    number = made(service, "notes", text="a")["number"]
    assert problem(service.call("GET", f"{API}/todos/{number}"), 404) == f"there is no todo {number}"
    problem(service.call("POST", f"{API}/todos/{number}/complete"), 404)


def test_a_repeat_of_a_change(service: Instance) -> None:
    """Is answered as the first time, also when it is no longer possible; its key is good for nothing else."""
    one, two = (made(service, "todos", text="a")["number"] for _ in range(2))
    for _ in range(2):
        answer = service.call("POST", f"{API}/todos/{one}/complete", Idempotency_Key="done")
        assert (answer.status, answer.json["state"]) == (200, "done")
    problem(service.call("POST", f"{API}/todos/{two}/complete", Idempotency_Key="done"), 409)
    assert [
        service.call("POST", f"{API}/notes", {"text": "n"}, Idempotency_Key="note").status for _ in range(2)
    ] == [201, 200]


def test_two_complete_it_at_once(service: Instance) -> None:
    """One does, the others hear that it is done."""
    number = made(service, "todos", text="a")["number"]
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(service.call("POST", f"{API}/todos/{number}/complete").status)
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]


def test_numbers_in_paths_make_no_series(service: Instance) -> None:
    """The metrics know a route, and not each thing."""
    service.call("GET", f"{API}/todos/123456")
    lines = service.call("GET", "/metrics").body.decode()
    assert 'route="/api/v1/todos/{number}"' in lines
    assert "123456" not in lines


def test_it_is_there_after_a_restart(tmp_path: Path) -> None:
    """As it was."""
    with running(tmp_path) as service:
        todo = made(service, "todos", text="a", tags=["b"])
        service.call("POST", f"{API}/todos/{todo['number']}/complete")
        before = service.call("GET", f"{API}/todos").json
        service.stop()
    with running(tmp_path) as service:
        assert service.call("GET", f"{API}/todos").json == before
