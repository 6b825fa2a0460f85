"""Somebody in front of a browser. Every error that a page logs fails the test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

from tests.services.instance import TOKEN, Instance

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

LOGIN_COOKIE = "helionyx-dev"


@dataclass
class Visitor:
    """A person with a browser that remembers who they are."""

    page: Page
    context: BrowserContext
    address: str
    problems: list[str] = field(default_factory=list)
    """What the pages logged as errors."""
    expected: list[str] = field(default_factory=list)
    """Parts of errors that belong to the test: a browser logs each request that fails."""

    def open(self, path: str = "/") -> None:
        """Open a page, and wait for its scripts."""
        self.page.goto(self.address + path)

    def log_in(self) -> None:
        """Log in with the API token."""
        self.open("/login")
        self.page.get_by_label("API token").fill(TOKEN)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.address}/")

    def add(self, text: str) -> None:
        """Type a new entry, and wait until the service has it."""
        self.page.get_by_label("Entry", exact=True).fill(text)
        self.page.get_by_label("Entry", exact=True).press("Enter")
        self.page.locator("#outbox").wait_for(state="hidden")

    def item(self, text: str) -> Locator:
        """The line of an item."""
        return self.page.locator(".item", has_text=text)

    def csrf(self) -> str:
        """The token of the page that is open."""
        return self.page.locator("#main").get_attribute("data-csrf") or ""


def address_of(instance: Instance) -> str:
    """The address of a service for a browser: service workers need localhost or https."""
    return f"http://localhost:{instance.port}"


@contextlib.contextmanager
def visiting(
    browser: Browser,
    instance: Instance,
    *,
    log_in: bool = True,
    scripts: bool = True,
    size: dict[str, int] = DESKTOP,
    dark: bool = False,
    workers: bool = False,
) -> Iterator[Visitor]:
    """A browser of its own, with its size, colours and whether it runs scripts."""
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        java_script_enabled=scripts,
        color_scheme="dark" if dark else "light",
        service_workers="allow" if workers else "block",
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    person = Visitor(page, context, address_of(instance))

    def logged(message: ConsoleMessage) -> None:
        if message.type == "error":
            person.problems.append(f"{message.text} ({message.location.get('url')})")

    page.on("console", logged)
    page.on("pageerror", lambda error: person.problems.append(str(error)))
    try:
        if log_in:
            person.log_in()
        yield person
        unexpected = [text for text in person.problems if not any(part in text for part in person.expected)]
        if unexpected:
            raise AssertionError(unexpected)
    finally:
        context.close()
