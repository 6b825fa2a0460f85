"""What all tests share."""

from __future__ import annotations

import pytest

from node1 import Node1Error, host


@pytest.fixture(scope="session")
def machine() -> None:
    """Skips, in one line that says what to do instead, where no node can boot."""
    try:
        host.require()
    except Node1Error as error:
        pytest.skip(f"{error.message}; {error.hint}")
