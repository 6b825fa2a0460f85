"""A command on the node ends in an answer or in a message, never in a traceback."""

from __future__ import annotations

import pytest

from deployment.host.errors import StepFailed
from deployment.host.run import run


def test_user_that_was_deleted_is_told() -> None:
    """Whatever was to be run as that user: who it is, and what brings it back."""
    with pytest.raises(StepFailed, match="there is no user helionyx-of-nobody on the node") as failure:
        run(["true"], user="helionyx-of-nobody")
    assert "make deploy" in failure.value.hint


def test_program_that_is_not_there_is_told() -> None:
    """By its name."""
    with pytest.raises(StepFailed, match="no-such-program is not installed on the node"):
        run(["no-such-program"])
