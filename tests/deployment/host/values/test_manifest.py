"""Two releases with the same contents, from two commits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.host.values.layout import Layout
from tests.deployment.shelves import release

MADE = release(Layout())
OTHER = {"commit": "1" * 40, "subject": "Other words", "id": "111111111111-222222222222"}


def test_commit_alone_is_no_other_content() -> None:
    """Its subject and the id come with it."""
    assert MADE.differs_in_commit_alone(replace(MADE, **OTHER))  # type: ignore[arg-type]
    assert not MADE.differs_in_commit_alone(MADE)


@pytest.mark.parametrize(
    "members",
    [
        {"files": {"services/app.py": "x"}},
        {"layer": "e" * 64},
        {"dirty": True},
        {"digests": {"API_TOKEN": "x"}},
        {"units": {"helionyx-dev.service": "x"}},
        {"python": "3.12"},
    ],
)
def test_anything_else_is(members: dict[str, object]) -> None:
    """Code, dependencies, configuration, units; a dirty tree is never taken for a clean one."""
    assert not MADE.differs_in_commit_alone(replace(MADE, **{**OTHER, **members}))  # type: ignore[arg-type]
