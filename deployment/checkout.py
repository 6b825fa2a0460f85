"""The operator's end, looked at without changing it: what `make doctor` judges before it asks the node."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from . import configuration, layer
from .configuration import Configuration
from .errors import DeployError
from .run import run
from .source import Source


@dataclass(frozen=True)
class Tree:
    """What git says of the checkout; `problem` is why it says nothing."""

    commit: str = ""
    subject: str = ""
    changed: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Tools:
    """uv's version and the packages that the lock pins, each None with its problem where there is none."""

    uv: str | None = None
    uv_problem: str = ""
    pinned: int | None = None
    lock_problem: str = ""


@dataclass(frozen=True)
class EnvFile:
    """One `.env.{environment}`: its permission bits (None where there is no file), and what it says."""

    environment: str
    path: Path
    node: str
    mode: int | None = None
    problems: tuple[str, ...] = ()
    configuration: Configuration | None = None


def tree(root: Path) -> Tree:
    """Commit and changes, without the refresh of the index that `git status` would write."""
    git = ["git", "-C", str(root), "--no-optional-locks", "-c", "core.quotePath=false"]
    try:
        head = run([*git, "show", "--no-patch", "--no-show-signature", "--format=%h%n%s"])
        listed = run([*git, "status", "--porcelain", "--untracked-files=all"])
    except DeployError as error:
        return Tree(problem=" | ".join((error.message, *error.details[-1:])))
    commit, _, subject = head.decode(errors="replace").strip().partition("\n")
    return Tree(commit, subject, tuple(line[3:] for line in listed.decode(errors="replace").splitlines()))


def code(root: Path) -> Source:
    """The release's code as it lies in the working tree: enough for its own check of a configuration."""
    files = [*(root / "services").rglob("*.py"), root / "pyproject.toml", root / "uv.lock"]
    contents = {
        path.relative_to(root).as_posix(): (path.read_bytes(), False) for path in files if path.is_file()
    }
    return Source("", "", True, contents)


def tools(source: Source) -> Tools:
    """Whether dependencies could be taken from the lock; nothing is downloaded."""
    try:
        version = run([layer.uv(), "--version"]).decode().strip().removeprefix("uv ").split(" ")[0]
    except (DeployError, OSError) as error:
        return Tools(uv_problem=str(error), lock_problem="not read, because uv does not run")
    if "uv.lock" not in source.files:
        return Tools(version, lock_problem="is not there")
    try:
        pinned = layer.requirements(source).count(b"==")
    except DeployError as error:
        return Tools(version, lock_problem=" | ".join((error.message, *error.details[-1:])))
    return Tools(version, pinned=pinned)


def env_file(directory: Path, environment: str, node: str, source: Source) -> EnvFile:
    """Its mode, and what the release's own check says of it."""
    path = directory / f".env.{environment}"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return EnvFile(environment, path, node)
    except OSError as error:
        return EnvFile(environment, path, node, 0, (f"cannot be looked at: {error.strerror}",))
    try:
        found, problems = configuration.check(path.read_bytes(), environment, source)
    except (DeployError, OSError, ValueError) as error:
        return EnvFile(environment, path, node, mode, (f"could not be checked: {error}",))
    return EnvFile(environment, path, node, mode, problems, found)
