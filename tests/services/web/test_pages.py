"""Each page and each action, as a person does them in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.services.instance import Instance
from tests.services.web.visitor import Visitor, visiting

PATHS = ("/", "/timeline", "/todos", "/notes", "/tracks", "/decisions", "/search", "/system")


def test_a_page_asks_to_log_in_and_comes_back(browser: Browser, site: Instance) -> None:
    """The path and the query of the page stay."""
    with visiting(browser, site, log_in=False) as person:
        person.open("/notes?tag=home")
        person.page.get_by_label("API token").fill("wrong")
        person.page.get_by_role("button", name="Log in").click()
        expect(person.page.get_by_role("alert")).to_contain_text("not the API_TOKEN")
        assert [problem for problem in person.problems if "403" not in problem] == []
        person.problems.clear()
        person.page.get_by_label("API token").fill("a-token-that-only-tests-know")
        person.page.get_by_role("button", name="Log in").click()
        expect(person.page).to_have_url(f"{person.address}/notes?tag=home")


def test_every_page_opens_from_the_navigation(visitor: Visitor) -> None:
    """With its title, and the environment in every one."""
    for name in ("Timeline", "Todos", "Notes", "Tracks", "Decisions", "Search", "System", "Today"):
        visitor.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text(name)
        expect(visitor.page).to_have_title(f"{name} · Helionyx dev")
        expect(visitor.page.locator("header .environment")).to_have_text("dev")


def test_the_entry_line_shows_how_a_text_will_be_taken(visitor: Visitor) -> None:
    """While it is typed."""
    visitor.page.get_by_label("Entry", exact=True).press_sequentially(
        "todo: water the plants due tomorrow 9:00 #garden"
    )
    preview = visitor.page.locator("#preview")
    expect(preview).to_contain_text("todo water the plants")
    expect(preview).to_contain_text("due tomorrow 09:00")
    expect(preview).to_contain_text("tag #garden")
    visitor.page.get_by_label("Entry", exact=True).fill("hello")
    expect(preview).to_have_text("message")
    visitor.page.get_by_label("Entry", exact=True).fill("\u00e9" * 20_000)
    expect(preview).to_be_empty()


def test_a_todo_is_added_completed_and_undone(visitor: Visitor) -> None:
    """The page says what was done, with a button that undoes it."""
    visitor.add("todo: paint the fence #garden")
    expect(visitor.page.get_by_role("status").filter(has_text="Added as todo")).to_be_visible()
    visitor.page.get_by_role("button", name="Done: paint the fence").click()
    expect(visitor.page.get_by_role("status").filter(has_text="Done: paint the fence")).to_be_visible()
    expect(visitor.item("paint the fence")).to_have_count(0)
    visitor.page.get_by_role("button", name="Undo").click()
    expect(visitor.item("paint the fence")).to_be_visible()


def test_a_todo_is_snoozed_and_gets_its_due_back(visitor: Visitor) -> None:
    """Undo sets the due that it had."""
    visitor.add("todo: mow the lawn due today")
    line = visitor.item("mow the lawn")
    expect(line).to_contain_text("today")
    line.get_by_label("More: mow the lawn").click()
    line.get_by_role("button", name="Next week").click()
    expect(visitor.page.get_by_role("status").filter(has_text="Snoozed")).to_be_visible()
    expect(visitor.item("mow the lawn")).not_to_contain_text("today")
    visitor.page.get_by_role("button", name="Undo").click()
    expect(visitor.item("mow the lawn")).to_contain_text("today")


def test_a_decision_is_made_with_a_reason(visitor: Visitor) -> None:
    """And can be decided again."""
    visitor.add("decide: buy a tent because it rains")
    visitor.item("buy a tent").get_by_role("link").first.click()
    visitor.page.get_by_label("Reason to accept").fill("it was cheap")
    visitor.page.get_by_role("button", name="Accept", exact=True).click()
    expect(visitor.page.get_by_text("accepted because it was cheap")).to_be_visible()
    visitor.page.get_by_role("button", name=re.compile("Decide again")).click()
    expect(visitor.page.get_by_role("status").filter(has_text="To be decided again")).to_be_visible()


def test_a_track_of_numbers_is_plotted(visitor: Visitor) -> None:
    """Each entry is a point of it."""
    for value in ("82.1 kg", "81,5 kg", "81.9 kg"):
        visitor.add(f"track: weight: {value}")
    visitor.page.get_by_role("link", name="Tracks").click()
    expect(visitor.page.get_by_role("img", name="weight, from 81.5 to 82.1")).to_be_visible()
    visitor.page.get_by_label("New entry of weight").fill("83")
    visitor.page.get_by_label("New entry of weight").press("Enter")
    expect(visitor.page.get_by_role("img", name="weight, from 81.5 to 83.0")).to_be_visible()


def test_search_finds_while_one_types(visitor: Visitor) -> None:
    """Without a button, and the address can be shared."""
    visitor.add("note: the key is under the stone #garden")
    visitor.page.get_by_role("link", name="Search").click()
    visitor.page.get_by_label("Words").press_sequentially("under sto")
    expect(visitor.item("the key is under the stone")).to_be_visible()
    expect(visitor.page).to_have_url(f"{visitor.address}/search?q=under%20sto")


def test_a_page_updates_when_somebody_else_records(visitor: Visitor, site: Instance) -> None:
    """What is being typed stays."""
    visitor.open("/")
    visitor.page.get_by_label("Entry", exact=True).fill("half a sen")
    answer = site.call("POST", "/api/v1/todos", {"text": "from another program"})
    assert answer.status == 201
    expect(visitor.item("from another program")).to_be_visible()
    expect(visitor.page.get_by_label("Entry", exact=True)).to_have_value("half a sen")


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    """`n`, `j`, `k`, `x`, `/` and `?`."""
    visitor.add("todo: first by keys")
    visitor.add("todo: second by keys")
    visitor.open("/todos")
    visitor.page.keyboard.press("j")
    expect(visitor.page.locator(".item.selected")).to_contain_text("second by keys")
    visitor.page.keyboard.press("j")
    expect(visitor.page.locator(".item.selected")).to_contain_text("first by keys")
    visitor.page.keyboard.press("x")
    expect(visitor.page.get_by_role("status").filter(has_text="Done: first by keys")).to_be_visible()
    expect(visitor.page.locator("#main")).to_be_focused()
    visitor.page.keyboard.press("?")
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.get_by_role("dialog")).to_be_hidden()
    visitor.page.keyboard.press("n")
    expect(visitor.page.get_by_label("Entry", exact=True)).to_be_focused()
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("/")
    expect(visitor.page.get_by_label("Words")).to_be_focused()


def test_pages_read_and_record_without_scripts(browser: Browser, site: Instance) -> None:
    """Each form is a form, and a repeat of it records nothing twice."""
    with visiting(browser, site, scripts=False) as person:
        for path in PATHS:
            person.open(path)
            expect(person.page.get_by_role("heading", level=1)).to_be_visible()
        person.open("/")
        person.page.get_by_label("Entry", exact=True).fill("todo: sweep the yard")
        person.page.get_by_role("button", name="Add", exact=True).first.click()
        expect(person.page.get_by_text("Added as todo")).to_be_visible()
        person.page.get_by_role("button", name="Done: sweep the yard").click()
        person.page.get_by_role("button", name="Undo").click()
        expect(person.item("sweep the yard").last).to_be_visible()


def test_a_link_on_another_site_leads_to_the_page(visitor: Visitor) -> None:
    """A browser does not send the cookie along with it; who is logged in is asked for nothing."""
    visitor.page.goto("about:blank")
    visitor.page.set_content(f'<a href="{visitor.address}/notes">a link</a>')
    visitor.page.get_by_role("link").click()
    expect(visitor.page).to_have_url(f"{visitor.address}/notes")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Notes")


def test_logging_out_ends_the_session(visitor: Visitor) -> None:
    """Its cookie is worth nothing from then on."""
    cookies = visitor.context.cookies()
    visitor.open("/system")
    visitor.page.get_by_role("button", name="Log out", exact=True).click()
    expect(visitor.page).to_have_url(f"{visitor.address}/login")
    visitor.context.add_cookies(cookies)  # type: ignore[arg-type]
    visitor.open("/")
    expect(visitor.page).to_have_url(f"{visitor.address}/login?next=%2F")


def test_every_other_action(visitor: Visitor) -> None:
    """Cancel, set a due, tag and untag, reject, stop and start: each says what was done."""
    page = visitor.page

    def number_of(text: str) -> str:
        visitor.add(text)
        added = page.get_by_role("status").filter(has_text="Added")
        return str(added.get_by_role("link").get_attribute("href"))

    def done(text: str) -> None:
        expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()

    visitor.open(number_of("todo: wash the car"))
    page.get_by_label("Due (empty for none)").fill("2030-02-13 17:00")
    page.get_by_role("button", name="Set due").click()
    done("Due changed")
    expect(page.locator("article .due")).to_contain_text("13 Feb 2030 17:00")
    page.get_by_label("Tag", exact=True).fill("garage")
    page.get_by_role("button", name="Add tag").click()
    done("Tag added")
    page.get_by_role("button", name="Remove #garage").click()
    done("Tag removed")
    page.get_by_role("button", name="Cancel: wash the car").click()
    done("Cancelled")
    page.get_by_role("button", name="Undo").click()
    done("Open again")
    visitor.open(number_of("decide: sell the car because it is old"))
    page.get_by_label("Reason to reject").fill("it still runs")
    page.get_by_role("button", name="Reject", exact=True).click()
    done("Rejected")
    expect(page.get_by_text("rejected because it still runs")).to_be_visible()
    visitor.open(number_of("track: mileage: 120,000 km"))
    page.get_by_role("button", name="Stop: mileage").click()
    done("Stopped")
    page.get_by_role("button", name="Start again: mileage").click()
    done("Started")
    page.get_by_label("Due (empty for none)").wait_for(state="detached")


def test_a_time_that_is_none_is_refused_with_a_hint(visitor: Visitor) -> None:
    """As a page, and nothing is changed."""
    visitor.expected.append("422")
    visitor.add("todo: sort the photographs due 2030-03-01")
    visitor.item("sort the photographs").get_by_role("link").first.click()
    visitor.page.get_by_label("Due (empty for none)").fill("someday")
    visitor.page.get_by_role("button", name="Set due").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("did not understand 'someday' as a time")
    visitor.page.get_by_role("link", name="Back to today").click()
    expect(visitor.item("sort the photographs")).to_contain_text("2030")
