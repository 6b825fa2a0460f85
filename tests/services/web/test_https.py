"""The pages over HTTPS: the cookie is bound to it, and a live page goes on over a renewal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from services.certificate import Pair
from tests.services.certificates import keys_of, pair_in, renew
from tests.services.instance import TOKEN, Instance, running


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A certificate and its key."""
    return pair_in(tmp_path)


@pytest.fixture
def secure(tmp_path: Path, pair: Pair) -> Iterator[Instance]:
    """A service with HTTPS."""
    with running(tmp_path, **keys_of(pair)) as instance:
        yield instance


@pytest.fixture
def page(browser: Browser, secure: Instance) -> Iterator[Page]:
    """A page of somebody who has logged in over HTTPS, and takes the certificate of the tests."""
    context = browser.new_context(ignore_https_errors=True, service_workers="block")
    opened = context.new_page()
    opened.goto(f"https://127.0.0.1:{secure.port}/login")
    opened.get_by_label("API token").fill(TOKEN)
    opened.get_by_role("button", name="Log in").click()
    expect(opened.get_by_role("heading", level=1)).to_have_text("Today")
    yield opened
    context.close()


def test_the_cookie_is_bound_to_https_and_the_host(page: Page) -> None:
    """Nothing sends it over http, and no other host of the domain can set it."""
    (cookie,) = page.context.cookies()
    assert cookie["name"] == "__Host-helionyx-dev"
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
    assert page.get_by_role("alert").count() == 0


def test_a_page_goes_on_over_a_renewal(page: Page, pair: Pair, secure: Instance) -> None:
    """What is typed before, while and after the certificate is replaced is recorded once."""
    for number in range(20):
        if number == 5:
            renew(pair)
        page.get_by_label("Entry", exact=True).fill(f"note: typed {number}")
        page.get_by_label("Entry", exact=True).press("Enter")
        expect(page.locator("#outbox")).to_be_hidden()
    page.goto(f"https://127.0.0.1:{secure.port}/notes")
    for number in range(20):
        expect(page.get_by_text(f"typed {number}", exact=True)).to_have_count(1)


def test_the_cookie_is_bound_to_the_https_of_a_proxy(tmp_path: Path) -> None:
    """One that is trusted says which it is; from anybody else the header means nothing."""
    form = {"Content_Type": "application/x-www-form-urlencoded", "X_Forwarded_Proto": "https"}
    body = f"token={TOKEN}".encode()
    for proxies, secure in (("127.0.0.1", True), (None, False)):
        with running(tmp_path, TRUSTED_PROXIES=proxies) as instance:
            cookie = instance.call("POST", "/login", body, **form).headers["set-cookie"]
            assert cookie.startswith("__Host-helionyx-dev=") == secure
            assert ("Secure" in cookie) == secure
