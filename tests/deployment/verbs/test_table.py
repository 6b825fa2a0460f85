"""The table of the verbs: a new verb is one row here, and few files elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from deployment.settings import ROOT
from deployment.verbs.table import VERBS
from tests.test_docs import ARCHITECTURE, code, table

ROWS = table(ARCHITECTURE.partition("## Add a verb")[2], "| file | what to add |")
CODE = re.compile(r"\.py$|^Makefile$")
MOST = 4  # files of code for a verb that changes the node


@pytest.mark.parametrize("verb", VERBS)
def test_function_of_each_verb_exists(verb: str) -> None:
    """The command line imports it by name, once the verb is known."""
    module, _, function = VERBS[verb].run.partition(".")
    assert callable(getattr(import_module(f"deployment.verbs.{module}"), function))


def test_verb_touches_few_files() -> None:
    """ARCHITECTURE.md lists the files to change for a verb; a link and the documents are no code."""
    files = [name for row in ROWS for name in code(row[0])]
    assert len([name for name in files if CODE.search(name)]) <= MOST
    assert {"deployment/verbs/table.py", "Makefile", "scripts/deploy/"} <= set(files)


@pytest.fixture
def waking(tmp_path: Path) -> Path:
    """A copy of the tree, in which only the files that ARCHITECTURE.md lists know the verb `wake`."""
    for name in ("deployment", "scripts"):
        no_caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=no_caches)
    rows = tmp_path / "deployment" / "verbs" / "table.py"
    text = rows.read_text()
    row = '    "wake": Verb(default=DEV, variables=("RELEASE",)),\n'
    rows.write_text(text.replace("VERBS = {\n", f"VERBS = {{\n{row}"))
    makefile = (ROOT / "Makefile").read_text().replace(".PHONY: ", ".PHONY: wake ")
    target = "\nwake: ## Wake an environment\n\t@scripts/deploy/wake.sh\n"
    (tmp_path / "Makefile").write_text(makefile + target)
    (tmp_path / "scripts" / "deploy" / "wake.sh").symlink_to("../verb.sh")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copy(ROOT / "uv.lock", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["make", "help"], "\n  make wake "),
        (["make", "wake", "ENV=dev", "SOAK=3"], "error: wake takes no SOAK."),
        (["make", "wake", "ENV=nowhere"], "error: no such environment: 'nowhere'."),
        (["scripts/deploy/wake.sh", "--help"], "\n  wake      RELEASE\n"),
        (["scripts/deploy/rollback.sh", "RELASE=x"], "error: there is no variable RELASE."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_new_verb_is_a_row(waking: Path, argv: list[str], expected: str) -> None:
    """Usage, checks and help of a new verb come from its row, its target and its link."""
    done = subprocess.run(argv, cwd=waking, capture_output=True, text=True, timeout=30, check=False)
    assert expected in done.stdout + done.stderr
