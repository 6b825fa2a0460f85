"""House rules that a machine can check."""

from __future__ import annotations

import ast
import functools
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployment.remote import program
from deployment.settings import ROOT

LIMIT = 300  # lines of one file


def modules(package: str) -> dict[str, Path]:
    """Every module below a package, by its dotted name."""
    files = (ROOT / package).rglob("*.py")
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
    }


@functools.cache
def imports(name: str, path: Path) -> frozenset[str]:
    """The dotted names that a module imports, relative ones resolved."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            )
            stem = ".".join(part for part in (base, node.module or "") if part)
            found.add(stem)
            found.update(f"{stem}.{item.name}" for item in node.names)
    return frozenset(found)


@pytest.mark.parametrize(
    ("wing", "other"), [("services", "deployment"), ("deployment", "services"), ("services", "node1")]
)
def test_wings_never_import_each_other(wing: str, other: str) -> None:
    """They meet at an env file, a port and /health."""
    for name, path in modules(wing).items():
        assert not [item for item in imports(name, path) if item.split(".")[0] == other], name


def test_host_half_imports_the_standard_library_alone() -> None:
    """Nothing is installed on the node for it."""
    for name, path in modules("deployment.host".replace(".", "/")).items():
        outside = {item.split(".")[0] for item in imports(name, path)} - set(sys.stdlib_module_names)
        assert outside <= {"deployment", "host"}, (name, outside)
        own = {item for item in imports(name, path) if item.startswith("deployment")}
        assert all(item.startswith("deployment.host") for item in own), (name, own)


FOLDERS = (
    *("values", "node", "records", "releases", "event_log"),
    *("observe", "plan", "apply", "transaction", "doctor"),
)
"""The folders of the host half: each imports only those before it."""


def test_folders_of_host_half_are_in_layers() -> None:
    """No folder imports one that is built on it, nor a module that lies beside the folders."""
    for number, folder in enumerate(FOLDERS):
        allowed = [f"deployment.host.{name}" for name in FOLDERS[: number + 1]]
        for name, path in modules(f"deployment/host/{folder}").items():
            own = [item for item in imports(name, path) if item.startswith("deployment.host.")]
            assert all(below(item, *allowed) for item in own), name


def test_environment_of_host_half_has_the_layout_of_its_node() -> None:
    """One that is made of a name alone would have its paths below `/`, also in tests of single steps."""
    made = {name: path.read_text().count("Environment(") for name, path in modules("deployment/host").items()}
    layout = "deployment.host.values.layout"
    assert {name for name, count in made.items() if count} == {layout}


@pytest.mark.parametrize("package", ["services", "deployment", "node1"])
def test_no_import_circle(package: str) -> None:
    """The modules can be put into an order."""
    known = modules(package)
    graph = {name: imports(name, path) & set(known) - {name} for name, path in known.items()}
    while ready := [name for name, needs in graph.items() if not needs & set(graph)]:
        for name in ready:
            del graph[name]
    assert not graph


def test_domain_is_pure() -> None:
    """No I/O and no clock in it: it imports values only."""
    allowed = {
        "__future__",
        "dataclasses",
        "typing",
        "collections",
        "enum",
        "re",
        "datetime",
        "unicodedata",
        "msgspec",
        "services",
        "abc",
    }
    for name, path in modules("services/domain").items():
        assert {item.split(".")[0] for item in imports(name, path)} <= allowed, name
        own = {item for item in imports(name, path) if item.startswith("services.")}
        assert all(item.startswith(("services.domain", "services.errors")) for item in own), own


SQLITE = ("services.sqlite", "services.event_log.sqlite", "services.projections")
"""The folders of `services` that may use SQLite."""

CHOICE = "services.event_log.backends"
"""The module that names the backend of the event log."""


def below(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages, or inside one of them."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def test_only_backend_and_read_models_use_sqlite() -> None:
    """The rest of the service sees the event log through `EventLog` and `Backend`."""
    for name, path in modules("services").items():
        if not below(name, *SQLITE):
            outside = [item for item in imports(name, path) if below(item, "apsw", "sqlite3")]
            assert not outside, (name, outside)


def test_only_the_choice_names_a_backend() -> None:
    """A second backend changes one module: neither read models nor use cases know which one there is."""
    users = {
        name
        for name, path in modules("services").items()
        if not below(name, "services.event_log.sqlite")
        and any(below(item, "services.event_log.sqlite") for item in imports(name, path))
    }
    assert users == {CHOICE}


def test_the_choice_is_made_where_a_program_begins() -> None:
    """The composition root and the commands hand the backend in."""
    users = {name for name, path in modules("services").items() if CHOICE in imports(name, path)}
    assert users == {
        "services.acceptance",
        "services.bootstrap",
        "services.event_log.__main__",
        "services.projections.__main__",
    }


def test_files_are_short() -> None:
    """A file that outgrows this is two nouns."""
    long = {
        str(path): lines
        for package in ("services", "deployment", "node1", "tests")
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > LIMIT
    }
    assert not long


def test_zipapp_is_the_same_each_time_and_runs_isolated(tmp_path: Path) -> None:
    """`python3 -SI` sees the standard library and the zipapp, and nothing else."""
    content = program.build(program.modules())
    assert content == program.build(program.modules())
    path = tmp_path / "host.pyz"
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-SI", str(path), "nonsense"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "unknown arguments: ['nonsense']" in done.stderr
    assert done.returncode == 1


def test_entry_and_bootstrap_parse_on_python_3_6() -> None:
    """So that "your Python is too old" is a sentence and not a SyntaxError."""
    ast.parse(program.BOOTSTRAP, feature_version=(3, 6))
    with zipfile.ZipFile(io.BytesIO(program.build(program.modules()))) as archive:
        ast.parse(archive.read("__main__.py"), feature_version=(3, 6))
