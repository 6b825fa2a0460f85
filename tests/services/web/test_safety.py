"""Attacks on the pages: markup in what was said, forms of other pages, stolen and made-up sessions."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from tests.services.instance import TOKEN, Answer, Instance
from tests.services.web.visitor import LOGIN_COOKIE, Visitor, visiting

INJECTIONS = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "' onmouseover='document.title=1' x='",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    "<a href=\"javascript:document.title='owned'\">click</a>",
    "</textarea></title></style></script><script>document.title='owned'</script>",
    "<iframe srcdoc=\"<script>parent.document.title='owned'</script>\"></iframe>",
    '<b hx-get="/system" hx-trigger="load">x</b>',
    '<meta http-equiv=refresh content="0;url=/login">',
    "<base href=//evil.example><form action=//evil.example><button>x</button></form>",
    "\u202e\u0000\ufeff<!--",
)

PATHS = ("/", "/timeline", "/todos?state=all", "/notes", "/tracks", "/decisions", "/search", "/system")


def form(site: Instance, path: str, csrf: str | None, cookie: str, /, **more: str) -> Answer:
    """Send a form, as a page of the service or of anybody else would."""
    fields = {name: text for name, text in more.items() if not name.startswith("header_")}
    headers = {
        name.removeprefix("header_"): text for name, text in more.items() if name.startswith("header_")
    }
    body = urlencode({**fields, **({} if csrf is None else {"csrf": csrf})}).encode()
    kind = "application/x-www-form-urlencoded"
    return site.call("POST", path, body, Content_Type=kind, Cookie=cookie, Authorization="", **headers)


def cookie_of(site: Instance) -> str:
    """The cookie of a new session."""
    answer = form(site, "/login", None, "", token=TOKEN)
    assert answer.status == 303
    return answer.headers["set-cookie"].partition(";")[0]


def csrf_of(site: Instance, cookie: str) -> str:
    """The token of a session."""
    return str(
        site.call("GET", "/session", Cookie=cookie, Accept="application/json", Authorization="").json["csrf"]
    )


@pytest.fixture(scope="module")
def injected(site: Instance) -> Instance:
    """The service, which has been told every injection as every kind of item."""
    for text in INJECTIONS:
        for body in (f"todo: {text} due today", f"note: {text}", f"decide: {text} because {text}", text):
            assert site.call("POST", "/api/v1/messages", {"text": body}).status == 201
        name = re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f]", "", text))[:90]
        track = site.call("POST", "/api/v1/tracks", {"name": name.strip()})
        if track.status == 201:
            number = track.json["number"]
            assert site.call("POST", f"/api/v1/tracks/{number}/entries", {"text": text}).status == 201
    return site


@pytest.mark.parametrize("path", PATHS)
def test_what_was_said_is_text(browser: Browser, injected: Instance, path: str) -> None:
    """It runs nothing, and adds no element that a template does not have."""
    with visiting(browser, injected) as person:
        person.open(path)
        title = person.page.title()
        expect(person.page.get_by_role("heading", level=1)).to_be_visible()
        assert "owned" not in title
        strange = "iframe, base, meta[http-equiv], main script, main img, [onerror], [onload], [onmouseover]"
        assert person.page.locator(strange).count() == 0
        assert person.page.locator("a[href^='javascript']").count() == 0
        assert person.page.locator("b[hx-get]").count() == 0


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_query_is_text(visitor: Visitor, text: str) -> None:
    """In the search, in the entry line of a shared text, and in a preview."""
    visitor.expected.append("400")
    visitor.open(f"/search?{urlencode({'q': text})}")
    assert visitor.page.title() in ("Search · Helionyx dev", "Bad Request · Helionyx dev")
    visitor.open(f"/share?{urlencode({'text': text})}")
    assert visitor.page.title() == "Today · Helionyx dev"
    assert visitor.page.locator("#main script, #main img, iframe").count() == 0


def test_a_shared_text_waits_in_the_entry_line(visitor: Visitor, site: Instance) -> None:
    """Nothing is recorded by itself: an address is no proof that somebody wants it."""
    before = site.call("GET", "/health/ready").json["log"]["length"]
    shared = urlencode({"title": "A page", "text": "worth reading", "url": "https://example.org/"})
    visitor.open(f"/share?{shared}")
    text = "A page\nworth reading\nhttps://example.org/"
    expect(visitor.page.get_by_label("Entry", exact=True)).to_have_value(text)
    assert "text=" not in visitor.page.url
    assert site.call("GET", "/health/ready").json["log"]["length"] == before


def test_every_answer_forbids_frames_and_inline_scripts(site: Instance) -> None:
    """Pages, files, redirects and errors."""
    cookie = cookie_of(site)
    for path in (
        "/",
        "/login",
        "/static/app.js",
        "/static/none.js",
        "/sw.js",
        "/manifest.webmanifest",
        "/todos/none",
    ):
        headers = site.call("GET", path, Cookie=cookie).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("csrf", "more"),
    [
        (None, {}),
        ("", {}),
        ("0" * 32, {}),
        ("right", {"header_Origin": "https://evil.example"}),
        ("right", {"header_Origin": "null"}),
        ("right", {"header_Sec_Fetch_Site": "cross-site"}),
        ("right", {"header_Sec_Fetch_Site": "same-site"}),
    ],
)
def test_a_form_of_another_page_changes_nothing(
    site: Instance, csrf: str | None, more: dict[str, str]
) -> None:
    """Without the token of the session, or from another origin."""
    cookie = cookie_of(site)
    token = csrf_of(site, cookie) if csrf == "right" else csrf
    before = site.call("GET", "/health/ready").json["log"]["length"]
    assert form(site, "/messages", token, cookie, text="forged", **more).status == 403
    assert form(site, "/logout", token, cookie, everywhere="1", **more).status == 403
    assert site.call("GET", "/health/ready").json["log"]["length"] == before
    assert site.call("GET", "/", Cookie=cookie, Authorization="").status == 200


def test_the_token_of_one_session_is_worth_nothing_to_another(site: Instance) -> None:
    """Each session has its own."""
    first, second = cookie_of(site), cookie_of(site)
    assert form(site, "/messages", csrf_of(site, first), second, text="forged").status == 403


def test_a_change_by_the_api_needs_the_sessions_token(site: Instance) -> None:
    """A session reads, and changes with the token alone; the API's own token goes on as before."""
    cookie = cookie_of(site)
    assert site.call("GET", "/api/v1/todos", Cookie=cookie, Authorization="").status == 200
    assert site.call("GET", "/api/v1/todos", Authorization="").status == 401
    body = {"text": "by a session"}
    assert site.call("POST", "/api/v1/messages", body, Cookie=cookie, Authorization="").status == 401
    token = csrf_of(site, cookie)
    answer = site.call("POST", "/api/v1/messages", body, Cookie=cookie, Authorization="", X_CSRF_Token=token)
    assert answer.status == 201
    assert site.call("POST", "/api/v1/messages", body).status == 201


