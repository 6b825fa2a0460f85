"""What all tests share."""

from __future__ import annotations

import signal

import pytest

from node1 import Node1Error, host


@pytest.fixture(scope="session")
def machine() -> None:
    """Skips, in one line that says what to do instead, where no node can boot."""
    try:
        host.require()
    except Node1Error as error:
        pytest.skip(f"{error.message}; {error.hint}")


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start, also in the background of a shell, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
