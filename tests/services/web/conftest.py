"""A real browser, and a real service that it opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from node1.error import Node1Error
from scripts.browser import chromium
from tests.services.instance import Instance, running
from tests.services.web.visitor import Visitor, visiting


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for the tests of a module: while it is open, no other test can run an event loop."""
    try:
        with chromium() as started:
            yield started
    except Node1Error as error:
        pytest.skip(f"{error.message}: {error.hint}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A service that the tests of a module share."""
    directory: Path = tmp_path_factory.mktemp("site")
    with running(directory, TIMEZONE="Europe/Vienna") as instance:
        yield instance


@pytest.fixture
def visitor(browser: Browser, site: Instance) -> Iterator[Visitor]:
    """Somebody who has logged in, in a browser of their own."""
    with visiting(browser, site) as person:
        yield person
