"""What a person is shown of a service's lines."""

from __future__ import annotations

import pytest

from deployment.host.values.words import count, is_probe, readable, size


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"time":"t","level":"info","message":"started","env":"dev"}', ["started env=dev"]),
        ('{"time":"t","level":"error","message":"no","hint":"do"}', ["error: no", "  hint: do"]),
        (
            '{"level":"critical","message":"a bug","error":"E: x","traceback":["a.py:1 in f: g()","E: x"]}',
            ["critical: a bug", "  a.py:1 in f: g()", "  E: x"],
        ),
        ("helionyx-dev.service: Main process exited", ["helionyx-dev.service: Main process exited"]),
        ("Traceback (most recent call last):", ["Traceback (most recent call last):"]),
        ("{", ["{"]),
        ("[" * 100_000, ["[" * 100_000]),
        ("5", ["5"]),
        ('{"message":5}', ['{"message":5}']),
    ],
)
def test_a_line_of_the_journal(line: str, shown: list[str]) -> None:
    """The message first and what belongs to it below; what is no such line stays as it is."""
    assert readable(line) == shown


@pytest.mark.parametrize(
    ("line", "probe"),
    [
        ('{"level":"warning","message":"answered","method":"GET","path":"/health/ready","status":503}', True),
        ('{"level":"info","message":"answered","method":"GET","path":"/health","status":200}', False),
        ('{"level":"error","message":"the event log is damaged","path":"/health/ready"}', False),
        ("Main process exited after /health/ready", False),
        ("[]", False),
    ],
)
def test_a_question_whether_it_is_ready(line: str, probe: bool) -> None:
    """It is told from whatever else a service says: asked often, it would hide the rest."""
    assert is_probe(line) is probe


def test_counted_events() -> None:
    """One is one."""
    assert [count(0), count(1), count(2)] == ["0 events", "1 event", "2 events"]


@pytest.mark.parametrize(
    ("bytes_", "shown"),
    [(0, "-"), (None, "-"), (4096, "4 kB"), (5.2e6, "5.2 MB"), (99_000, "99 kB"), (52e6, "52 MB")],
)
def test_a_size(bytes_: int | None, shown: str) -> None:
    """In the unit that leaves something of it: what is there is never shown as nothing."""
    assert size(bytes_) == shown
