"""The requests of an acceptance and their expected answers, in the order in which they are sent.

`{run}` is a text that no earlier run has used. `{todo}` is the number of an earlier answer with that `name`.
An expected list begins with these members; an expected object has these members, and may have others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CREATED, OK, CONFLICT = 201, 200, 409


@dataclass(frozen=True)
class Request:
    """One request, the expected answer, and the number of events that it appends."""

    method: str
    path: str
    status: int
    events: int = 0
    body: Mapping[str, object] | None = None
    key: str | None = None
    """The Idempotency-Key."""
    answer: Mapping[str, object] = field(default_factory=dict)
    """Members of the expected answer."""
    name: str = ""
    """The name of the answer's number in later requests."""


API = "/api/v1"
MESSAGE = {"text": "acceptance {run}"}
TODO = {"text": "check the release {run}", "due": "2030-01-31", "tags": ["acceptance"]}
TODO_MESSAGE = {"text": "todo: check the message {run} #acceptance"}

REQUESTS: tuple[Request, ...] = (
    Request("POST", f"{API}/messages", CREATED, 1, MESSAGE, "{run}-1", {**MESSAGE, "thing": None}, "message"),
    Request("POST", f"{API}/messages", OK, 0, MESSAGE, "{run}-1", {**MESSAGE, "position": "{message}"}),
    Request("POST", f"{API}/messages", CONFLICT, 0, {"text": "another {run}"}, "{run}-1"),
    Request(
        *("POST", f"{API}/messages", CREATED, 2, TODO_MESSAGE, "{run}-2"),
        answer={"thing": {"kind": "todo", "state": "open", "tags": ["acceptance"]}},
    ),
    Request("POST", f"{API}/messages", OK, 0, TODO_MESSAGE, "{run}-2", TODO_MESSAGE),
    Request("POST", f"{API}/todos", CREATED, 1, TODO, "{run}-3", {**TODO, "state": "open"}, "todo"),
    Request("POST", f"{API}/todos", OK, 0, TODO, "{run}-3", {**TODO, "number": "{todo}"}),
    Request("PUT", f"{API}/todos/{{todo}}/due", OK, 1, {"due": None}, answer={"due": None}),
    Request("POST", f"{API}/todos/{{todo}}/complete", OK, 1, {}, "{run}-4", {"state": "done"}),
    Request("POST", f"{API}/todos/{{todo}}/complete", OK, 0, {}, "{run}-4", {"state": "done"}),
    Request("POST", f"{API}/todos/{{todo}}/complete", CONFLICT, 0, {}),
    Request(
        *("GET", f"{API}/todos?state=done&limit=1", OK),
        answer={"todos": [{"number": "{todo}", "text": TODO["text"], "due": None, "state": "done"}]},
    ),
    Request("POST", f"{API}/notes", CREATED, 1, {"text": "a note {run}"}, name="note"),
    Request("GET", f"{API}/notes?limit=1", OK, answer={"notes": [{"number": "{note}"}]}),
    Request("POST", f"{API}/tracks", CREATED, 1, {"name": "weight {run}"}, name="track"),
    Request("POST", f"{API}/tracks/{{track}}/entries", CREATED, 1, {"text": "70 kg"}),
    Request("GET", f"{API}/tracks/{{track}}", OK, answer={"name": "weight {run}", "entries": 1}),
    Request("POST", f"{API}/decisions", CREATED, 1, {"text": "take the train {run}"}, name="decision"),
    Request("POST", f"{API}/decisions/{{decision}}/accept", OK, 1, {}, answer={"state": "accepted"}),
    Request("GET", f"{API}/decisions?limit=1", OK, answer={"decisions": [{"state": "accepted"}]}),
    Request("GET", f"{API}/search?q={{run}}&limit=1", OK, answer={"hits": [{"position": "{decision}"}]}),
)