def test_nobody_chooses_the_id_of_a_session(site: Instance) -> None:
    """A cookie from before the login is not the one from after it, and a made-up one is none."""
    cookie = cookie_of(site)
    name, _, value = cookie.partition("=")
    id_, expires, signature = value.split(".")
    forged = (
        f"{id_}.{int(expires) + 10}.{signature}",
        f"x{id_}.{expires}.{signature}",
        f"{id_}.{expires}.{'0' * 64}",
        f"{id_}.{expires}",
        "",
        "a.b.c",
        "é.1.é",
    )
    for text in forged:
        assert site.call("GET", "/", Cookie=f"{name}={text}", Authorization="").status == 303
    again = form(site, "/login", None, cookie, token=TOKEN).headers["set-cookie"]
    assert id_ not in again
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert attribute in again
    assert "Secure" not in again


def test_logging_out_everywhere_ends_every_session(site: Instance) -> None:
    """Also those of other browsers."""
    first, second = cookie_of(site), cookie_of(site)
    assert form(site, "/logout", csrf_of(site, first), first, everywhere="1").status == 303
    for cookie in (first, second):
        assert site.call("GET", "/", Cookie=cookie, Authorization="").status == 303


def test_a_login_of_another_page_is_refused(site: Instance) -> None:
    """Nobody is logged in to somebody else's session."""
    answer = form(site, "/login", None, "", token=TOKEN, header_Origin="https://evil.example")
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1"]
)
def test_a_login_leads_to_no_other_site(site: Instance, target: str) -> None:
    """Whatever the address says."""
    answer = form(site, "/login", None, "", token=TOKEN, next=target)
    assert answer.headers["location"] == "/"


def test_the_cookie_is_not_sent_to_scripts(browser: Browser, site: Instance) -> None:
    """Nor is the API token stored anywhere in the browser."""
    with visiting(browser, site) as person:
        assert LOGIN_COOKIE not in person.page.evaluate("document.cookie")
        stored = person.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert TOKEN not in stored
        assert TOKEN not in person.page.content()
