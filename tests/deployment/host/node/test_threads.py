"""Calls in threads of their own."""

from __future__ import annotations

from threading import Event

import pytest

from deployment.host.node.threads import Call


def test_caller_goes_on_while_the_call_runs() -> None:
    """Its value is there once it has ended."""
    gate = Event()
    call = Call(lambda *words: (gate.wait(10), *words), "a", "b")
    gate.set()
    assert call.result() == (True, "a", "b")


def test_exception_of_the_call_is_its_caller_s() -> None:
    """With its type, message and traceback."""
    call = Call(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        call.result()
