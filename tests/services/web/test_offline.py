"""What is typed without a connection, over restarts, in two tabs: every entry once."""

from __future__ import annotations

import signal
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.services.instance import Instance, configure, listener, starting
from tests.services.web.visitor import Visitor, visiting


def messages(instance: Instance) -> list[str]:
    """The texts of all messages, in their order."""
    return [message["text"] for message in instance.call("GET", "/api/v1/messages").json["messages"]]


def times_said(instance: Instance) -> dict[str, str]:
    """Text -> the time at which it was said."""
    listed = instance.call("GET", "/api/v1/messages").json["messages"]
    return {message["text"]: message["said_at"] for message in listed}


def type_entry(person: Visitor, text: str) -> None:
    """Type a new entry, whether or not it can be sent."""
    person.page.get_by_label("Entry", exact=True).fill(text)
    person.page.get_by_label("Entry", exact=True).press("Enter")


DISCONNECTED = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_NETWORK_CHANGED", "htmx:")

WORKER_CONTROLS = """() => new Promise((done) => {
    if (navigator.serviceWorker.controller) done();
    navigator.serviceWorker.addEventListener("controllerchange", done);
})"""


def test_what_is_typed_offline_is_sent_later_once(browser: Browser, site: Instance) -> None:
    """It waits in sight, and is not lost when the page is closed."""
    with visiting(browser, site, workers=True) as person:
        person.page.evaluate(WORKER_CONTROLS)
        person.open("/")
        person.expected += DISCONNECTED
        person.context.set_offline(True)
        type_entry(person, "typed in the tunnel")
        type_entry(person, "todo: call back due tomorrow")
        expect(person.page.locator("#outbox")).to_contain_text("Waiting to be sent: 2")
        person.page.close()
        person.page = person.context.new_page()
        person.open("/")
        expect(person.page.locator("#outbox")).to_contain_text("typed in the tunnel")
        person.context.set_offline(False)
        person.page.locator("#outbox").wait_for(state="hidden")
        sent = messages(site)
        assert [sent.count(text) for text in ("typed in the tunnel", "todo: call back due tomorrow")] == [
            1,
            1,
        ]


def test_the_last_pages_can_be_read_offline(browser: Browser, site: Instance) -> None:
    """Until somebody logs out."""
    with visiting(browser, site, workers=True) as person:
        person.page.evaluate(WORKER_CONTROLS)
        person.add("note: read me in the train")
        person.open("/notes")
        person.expected += DISCONNECTED
        person.context.set_offline(True)
        person.open("/notes")
        expect(person.item("read me in the train")).to_be_visible()
        expect(person.page.locator("#connection")).to_have_text("not connected")
        person.context.set_offline(False)
        person.open("/system")
        person.page.get_by_role("button", name="Log out", exact=True).click()
        expect(person.page.get_by_label("API token")).to_be_visible()
        assert person.page.evaluate("caches.has('pages')") is False


def test_entries_typed_over_a_restart_are_recorded_once(browser: Browser, tmp_path: Path) -> None:
    """The service stops and another one starts on the same socket, while a person types."""
    with listener() as sock:
        environment = configure(tmp_path)
        with starting(environment, sock=sock) as first:
            first.wait_ready()
            with visiting(browser, first) as person:
                type_entry(person, "before the deploy")
                person.page.locator("#outbox").wait_for(state="hidden")
                first.process.send_signal(signal.SIGTERM)
                first.end()
                for number in range(5):
                    type_entry(person, f"in the deploy {number}")
                with starting(environment, sock=sock) as second:
                    second.wait_ready()
                    person.page.locator("#outbox").wait_for(state="hidden")
                    type_entry(person, "after the deploy")
                    person.page.locator("#outbox").wait_for(state="hidden")
                    typed = [f"in the deploy {number}" for number in range(5)]
                    assert messages(second) == ["before the deploy", *typed, "after the deploy"]


def test_two_tabs_send_what_waits_once(browser: Browser, site: Instance) -> None:
    """Both see the same entries, and both send them."""
    with visiting(browser, site) as person:
        other = person.context.new_page()
        other.goto(person.address)
        person.expected += DISCONNECTED
        person.context.set_offline(True)
        for number in range(10):
            type_entry(person, f"from two tabs {number}")
        person.context.set_offline(False)
        person.page.locator("#outbox").wait_for(state="hidden")
        other.locator("#outbox").wait_for(state="hidden")
        sent = messages(site)
        assert all(sent.count(f"from two tabs {number}") == 1 for number in range(10))


def test_an_entry_that_is_refused_stays_in_sight(browser: Browser, site: Instance) -> None:
    """With the reason, and a button that removes it."""
    with visiting(browser, site) as person:
        person.expected.append("413")
        person.page.evaluate("document.getElementById('text').removeAttribute('maxlength')")
        type_entry(person, "x" * 70_000)
        expect(person.page.locator("#outbox")).to_contain_text("expected a body of at most")
        person.page.get_by_role("button", name="Remove").click()
        expect(person.page.locator("#outbox")).to_be_hidden()
