"""The layer: the dependencies of a release, built for the node."""

from __future__ import annotations

import fnmatch
import re
import sys
import sysconfig
from pathlib import Path

import pytest

from deployment.build import layer, source
from deployment.build.archive import Entry, pack
from deployment.build.layer import Target
from deployment.errors import DeployError
from deployment.host.releases import bytecode


def test_layer_is_named_by_lock_python_and_platform(checkout: Path) -> None:
    """The name is known before the layer is built, and differs for each target."""
    locked = layer.exported(source.read(checkout, "dev"))
    assert b"apsw==" in locked
    assert b"--hash=sha256:" in locked
    assert b"pytest" not in locked
    packages = layer.Dependencies(locked)
    names = {layer.digest(packages, Target(python, "p")) for python in ("3.11", "3.12")}
    names |= {layer.digest(packages, Target("3.11", "q"))}
    names |= {layer.digest(layer.Dependencies(locked, ("*.pyi",)), Target("3.11", "p"))}
    assert len(names) == 4


def test_layer_leaves_out_what_is_excluded(tmp_path: Path) -> None:
    """Below directories too; a name that only begins alike stays."""
    for name in ("a/b.pyi", "a/b.py", "a/tests/deep/c.py", "a/tests_of_d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    layer.drop(tmp_path, ("*.pyi", "a/tests/*"))
    assert {entry.path for entry in layer.entries(tmp_path)} == {"a/b.py", "a/tests_of_d.py"}


def test_patterns_of_excluded_files_match_files(checkout: Path) -> None:
    """A pattern is out of date when its package moves the files."""
    packages = Path(sysconfig.get_path("purelib"))
    names = [str(path.relative_to(packages)) for path in packages.rglob("*")]
    for pattern in layer.excluded(source.read(checkout, "dev")):
        assert fnmatch.filter(names, pattern), pattern


@pytest.mark.parametrize("value", ['"*.pyi"', "[1]"])
def test_patterns_must_be_a_list_of_text(checkout: Path, value: str) -> None:
    """The message names the key and its value."""
    project = checkout / "pyproject.toml"
    changed = re.sub(r"exclude = \[[^]]*\]", f"exclude = {value}", project.read_text())
    project.write_text(changed)
    with pytest.raises(DeployError, match=r"\[tool.helionyx.layer\] exclude"):
        layer.excluded(source.read(checkout, "dev"))


@pytest.mark.parametrize(
    ("machine", "glibc", "expected"),
    [("x86_64", "2.36", "x86_64-manylinux_2_36"), ("aarch64", "2.99", "aarch64-manylinux_2_40")],
)
def test_target_is_the_nodes_own(machine: str, glibc: str, expected: str) -> None:
    """Wheels are chosen for the node, not for this machine."""
    assert layer.target_of((3, 11), machine, ("glibc", glibc), pinned=True).platform == expected


def test_archive_depends_on_its_contents_alone() -> None:
    """Not on the order in which files were found, nor on the time."""
    entries = [Entry("b", b"2"), Entry("a", b"1")]
    assert pack(entries) == pack(reversed(entries))
    assert pack(entries)[4:8] == bytes(4), "the time of a gzip header: RFC 1952, MTIME"


def test_layer_brings_byte_code_for_a_node_of_the_same_python(tmp_path: Path) -> None:
    """The same bytes wherever it is made; a node with another Python compiles what it gets."""
    source = b"def f():\n    'Text.'\n    return only_here\n"
    (tmp_path / "package").mkdir()
    for name, content in (("package/a.py", source), ("b.py", b""), ("other.py", b"match x")):
        (tmp_path / name).write_bytes(content)
    here = Target(".".join(map(str, sys.version_info[:2])), "p")
    made = {entry.path: entry.content for entry in layer.byte_code(tmp_path, here)}
    assert set(made) == {bytecode.path_of("b.py"), bytecode.path_of("package/a.py")}
    assert layer.byte_code(tmp_path, Target("3.99", "p")) == []
    only_here = [source]  # in memory twice, and so would be marked in the newest form of byte code
    assert bytecode.compiled(source, "package/a.py") == made[bytecode.path_of("package/a.py")], only_here


def test_byte_code_lies_beside_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the operator has Python put its own."""
    monkeypatch.setattr(sys, "pycache_prefix", "/home/ada/.pyc")
    name = f"__pycache__/module.{sys.implementation.cache_tag}.pyc"
    assert bytecode.path_of("a/b/module.py") == f"a/b/{name}"
    assert bytecode.path_of("module.py") == name


def test_layer_holds_nothing_of_this_machine(tmp_path: Path) -> None:
    """No scripts with its interpreter's path, no mention of them, no byte code."""
    for name, content in (
        ("bin/tool", b"#!/here/python"),
        ("tool/__pycache__/a.pyc", b"x"),
        ("tool/a.py", b""),
        ("tool-1.dist-info/RECORD", b"bin/tool,sha256=x,14\ntool/a.py,sha256=y,0\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    found = {entry.path: entry.content for entry in layer.entries(tmp_path)}
    assert found == {"tool/a.py": b"", "tool-1.dist-info/RECORD": b"tool/a.py,sha256=y,0\n"}


def test_node_without_glibc_is_refused() -> None:
    """No wheel of the lock would load there."""
    with pytest.raises(DeployError, match="not glibc"):
        layer.target_of((3, 11), "x86_64", ("", ""), pinned=True)


WHEEL = {
    "tool/a.py": b"A = 1\n",
    "tool-1.dist-info/RECORD": b"""\
tool/a.py,sha256=Bu289DNhZaJx5lJAJaZDnDyqMkb9B5bxFncieXB6UyU,6
tool/tests/b.py,sha256=AAAA,9
tool/__pycache__/a.cpython-311.pyc,,
tool-1.dist-info/RECORD,,
""",
}


def wheel(**changed: bytes | None) -> list[Entry]:
    """The files of a package, of which some are changed or missing."""
    files = {**WHEEL, **{f"tool/{name}.py": content for name, content in changed.items()}}
    return [Entry(path, content) for path, content in files.items() if content is not None]


def test_package_as_it_was_published_is_taken() -> None:
    """Without what is excluded, and what belongs to the machine that installed it."""
    layer.refuse_damaged(wheel(), ("tool/tests/*",))


@pytest.mark.parametrize(
    ("content", "excluded"), [(b"A = 2\n", "tool/tests/*"), (None, "tool/tests/*"), (b"A = 1\n", "")]
)
def test_package_that_is_damaged_is_refused(content: bytes | None, excluded: str) -> None:
    """Changed or missing: it would be called a layer of the lock, and is none."""
    with pytest.raises(DeployError, match="the cache of uv is damaged") as refused:
        layer.refuse_damaged(wheel(a=content), (excluded,))
    assert "uv cache clean tool" in refused.value.hint
