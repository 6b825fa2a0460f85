"""The browser of tests and screenshots: Debian's Chromium, which Playwright drives."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from node1.host import install
from node1.lock import locked

LIMIT = 600  # seconds for another process that installs it


def _progress(text: str) -> None:
    print(text, file=sys.stderr)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; it is installed where that can be done. Raises Node1Error."""
    with locked(Path(tempfile.gettempdir()) / f"helionyx-chromium-{os.getuid()}.lock", timeout=LIMIT):
        install(_progress, {"chromium": "chromium"})
    program = shutil.which("chromium")
    with sync_playwright() as playwright:
        # Its own sandbox needs namespaces, which root in a container does not have.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
