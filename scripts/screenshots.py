"""Take the screenshots of the pages for the README: `python -m scripts.screenshots`.

A service of its own is started, and filled with the same entries each time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from scripts.browser import chromium

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SECONDS = 20.0
"""The longest wait for the service."""

PORT = 8799
ADDRESS = f"http://localhost:{PORT}"

ENTRIES = (
    "todo: renew the passport due in 20 days",
    "todo: buy milk due today 23:30 #home #shop",
    "todo: call Ann due tomorrow 9:00 #family",
    "todo: water the plants due friday #home",
    "todo: read about WAL checkpoints #work",
    "note: the key is under the third stone #garden",
    "note: the boiler wants 1.5 bar, not more #home",
    "decide: take the train because it is quiet #travel",
    "decide: move the backups to the cellar because it is dry #work",
    *(f"track: weight: {weight} kg" for weight in (83.2, 82.9, 83.0, 82.4, 82.1, 82.3, 81.8, 81.5)),
    *(f"track: running: {length} km" for length in (4, 5.5, 5, 7, 6.5, 8)),
    "met Bo at the station, he sends his regards",
)

PAGES = ("", "timeline", "todos", "notes", "tracks", "decisions", "search", "system")

SIZES = {"phone": (390, 844), "desktop": (1120, 780)}


def main() -> None:
    """Write a picture of each page, phone and desktop, light and dark for the first of them."""
    with _service(), chromium() as browser:
        for text in ENTRIES:
            _say(text)
        IMAGES.mkdir(exist_ok=True)
        for device, size in SIZES.items():
            for colours in ("light", "dark"):
                _photograph(browser, device, size, colours)


def _photograph(browser: Browser, device: str, size: tuple[int, int], colours: str) -> None:
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if colours == "dark" else "light",
    )
    for name in PAGES if colours == "light" else PAGES[:1]:
        page.goto(f"{ADDRESS}/{name}")
        if not name:
            page.get_by_label("Entry", exact=True).fill("todo: bring the tent back due sunday 18:00 #camping")
            page.locator("#preview", has_text="#camping").wait_for()
        if name == "search":
            page.get_by_label("Words").fill("the")
            page.locator("#hits .item").first.wait_for()
        suffix = "" if colours == "light" else "-dark"
        page.screenshot(path=IMAGES / f"{name or 'today'}-{device}{suffix}.png")
    page.close()


def _say(text: str) -> None:
    body = json.dumps({"text": text}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{ADDRESS}/api/v1/messages", body, headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        answer.read()


@contextmanager
def _service() -> Iterator[None]:
    """A service of this checkout without a token, on loopback."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        lines = {
            "API_HOST": "127.0.0.1",
            "API_PORT": str(PORT),
            "EVENT_STORE_PATH": str(data / "events"),
            "PROJECTIONS_DB_PATH": str(data / "projections" / "helionyx.db"),
        }
        (data / "env").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        variables = {"PATH": os.defpath, "ENV": "live", "CREDENTIALS_DIRECTORY": directory}
        command = [sys.executable, "-m", "services.api.runner"]
        with subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.DEVNULL) as process:
            try:
                _wait()
                yield
            finally:
                process.terminate()
                process.wait(SECONDS)


def _wait() -> None:
    """Wait until the service is ready. Raises TimeoutError."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{ADDRESS}/health/ready", timeout=1) as answer:  # noqa: S310
                answer.read()
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer on port {PORT} within {SECONDS:g} s")


if __name__ == "__main__":
    main()
