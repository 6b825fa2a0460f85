"""Each test of the contract runs with each backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.event_log.backend import Backend
from services.event_log.log import EventLog
from tests.services.event_log.contract.harness import HARNESSES, Harness


@pytest.fixture(params=HARNESSES)
def harness(request: pytest.FixtureRequest) -> Harness:
    """One kind of backend."""
    return HARNESSES[request.param]()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A directory for one log."""
    return tmp_path / "events"


@pytest.fixture
def backend(harness: Harness, store: Path) -> Backend:
    """A backend whose log does not exist yet."""
    return harness.backend(store)


@pytest.fixture
def log(backend: Backend) -> Iterator[EventLog]:
    """An empty log."""
    log = backend.open()
    yield log
    log.close()
