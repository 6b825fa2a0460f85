"""Addresses that are secrets: the bot's link logs a browser in once, and a calendar can be revoked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, expect

from tests.services.instance import Instance, free_port, running
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.web.visitor import Visitor, visiting


@pytest.fixture
def api() -> Iterator[BotApi]:
    """A Bot API on loopback."""
    with BotApi.running() as started:
        yield started


def keys_of(api: BotApi, bot: Bot) -> dict[str, str]:
    """The configuration of a service with this bot."""
    return {
        "TELEGRAM_BOT_TOKEN": bot.token,
        "TELEGRAM_CHAT_ID": str(CHAT),
        "TELEGRAM_API_URL": api.url,
        "TELEGRAM_QUIET_HOURS": "off",
    }


def test_a_link_of_the_bot_logs_in_once(browser: Browser, api: BotApi, tmp_path: Path) -> None:
    """To open it is not enough, since chats open links; and the log does not hold it."""
    bot = api.add("helionyx_dev_bot")
    keys = {**keys_of(api, bot), "PUBLIC_URL": f"https://localhost:{free_port()}"}
    with running(tmp_path, **keys) as instance:
        bot.say(CHAT, "/login")
        text = bot.wait_sent("This link logs one browser in").text
        (path,) = re.findall(r"https://localhost:[0-9]+(/login\?link=\S+)", text)
        for _ in range(2):
            assert instance.call("GET", path, Authorization="").status == 200
        with visiting(browser, instance, log_in=False) as person:
            person.open(path)
            person.page.get_by_role("button", name="Log in to dev").click()
            expect(person.page).to_have_url(f"{person.address}/")
        with visiting(browser, instance, log_in=False) as other:
            other.expected.append("403")
            other.open(path)
            expect(other.page.get_by_role("alert")).to_contain_text("used before")
        secret = path.partition("link=")[2]
        assert secret not in instance.call("GET", "/api/v1/events").body.decode()
        assert secret not in instance.logged()


def test_a_bot_without_an_address_says_so(api: BotApi, tmp_path: Path) -> None:
    """With the name of the key."""
    bot = api.add("helionyx_dev_bot")
    with running(tmp_path, **keys_of(api, bot)):
        bot.say(CHAT, "/login")
        bot.wait_sent("PUBLIC_URL is not set")


def test_the_calendar_has_an_address_that_can_be_revoked(visitor: Visitor, site: Instance) -> None:
    """Who knows it reads what is due, without a session; the request log does not have it."""
    visitor.add("todo: see the dentist due 2030-02-13 09:30")
    visitor.open("/system")
    visitor.page.get_by_role("button", name="Make an address").click()
    address = visitor.page.locator("code", has_text="/calendar/").inner_text()
    path = address.removeprefix(visitor.address)
    answer = site.call("GET", path, Authorization="")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    events = [event.get("SUMMARY") for event in Calendar.from_ical(answer.body.decode()).walk("VEVENT")]
    assert "see the dentist" in events
    visitor.page.get_by_role("button", name="Revoke").click()
    expect(visitor.page.get_by_role("button", name="Make an address")).to_be_visible()
    assert site.call("GET", path, Authorization="").status == 404
    assert site.call("GET", "/calendar/None.ics", Authorization="").status == 404
    while "GET /after" not in [
        f"{entry.get('method')} {entry.get('path')}" for entry in site.entries("answered")
    ]:
        site.call("GET", "/after")
    assert '"path":"/calendar/..."' in site.logged()
    assert path.removeprefix("/calendar/").removesuffix(".ics") not in site.logged()


def test_everything_can_be_exported(visitor: Visitor) -> None:
    """By the session, as files."""
    visitor.add("note: take me with you")
    visitor.open("/system")
    for name, ending in (("Markdown", "md"), ("CSV", "csv"), ("JSON Lines", "jsonl")):
        with visitor.page.expect_download() as started:
            visitor.page.get_by_role("link", name=name).click()
        assert started.value.suggested_filename == f"helionyx.{ending}"
        assert "take me with you" in Path(started.value.path()).read_text()
