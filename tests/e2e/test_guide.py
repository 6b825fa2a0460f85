"""docs/DEPLOYMENT.md, typed from the beginning to the end on a server where nothing is set up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.documents import DOCS
from tests.guide import Command, blocks, commands

from .guide_walk import Walk, steps
from .guide_ways import CONTENT, LIVE, SECTIONS, SKIPPED, WAYS
from .operator import Operator
from .states import States

DOCUMENT = "DEPLOYMENT.md"
STEPS = list(steps(DOCUMENT))
LAST = "make deploy ENV=dev"  # of the way from a bare server to the first deploy


@pytest.fixture(scope="module")
def walk(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A newcomer in front of a bare server. Each test goes on from where the one before ended."""
    directory = tmp_path_factory.mktemp("guide")
    with states.boot("e2e-guide", directory / "node") as node:
        states.checkout(directory / "checkout")
        (directory / "home").mkdir()
        yield Walk(Operator(directory / "checkout", node), directory / "home")


def first_part() -> int:
    """The number of commands up to the first deploy."""
    return next(number for number, step in enumerate(STEPS, 1) if step.text == LAST)


def test_from_a_bare_server_to_live(walk: Walk) -> None:
    """The user, the key, the rule, the configuration, the plan, the deploy of dev, and that of live."""
    for step in STEPS[: first_part()]:
        walk.take(step)
    for text in LIVE:
        walk.take(Command(text, "", 0))
    assert walk.said("dev") > 0
    assert walk.said("live") > 0


@pytest.mark.faults
def test_every_other_command(walk: Walk) -> None:
    """In the order of the document, to its end."""
    for step in STEPS[: first_part()]:
        if step.text not in walk.done:
            walk.take(step)
    for step in STEPS[first_part() :]:
        walk.take(step)


def test_table_names_only_what_stands_in_the_document() -> None:
    """An entry that is left over would stand in for nothing."""
    found = list(blocks((DOCS / DOCUMENT).read_text()))
    texts = {item.text for block in found for item in commands(*block)}
    firsts = {lines[0] for _, _, lines in found}
    prepared = {text for way in WAYS.values() for text in way.before}
    assert set(CONTENT) - firsts == set()
    assert set(SECTIONS) - {section for section, _, _ in found} == set()
    assert {*SKIPPED, *WAYS} - texts - prepared == set()
