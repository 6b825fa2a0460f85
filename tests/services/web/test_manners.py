"""Pages for everybody: accessible, small, and told apart by their environment."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.services.instance import Instance, configure, listener, running, starting
from tests.services.web.visitor import DESKTOP, PHONE, Visitor, visiting

PATHS = (
    *("/", "/timeline", "/todos?state=all", "/notes", "/tracks", "/decisions"),
    *("/search", "/search?q=a", "/system"),
)

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""The pixels by which a page is wider than its window."""

FILES = "[...document.querySelectorAll('script, link[rel=stylesheet]')].map(e => e.src || e.href)"
"""The addresses of the files of a page."""

TELLINGS = (
    "todo: call Ann due yesterday #home",
    "todo: buy milk due today 23:59 #home #shop",
    "todo: pay the rent due in 3 days",
    "todo: read a book",
    "note: the key is under the stone #garden",
    "track: weight: 82.1 kg",
    "track: weight: 81.7 kg",
    "decide: take the train because it is quiet #travel",
    "a message, and nothing more",
)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A service with something on every page."""
    with running(tmp_path_factory.mktemp("full")) as instance:
        for text in TELLINGS:
            assert instance.call("POST", "/api/v1/messages", {"text": text}).status == 201
        yield instance


def faults(person: Visitor) -> list[str]:
    """What axe finds wrong with the page, by WCAG 2.2 AA."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    results = Axe().run(person.page, options={"runOnly": {"type": "tag", "values": tags}})
    return [
        f"{person.page.url} {violation['id']}: {node['html'][:200]}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize(("size", "dark"), [(PHONE, False), (DESKTOP, True)])
def test_axe_finds_nothing(browser: Browser, full: Instance, size: dict[str, int], dark: bool) -> None:
    """On every page, with an open menu, with the help, and before the login."""
    with visiting(browser, full, log_in=False, size=size, dark=dark) as person:
        person.open("/login")
        found = faults(person)
        person.log_in()
        for path in PATHS:
            person.open(path)
            found += faults(person)
            assert person.page.evaluate(WIDER) == 0, f"{path} scrolls sideways"
        person.open("/")
        person.page.get_by_label("More: call Ann").click()
        person.item("call Ann").get_by_role("link").first.click()
        found += faults(person)
        person.open("/")
        person.page.get_by_role("button", name="Done: read a book").click()
        expect(person.page.get_by_role("button", name="Undo")).to_be_visible()
        found += faults(person)
        person.page.get_by_role("button", name="Undo").click()
        expect(person.item("read a book")).to_be_visible()
        person.page.keyboard.press("?")
        found += faults(person)
        assert found == []


def test_the_first_visit_is_small(full: Instance) -> None:
    """All that a browser loads for the first page, over the wire."""
    sizes = {}
    for name in ("htmx.min.js", "app.js", "app.css", "icon-dev.svg"):
        answer = full.call("GET", f"/static/{name}", Accept_Encoding="gzip")
        assert answer.headers["content-encoding"] == "gzip"
        gzip.decompress(answer.body)
        sizes[name] = len(answer.body)
    page = full.call("GET", "/login", Accept_Encoding="gzip")
    sizes["page"] = len(page.body)
    sizes["manifest"] = len(full.call("GET", "/manifest.webmanifest").body)
    assert sum(sizes.values()) < 100_000, sizes


def test_files_are_immutable_and_pages_are_asked_for_again(visitor: Visitor, site: Instance) -> None:
    """A page that is as before is answered with 304."""
    visitor.open("/notes")
    addresses = visitor.page.evaluate(FILES)
    for address in addresses:
        path = address.removeprefix(visitor.address)
        assert "immutable" in site.call("GET", path).headers["cache-control"]
    (cookie,) = visitor.context.cookies()
    session = f"{cookie['name']}={cookie['value']}"
    first = site.call("GET", "/notes", Cookie=session)
    assert first.headers["cache-control"] == "private, no-cache"
    again = site.call("GET", "/notes", Cookie=session, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_environments_are_told_apart(browser: Browser, tmp_path: Path) -> None:
    """By their name and their colour."""
    colours = set()
    for environment in ("dev", "staging", "live"):
        directory = tmp_path / environment
        directory.mkdir()
        variables = {**configure(directory), "ENV": environment}
        with listener() as sock, starting(variables, sock=sock) as instance:
            instance.wait_ready()
            with visiting(browser, instance, log_in=False) as person:
                person.open("/login")
                label = person.page.locator(".environment")
                expect(label).to_have_text(environment)
                colours.add(label.evaluate("element => getComputedStyle(element).backgroundColor"))
                manifest = instance.call("GET", "/manifest.webmanifest").json
                assert environment in manifest["id"]
                for icon in manifest["icons"]:
                    assert instance.call("GET", icon["src"]).status == 200
    assert len(colours) == 3


def test_empty_pages_teach_the_grammar(browser: Browser, tmp_path: Path) -> None:
    """Each says what to type."""
    with running(tmp_path) as instance, visiting(browser, instance) as person:
        for path, text in (
            ("/", "todo: call Ann due tomorrow 9:00 #home"),
            ("/todos", "todo: buy milk due friday 17:00 #home"),
            ("/notes", "note: the key is under the stone #garden"),
            ("/tracks", "track: weight: 82.1 kg"),
            ("/decisions", "decide: take the train because it is quiet #travel"),
        ):
            person.open(path)
            expect(person.page.locator(".empty")).to_contain_text(text)
        assert faults(person) == []
