"""The dependencies of a release, built here for the node's Python and platform, from the hashed lock."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from ..errors import DeployError
from ..host.values.digests import canonical, sha256
from ..run import run
from .archive import Entry, pack_in_order
from .cache import Cache
from .compiling import compile_tree
from .source import Source

LOCKED = ("pyproject.toml", "uv.lock")  # what the requirements follow from; the former pins uv
NEWEST_GLIBC = 40  # the newest manylinux_2_N that uv knows as a platform


@dataclass(frozen=True)
class Target:
    """The node's Python and platform, which the wheels must fit."""

    python: str
    platform: str


@dataclass(frozen=True)
class Dependencies:
    """The packages of a layer and the files of them that it leaves out."""

    requirements: bytes  # pinned, with hashes
    excluded: tuple[str, ...] = ()  # patterns of paths, such as "apsw/tests/*"


def target_of(python: tuple[int, int], machine: str, libc: tuple[str, str], *, pinned: bool) -> Target:
    """The node's facts as a target. Raises `DeployError` for a node that no wheel can be chosen for."""
    version = ".".join(map(str, python))
    family, release = libc
    if family != "glibc":
        raise DeployError(
            f"the node's C library is {family or 'unknown'}, not glibc.", "choose a Debian or Ubuntu node"
        )
    if not pinned:
        raise DeployError(
            f"the node has no /usr/bin/python{version}.", f"apt-get install python{version} there"
        )
    match = re.match(r"[0-9]{1,3}\.([0-9]{1,3})", release)
    if match is None:
        raise DeployError(f"the node's glibc has the version {release!r}.", "choose a Debian or Ubuntu node")
    minor = min(int(match[1]), NEWEST_GLIBC)
    return Target(version, f"{machine}-manylinux_2_{minor}")


def dependencies(source: Source, cache: Path) -> Dependencies:
    """The dependencies of the source: requirements from the cache if possible. Raises `DeployError`."""
    files = {name: sha256(source.files[name][0]) for name in LOCKED}
    key, cached = sha256(canonical(files).encode()), Cache(cache / "requirements")
    return Dependencies(cached.find(key) or cached.keep(key, exported(source)), excluded(source))


def excluded(source: Source) -> tuple[str, ...]:
    """The patterns in pyproject.toml's [tool.helionyx.layer]. Raises `DeployError` for anything else."""
    tools = source.settings.get("tool", {})
    patterns = tools.get("helionyx", {}).get("layer", {}).get("exclude", [])
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        raise DeployError(
            f"[tool.helionyx.layer] exclude in pyproject.toml is {patterns!r}.",
            'give a list of patterns, such as ["apsw/tests/*"]',
        )
    return tuple(sorted(patterns))


def exported(source: Source) -> bytes:
    """Export the pinned requirements with uv, without the cache."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in LOCKED:
            (Path(scratch) / name).write_bytes(source.files[name][0])
        argv = [uv(), "export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate"]
        return run([*argv, "--quiet", "--format=requirements.txt", "--no-config"], cwd=Path(scratch))


def digest(packages: Dependencies, target: Target) -> str:
    """The layer's name: it is known before it is built."""
    content = {
        "format": 3,  # of what it holds: byte code without docstrings and assertions
        "requirements": packages.requirements.decode(),
        "excluded": packages.excluded,
        "python": target.python,
        "platform": target.platform,
    }
    return sha256(canonical(content).encode())


def build(packages: Dependencies, target: Target, cache: Path) -> bytes:
    """The packed layer, from the cache where it was built before."""
    name, cached = digest(packages, target), Cache(cache / "layers")
    return cached.find(name) or cached.keep(name, _install_and_pack(packages, target))


def uv() -> str:
    """The uv of the checkout's own environment."""
    return str(Path(sys.executable).with_name("uv"))


def _install_and_pack(packages: Dependencies, target: Target) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        pinned, tree = Path(scratch) / "requirements.txt", Path(scratch) / "layer"
        pinned.write_bytes(packages.requirements)
        argv = [uv(), "pip", "install", "--quiet", "--target", str(tree), "--requirements", str(pinned)]
        platform = ["--python-version", target.python, "--python-platform", target.platform]
        run(
            [*argv, *platform, "--only-binary", ":all:", "--require-hashes", "--no-deps", "--no-config"],
            environ={"UV_LINK_MODE": "hardlink"},  # the tree is read once, and never written
            timeout=300,
        )
        drop(tree, packages.excluded)
        with ThreadPoolExecutor(1) as beside:
            compiling = beside.submit(byte_code, tree, target)
            files = entries(tree)
            refuse_damaged(files, packages.excluded)
            return pack_in_order(_followed(files, compiling), level=1)


def _followed(first: list[Entry], rest: Future[list[Entry]]) -> Iterator[Entry]:
    """Entries that are there, then those that are still made."""
    yield from first
    yield from rest.result()


def drop(tree: Path, patterns: tuple[str, ...]) -> None:
    """Remove the files below `tree` whose path matches a pattern; `*` matches `/` too."""
    for path in tree.rglob("*"):
        name = str(path.relative_to(tree))
        if path.is_file() and _matches(name, patterns):
            path.unlink()


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether the path matches one of the patterns."""
    return any(fnmatch(path, pattern) for pattern in patterns)


def entries(tree: Path) -> list[Entry]:
    """Every file but those that belong to this machine: scripts with its interpreter's path, byte code."""
    return [
        Entry(str(path.relative_to(tree)), _content(path), 0o755 if path.suffix == ".so" else 0o644)
        for path in sorted(tree.rglob("*"))
        if path.is_file() and not _local(path.relative_to(tree))
    ]


def refuse_damaged(files: list[Entry], excluded: tuple[str, ...] = ()) -> None:
    """Raise `DeployError` unless the files are those that their packages list in RECORD, by digest.

    uv checks a package when it downloads it. The files in its cache can be damaged later.
    """
    contents = {entry.path: entry.content for entry in files}
    for record in [path for path in contents if path.endswith(".dist-info/RECORD")]:
        for path, digest, _ in csv.reader(contents[record].decode().splitlines()):
            algorithm, _, expected = digest.partition("=")
            if not digest or _local(Path(path)) or _matches(path, excluded):
                continue
            content = contents.get(path)
            if content is None or _encoded(hashlib.new(algorithm, content).digest()) != expected:
                package = record.split("-")[0]
                raise DeployError(
                    f"{path} is not as {package} was published: the cache of uv is damaged.",
                    f".venv/bin/uv cache clean {package}, then try again",
                )


def _encoded(digest: bytes) -> str:
    """A digest as a RECORD holds it: the wheel specification says base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def byte_code(tree: Path, target: Target) -> list[Entry]:
    """The byte code of the modules below `tree`; empty if the node runs another version of Python.

    That node compiles the layer itself.
    """
    if target.python != ".".join(map(str, sys.version_info[:2])):
        return []
    return [Entry(path, content) for path, content in sorted(compile_tree(tree).items())]


def _content(path: Path) -> bytes:
    """A RECORD lists the scripts too, with a digest that depends on this machine's interpreter."""
    content = path.read_bytes()
    if path.name != "RECORD":
        return content
    return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"bin/"))


def _local(path: Path) -> bool:
    return path.parts[0] in ("bin", ".lock") or "__pycache__" in path.parts
