"""What counts as an answer of the release that was deployed: each part of it, and its status."""

from __future__ import annotations

from typing import Any

import pytest

from deployment.host import verify
from deployment.host.layout import Layout

from .shelves import DEV, release

WHOLE = {"name": "helionyx", "environment": "dev", "release": "", "ready": True, "status": 200}


def test_whole_answer_has_no_difference(layout: Layout) -> None:
    """A release older than rehearsals does not say whether it is one: it is none."""
    assert verify._differences(DEV, release(layout), WHOLE, rehearsal=False) == ""
    assert verify._differences(DEV, release(layout), WHOLE | {"rehearsal": True}, rehearsal=True) == ""


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("name", "another program"),
        ("environment", "live"),
        ("release", "another release"),
        ("ready", False),
        ("status", 500),
        ("rehearsal", True),
    ],
)
def test_difference_is_named(layout: Layout, key: str, found: object) -> None:
    """With the value that was answered; the rest of the answer is as it should be."""
    answer: dict[str, Any] = WHOLE | {key: found}
    assert verify._differences(DEV, release(layout), answer, rehearsal=False) == f"{key} is {found!r}"


def test_silence_is_named(layout: Layout) -> None:
    """A port that nobody answers on is no healthy release."""
    assert verify._differences(DEV, release(layout), None, rehearsal=False) == "no answer"
