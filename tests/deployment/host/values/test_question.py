"""A question at the edge of the node: parsed once, and refused where it makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployment.host.values.errors import Refused
from deployment.host.values.layout import ENVIRONMENTS, Layout
from deployment.host.values.question import Configured, Question

LAYOUT = Layout(Path("/node"))


def test_question_about_no_environment_is_about_all() -> None:
    """Each with the paths of the node that was asked."""
    question = Question.parse({"verb": "status"}, LAYOUT)
    assert question.environments == tuple(map(LAYOUT.of, ENVIRONMENTS))
    assert Question.parse({"environments": ["live"]}, LAYOUT).environments == (LAYOUT.of("live"),)
    assert Question.parse({"environment": "dev"}, LAYOUT).environment == LAYOUT.of("dev")


def test_members_of_a_question_have_their_types() -> None:
    """Those that are not asked for have their defaults."""
    wanted = {"dev": {"host": "::1", "port": "8002", "bot": None}}
    question = Question.parse({"lines": "5", "wanted": wanted, "since": None, "later": 1}, LAYOUT)
    assert question.configured == {"dev": Configured("::1", 8002, None)}
    assert (question.lines, question.since, question.follow, question.heard) == (5, None, False, 0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"environment": "../live"}, r"no environment '\.\./live'"),
        ({"environments": ["dev", 7]}, "no environment 7"),
        ({"lines": "many"}, "ValueError"),
        ({"wanted": {"dev": {"host": "::1"}}}, "KeyError"),
        ({"actor": ["Ada"]}, "AttributeError"),
    ],
)
def test_question_that_makes_no_sense_is_refused(value: dict[str, Any], message: str) -> None:
    """Before anything reads a member of it."""
    with pytest.raises(Refused, match=message):
        Question.parse(value, LAYOUT)
