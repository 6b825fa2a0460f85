"""The answers of a release's program about a log, which may hold anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.host.event_log import log_commands
from deployment.host.node.run import run
from deployment.host.releases import releases
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from tests.deployment.shelves import release


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A release whose program is a shell's line."""
    monkeypatch.setattr(releases, "command", lambda *words: ["sh", "-c", words[2]])
    monkeypatch.setattr(log_commands, "run", lambda argv, **options: run(argv, **{**options, "user": None}))
    return Layout(tmp_path)


@pytest.mark.parametrize(
    "answer",
    ["", "{", "[1]", "no object", "[" * 100_000],
    ids=["nothing", "half", "a list", "words", "deep"],
)
def test_answer_that_is_no_object_is_a_failure(layout: Layout, answer: str) -> None:
    """And no traceback, however deep it is."""
    with pytest.raises(StepFailed, match="no JSON object from: sh -c"):
        log_commands.ask(layout.of("dev"), release(layout), f"printf %s '{answer}'", "head")
    assert log_commands.object_in(answer) is None


def test_answer_without_end_is_a_failure(layout: Layout) -> None:
    """It is not taken into memory whole."""
    with pytest.raises(StepFailed, match="more than 1 MB of output"):
        log_commands.ask(layout.of("dev"), release(layout), "yes", "head")


def test_problem_that_is_too_long_for_its_end_is_told(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As much of it as there is: a log may hold a name of any length."""
    monkeypatch.setattr(
        releases,
        "command",
        lambda *_: [
            "sh",
            "-c",
            """printf '{"problem": "%s"}' $(head -c 9000 /dev/zero | tr '\\0' x); exit 1""",
        ],
    )
    told = log_commands.flaw(layout.of("dev"), release(layout), layout.root)
    assert told is not None
    assert told.startswith('{"problem": "xxx')
    assert len(told) == 4000
