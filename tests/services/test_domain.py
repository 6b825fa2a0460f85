"""The domain: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.domain.commands import RecordMessage
from services.domain.decisions import Refusal, State, decide, evolve
from services.domain.events import MessageRecorded

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_message_is_recorded_as_it_was_said() -> None:
    """The text is kept to the letter, with the time that was given."""
    events = decide(State(), RecordMessage("  hi \n", source="api"), NOW)
    assert events == (MessageRecorded(NOW, "  hi \n", "api"),)


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0"])
def test_nothing_is_not_a_message(text: str) -> None:
    """White space alone is refused."""
    assert isinstance(decide(State(), RecordMessage(text, source="api"), NOW), Refusal)


def test_the_state_counts_messages() -> None:
    """evolve makes a new state and leaves the old one."""
    before = State(messages=3)
    assert evolve(before, MessageRecorded(NOW, "a", "api")) == State(messages=4)
    assert before == State(messages=3)
