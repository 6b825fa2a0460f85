"""A page of JSON is bounded by its size too, and `next` leads through all that there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.projections.pages import PAGE
from tests.services.instance import Instance, running

LARGE = 60_000  # characters of a message, which is nearly the largest that is taken
MANY = 2 * PAGE // LARGE + 3  # messages that three pages hold
LAST = MANY + 1  # the position of the last one: the service's start is in front of them


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One that was told more than a page holds."""
    with running(tmp_path_factory.mktemp("service")) as instance:
        for number in range(MANY):
            text = f"{number} ".ljust(LARGE, "x")
            assert instance.call("POST", "/api/v1/messages", {"text": text}).status == 201
        yield instance


def pages(service: Instance, path: str, follow: str, what: str) -> list[list[dict[str, Any]]]:
    """All pages, from the first to the one whose `next` is null."""
    found, after = [], ""
    while True:
        answer = service.call("GET", f"{path}limit=1000{after}")
        assert len(answer.body) < PAGE + 2 * LARGE
        page = answer.json
        found.append(page[what])
        if page["next"] is None:
            return found
        after = f"&{follow}={page['next']}"


@pytest.mark.parametrize(
    ("path", "follow", "what", "expected"),
    [
        ("/api/v1/messages?", "after", "messages", range(2, LAST + 1)),
        ("/api/v1/timeline?", "before", "entries", range(LAST, 0, -1)),
        ("/api/v1/timeline?type=MessageRecorded&", "before", "entries", range(LAST, 1, -1)),
    ],
    ids=["messages", "timeline", "timeline of a type"],
)
def test_page_of_large_ones_is_shorter_than_its_limit(
    service: Instance, path: str, follow: str, what: str, expected: range
) -> None:
    """Each once, in order, in as many pages as it takes."""
    found = pages(service, path, follow, what)
    assert len(found) == 3
    assert [item["position"] for page in found for item in page] == list(expected)


@pytest.mark.parametrize("path", ["messages?after", "timeline?before"])
def test_next_is_null_only_where_there_is_no_more(service: Instance, path: str) -> None:
    """Also of a page that is just full, and of one that nobody wanted anything on."""
    last, one = (LAST, LAST - 1) if "after" in path else (1, 2)
    assert service.call("GET", f"/api/v1/{path}={one}&limit=1").json["next"] is None
    assert service.call("GET", f"/api/v1/{path}={one}&limit=0").json["next"] == one
    assert service.call("GET", f"/api/v1/{path}={last}&limit=0").json["next"] is None
    assert service.call("GET", f"/api/v1/{path}={last}").json["next"] is None
