"""The operator's end, looked at without changing it: what `make doctor` judges before it asks the node."""

from __future__ import annotations

import re
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from ..build import configuration, layer, source
from ..build.configuration import Configuration
from ..build.source import Source
from ..errors import DeployError
from ..run import run


@dataclass(frozen=True)
class Tree:
    """The state of the checkout by git; `problem` is the reason why git fails, with its mend."""

    commit: str = ""
    subject: str = ""
    changed: tuple[str, ...] = ()
    problem: str = ""
    mend: str = ""


@dataclass(frozen=True)
class Tools:
    """uv's version and the packages that the lock pins, each None with its problem where there is none.

    `stale` says that what runs here was set up by another lock.
    """

    uv: str | None = None
    uv_problem: str = ""
    pinned: int | None = None
    lock_problem: str = ""
    stale: bool = False


@dataclass(frozen=True)
class EnvFile:
    """One `.env.{environment}`: its permission bits (None where there is no file), and what it says.

    `unread` is why the file itself cannot be read, `unchecked` why the code that checks it gave no answer.
    """

    environment: str
    path: Path
    node: str
    mode: int | None = None
    problems: tuple[str, ...] = ()
    unread: str = ""
    unchecked: str = ""
    configuration: Configuration | None = None


def tree(root: Path) -> Tree:
    """Commit and changes, with nothing written."""
    try:
        commit, subject = source.head(root)
        return Tree(commit[:12], subject, tuple(source.changes(root, commit)))
    except DeployError as error:
        return Tree(problem=error.message, mend=error.hint)


def code(root: Path) -> Source:
    """The release's code as it lies in the working tree: enough for its own check of a configuration."""
    files = [*(root / "services").rglob("*.py"), root / "pyproject.toml", root / "uv.lock"]
    contents = {
        path.relative_to(root).as_posix(): (path.read_bytes(), False) for path in files if path.is_file()
    }
    return Source("", "", True, contents)


def tools(source: Source) -> Tools:
    """Look whether dependencies could be taken from the lock; nothing is downloaded."""
    try:
        version = run([layer.uv(), "--version"]).decode().strip().removeprefix("uv ").split(" ")[0]
    except (DeployError, OSError) as error:
        return Tools(uv_problem=str(error), lock_problem="not read, because uv does not run")
    if "uv.lock" not in source.files:
        return Tools(version, lock_problem="is not there")
    stale = _set_up_by() not in (None, source.files["uv.lock"][0])
    try:
        pinned = layer.exported(source).count(b"==")
    except DeployError as error:
        return Tools(version, lock_problem=" | ".join((error.message, *error.details[-1:])), stale=stale)
    return Tools(version, pinned=pinned, stale=stale)


def _set_up_by() -> bytes | None:
    """The lock by which the running Python's packages were installed, where `make setup` has noted it."""
    try:
        return (Path(sys.prefix) / ".locked").read_bytes()
    except OSError:
        return None


def env_file(directory: Path, environment: str, node: str, source: Source) -> EnvFile:
    """Its mode, and what the release's own check says of it."""
    path = directory / f".env.{environment}"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return EnvFile(environment, path, node)
    except OSError as error:
        return EnvFile(environment, path, node, 0, unread=error.strerror or str(error))
    file = EnvFile(environment, path, node, mode)
    try:
        content = configuration.content_of(path)
    except OSError as error:
        return replace(file, unread=error.strerror or str(error))
    try:
        accepted, problems = configuration.check(content, environment, source)
    except (DeployError, OSError, ValueError) as error:
        return replace(file, unchecked=_reason(error))
    return replace(file, problems=problems, configuration=accepted)


def _reason(error: Exception) -> str:
    """The exception that our own code printed last, and the line of that code which raised it."""
    words = [line.strip() for line in getattr(error, "details", ())]
    if not words:
        return str(error)
    places = re.findall(r'File "[^"]*?(services/[^"]+)", (line \d+)', "\n".join(words))
    return f"{places[-1][0]}, {places[-1][1]}: {words[-1]}" if places else words[-1]
