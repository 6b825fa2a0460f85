"""The pages of a node in a browser, over a deploy in the middle."""

from __future__ import annotations

import json
import threading

import pytest
from playwright.sync_api import expect

from node1.error import Node1Error
from scripts.browser import chromium

from .operator import PORTS, Operator

ENTRIES = 30


def test_nobody_who_types_notices_a_deploy(settled: Operator) -> None:
    """Everything typed is recorded once, in its order; the page shows the deploy; no error is seen."""
    address = f"http://{settled.node.address}:{PORTS['dev']}"
    settled.edit("services/api/runner.py", '"""The process:', '"""The process, changed:')
    deploy = threading.Thread(target=settled.deploy, args=("dev",))
    problems: list[str] = []
    try:
        with chromium() as browser:
            page = browser.new_page()
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(address)
            expect(page.get_by_role("alert")).to_contain_text("not encrypted")
            page.get_by_label("API token").fill(settled.tokens["dev"])
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Today")
            deploy.start()
            number = 0
            while deploy.is_alive() or number < ENTRIES:
                page.get_by_label("Entry", exact=True).fill(f"typed {number}")
                page.get_by_label("Entry", exact=True).press("Enter")
                page.wait_for_timeout(50)
                number += 1
            expect(page.locator("#outbox")).to_be_hidden(timeout=20_000)
            page.goto(f"{address}/system")
            expect(page.get_by_role("region", name="Changes")).to_contain_text("deploy")
            expect(page.get_by_role("region", name="Changes")).to_contain_text("done")
    except Node1Error as error:
        pytest.skip(f"{error.message}: {error.hint}")
    finally:
        settled.undo()
    events = [json.loads(json.loads(line)["body"])["data"] for line in settled.events("dev").splitlines()]
    typed = [event["text"] for event in events if event.get("source") == "web"]
    assert typed == [f"typed {each}" for each in range(number)]
    assert problems == []
