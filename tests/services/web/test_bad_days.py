"""Pages of a service that is open to its machine, that cannot write, or whose log is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, expect

from tests.services.instance import Answer, Instance, configure, listener, running, starting
from tests.services.web.visitor import visiting

FORM = "application/x-www-form-urlencoded"


def send(instance: Instance, csrf: str, **headers: str) -> Answer:
    """Send the form of a new message."""
    body = urlencode({"text": "by a form", "csrf": csrf}).encode()
    return instance.call("POST", "/messages", body, Authorization="", Content_Type=FORM, **headers)


def test_a_service_without_a_token_asks_nobody_to_log_in(browser: Browser, tmp_path: Path) -> None:
    """Pages of other origins and other names for this machine are refused all the same."""
    with running(tmp_path, API_TOKEN=None) as instance:
        with visiting(browser, instance, log_in=False) as person:
            person.open("/")
            person.add("todo: without a token")
            expect(person.item("without a token")).to_be_visible()
            csrf = person.csrf()
        assert send(instance, csrf).status == 303
        assert send(instance, "0" * 32).status == 403
        assert send(instance, csrf, Origin="https://evil.example").status == 403
        assert send(instance, csrf, Host="evil.example").status == 421
        assert instance.call("GET", "/", Host="evil.example", Authorization="").status == 421


def test_a_rehearsal_shows_pages_and_records_nothing(browser: Browser, tmp_path: Path) -> None:
    """The reason is a page."""
    with running(tmp_path, API_TOKEN=None) as instance:
        instance.call("POST", "/api/v1/notes", {"text": "from before"}, Authorization="")
    variables = {**configure(tmp_path, API_TOKEN=None), "HELIONYX_REHEARSAL": "1"}
    with listener() as sock, starting(variables, sock=sock) as rehearsal:
        rehearsal.wait_ready()
        with visiting(browser, rehearsal, log_in=False, scripts=False) as person:
            person.expected.append("503")
            person.open("/notes")
            expect(person.item("from before")).to_be_visible()
            person.page.get_by_label("Entry", exact=True).fill("hello")
            person.page.get_by_role("button", name="Add", exact=True).click()
            expect(person.page.get_by_role("alert")).to_contain_text("this is a rehearsal")


def test_pages_can_be_read_where_sessions_cannot_be_written(browser: Browser, tmp_path: Path) -> None:
    """A login holds as long as the process; to log out is refused with the reason, and no traceback."""
    (tmp_path / "projections").mkdir()
    (tmp_path / "projections" / "sessions.lock").mkdir()
    with running(tmp_path) as instance:
        with visiting(browser, instance) as person:
            person.expected.append("503")
            person.add("note: on a bad day")
            person.open("/notes")
            expect(person.item("on a bad day")).to_be_visible()
            person.open("/system")
            person.page.get_by_role("button", name="Log out", exact=True).click()
            expect(person.page.get_by_role("alert")).to_contain_text("cannot write the sessions")
        assert "Traceback" not in instance.logged()
        warnings = [entry for entry in instance.entries() if entry["level"] == "warning"]
        assert len([entry for entry in warnings if "sessions" in entry["message"]]) == 1


def test_a_link_in_a_query_is_in_no_log(tmp_path: Path) -> None:
    """Nor is what somebody searches for."""
    with running(tmp_path) as instance:
        instance.call("GET", "/login?link=a-secret-of-a-link")
        instance.call("GET", "/search?q=what-somebody-searches")
        _, logged = instance.stop()
        paths = [json.loads(line).get("path") for line in logged.splitlines()]
        assert {"/login", "/search"} <= set(paths)
        assert "a-secret-of-a-link" not in logged
        assert "what-somebody-searches" not in logged
