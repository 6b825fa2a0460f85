"""The documents name what exists, and what exists is named."""

from __future__ import annotations

import re
import subprocess

import pytest

from deployment import errors, settings, units
from deployment.host.layout import ENVIRONMENTS, Environment
from deployment.settings import ROOT

README = (ROOT / "README.md").read_text()
DEPLOYMENT = (ROOT / "docs" / "DEPLOYMENT.md").read_text()
TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_readme_names_every_target() -> None:
    """And no target that does not exist."""
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", README, re.MULTILINE))
    assert set(TARGETS) == named


def test_help_lists_every_target() -> None:
    """From their `##` comments."""
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert re.findall(r"^  make ([a-z-]+)", done.stdout, re.MULTILINE) == TARGETS


@pytest.mark.parametrize("verb", settings.VERBS)
def test_deployment_guide_names_every_verb(verb: str) -> None:
    """Whoever reads it learns all of them."""
    assert f"make {verb}" in DEPLOYMENT


def test_deployment_guide_names_only_targets_that_exist() -> None:
    """No command that somebody types at night is a fiction."""
    assert set(re.findall(r"^    make ([a-z-]+)", DEPLOYMENT, re.MULTILINE)) <= set(TARGETS)


@pytest.mark.parametrize("code", errors.MEANING)
def test_exit_codes_are_explained_as_they_are_printed(code: int) -> None:
    """The words in the tables are those in the last line."""
    for document in (README, DEPLOYMENT):
        row = next(line for line in document.splitlines() if line.startswith(f"| {code} |"))
        assert errors.MEANING[code].split(",")[0] in row


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_names_on_the_node_are_as_documented(name: str) -> None:
    """Unit, user, port and journal, from the table in the guide."""
    environment = Environment(name)
    column = 2 + ENVIRONMENTS.index(name)
    rows = [
        [cell.strip(" `") for cell in line.split("|")]
        for line in DEPLOYMENT.splitlines()
        if line.count("|") == 5
    ]
    table = {row[1]: row[column] for row in rows}
    assert table["unit"] == environment.unit
    assert table["user"] == environment.user
    assert table["journal namespace"] == environment.namespace
    assert (
        f"ReadWritePaths=-{table['data']}\n"
        in units.render(environment, "3.11", "0.0.0.0", int(table["port in the template"]))[
            environment.service
        ].decode()
    )


def test_pictures_and_lines_fit_a_terminal() -> None:
    """Nothing wider than 120 columns outside of tables."""
    for document in (README, DEPLOYMENT):
        assert not [line for line in document.splitlines() if len(line) > 120 and not line.startswith("|")]
