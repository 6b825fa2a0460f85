"""The documents name what exists, and what exists is named."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from deployment import errors
from deployment.build import units
from deployment.host.values.layout import ENVIRONMENTS, Environment
from deployment.settings import ROOT
from deployment.verbs.table import VERBS
from tests.deployment.test_house import imports, modules

README = (ROOT / "README.md").read_text()
DEPLOYMENT = (ROOT / "docs" / "DEPLOYMENT.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
GLOSSARY = (ROOT / "docs" / "GLOSSARY.md").read_text()
GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*GUIDES, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs" / "adr").glob("*.md"))]
TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

COLUMNS, NARROW = 120, 80
PICTURE = 100
"""The columns of a picture made of characters."""
SCREEN_AND_A_HALF = 100
"""The most lines of README.md."""


def table(document: str, head: str) -> list[list[str]]:
    """The rows of the table with this first line, each as its cells."""
    rows = document.partition(f"{head}\n")[2].split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def code(text: str) -> list[str]:
    """The parts of a text between backticks."""
    return re.findall(r"`([^`]+)`", text)


def anchors(document: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_short() -> None:
    """README.md has at most a screen and a half."""
    assert len(README.splitlines()) <= SCREEN_AND_A_HALF


def test_every_target_has_a_row() -> None:
    """The tables of README.md and CONTRIBUTING.md name each target, and no other."""
    rows = re.findall(r"^\|[^|]*", README + CONTRIBUTING, re.MULTILINE)
    named = {target for row in rows for target in re.findall(r"`make ([a-z-]+)", row)}
    assert named == set(TARGETS)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_commands_are_targets(path: Path) -> None:
    """A guide shows no `make` command that does not exist."""
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", path.read_text(), re.MULTILINE))
    assert named <= set(TARGETS)


def test_help_lists_every_target() -> None:
    """From their `##` comments, each in a line of a narrow terminal."""
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert [line for line in done.stdout.splitlines() if len(line) > NARROW] == []
    assert re.findall(r"^  make ([a-z-]+)", done.stdout, re.MULTILINE) == TARGETS


@pytest.mark.parametrize("verb", VERBS)
def test_deployment_guide_names_every_verb(verb: str) -> None:
    """Whoever reads it learns all of them."""
    assert f"make {verb}" in DEPLOYMENT


@pytest.mark.parametrize("code", errors.MEANING)
def test_exit_codes_are_explained_as_they_are_printed(code: int) -> None:
    """The words in the table are those in the last line of a command."""
    row = next(line for line in DEPLOYMENT.splitlines() if line.startswith(f"| {code} |"))
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
        f"BindPaths=-{table['data']}\n"
        in units.render(
            environment, "3.11", {"api_host": "0.0.0.0", "api_port": table["port in the template"]}
        )[environment.service].decode()
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Each link names a file of the repository, and a heading in that file if it has an anchor."""
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        name, _, anchor = link.partition("#")
        if re.match("[a-z]+:", link):
            continue
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_lines_fit_a_terminal(path: Path) -> None:
    """Lines outside of tables have at most COLUMNS, and those of a picture at most PICTURE."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("|")]
    assert not [line for line in lines if len(line) > COLUMNS]
    assert not [line for line in lines if re.search("[\u2500-\u257f►◄]", line) and len(line) > PICTURE]


def test_arrows_between_folders_are_as_documented() -> None:
    """Each folder imports the folders in its row, and no others."""
    rows = [row for row in table(ARCHITECTURE, "| folder | holds | imports |") if "all of" not in row[2]]
    folders = [code(row[0])[0].strip("/").replace("/", ".") for row in rows]
    files = {name: path for folder in folders for name, path in modules(folder.replace(".", "/")).items()}

    def folder_of(name: str) -> str:
        return max((folder for folder in folders if f"{name}.".startswith(f"{folder}.")), key=len)

    found: dict[str, set[str]] = {folder: set() for folder in folders}
    for name, path in files.items():
        found[folder_of(name)] |= {folder_of(item) for item in imports(name, path) & set(files)}
    for folder, row in zip(folders, rows, strict=True):
        named = {item.strip("/").replace("/", ".") for item in code(row[2])}
        assert named == found[folder] - {folder}, folder


@pytest.mark.parametrize(
    "row", re.findall(r"^\| `.*\|$", ARCHITECTURE, re.MULTILINE), ids=lambda row: row[2:40]
)
def test_files_to_change_exist(row: str) -> None:
    """Each path in a table of ARCHITECTURE.md exists, and its file has the names beside it."""
    first, *rest = table(f"h\n-\n{row}", "h")[0]
    paths = [ROOT / item for item in code(first) if re.fullmatch(r"[\w./-]+(/|\.\w+)", item)]
    assert all(path.exists() for path in paths), first
    if len(paths) == 1 and paths[0].suffix == ".py":
        names = [item for cell in rest for item in code(cell) if re.fullmatch(r"\w+", item)]
        text = paths[0].read_text()
        assert all(re.search(rf"\b{name}\b", text) for name in names), row


OF_OTHERS = (
    *("No usable temporary directory found", "No space left on device", "can't start new thread"),
    *("fatal: detected dubious ownership in repository", "BlockingIOError: Resource temporarily unavailable"),
    "A process of this unit has been killed by the OOM killer",
)
"""Messages of other programs."""

THREE_WORDS = re.compile(r"(?=(?<!\S)([A-Z]?[a-z]+ [a-z]+ [a-z]+)(?![^\s,:]))")
"""Three words in a row, none of them a value."""


def test_messages_in_the_troubleshooting_exist() -> None:
    """Three words in a row, at least, of each message in the guide are in the code."""
    section = DEPLOYMENT.partition("\n## Troubleshooting\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \| ", section, re.MULTILINE)
    messages = {item for cell in cells for item in code(cell) if item.count(" ") > 2} - set(OF_OTHERS)
    paths = [path for folder in ("services", "deployment") for path in (ROOT / folder).rglob("*.py")]
    sources = "".join(path.read_text() for path in paths)
    runs = [(item, THREE_WORDS.findall(item)) for item in messages]
    missing = [item for item, run in runs if run and not any(words in sources for words in run)]
    assert len(messages) > 50
    assert missing == []


def test_glossary_is_in_order() -> None:
    """Each term has one row, in alphabetical order, and names folders that exist."""
    rows = table(GLOSSARY, "| term | meaning | where |")
    terms = [row[0] for row in rows]
    assert terms == sorted(set(terms), key=str.lower)
    assert all((ROOT / item).is_dir() for row in rows for item in code(row[2]))
