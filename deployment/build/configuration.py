"""The environment's `.env` file, and what the release's own code says of it. Never parsed here."""

from __future__ import annotations

import errno
import json
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DeployError
from ..host.values.digests import canonical, sha256
from ..run import run
from .cache import Cache
from .source import Source

OWN_FILE = "a file of your own it has to be"
DATA_PATHS = ("EVENT_STORE_PATH", "PROJECTIONS_DB_PATH")
LAUNCHER = (Path(__file__).parent / "launcher.py").read_bytes()


@dataclass(frozen=True)
class Configuration:
    """The bytes of one `.env.{environment}`, with the facts in it that are no secret."""

    content: bytes
    facts: Mapping[str, Any]  # for the manifest
    digests: Mapping[str, str]
    log: Mapping[str, Any]  # the table and the versions of events that the release's code reads and writes

    @property
    def host(self) -> str:
        """The address of the API."""
        return str(self.facts["api_host"])

    @property
    def port(self) -> int:
        """The port of the API."""
        return int(self.facts["api_port"])

    @property
    def data(self) -> dict[str, Path]:
        """The paths of the data, by their keys."""
        return {key: Path(str(self.facts[key.lower()])) for key in DATA_PATHS}


def read(env_dir: Path, environment: str, source: Source, cache: Path) -> Configuration:
    """Read and check. Raises `DeployError` with every problem at once."""
    path = env_dir / f".env.{environment}"
    try:
        content = content_of(path)
    except FileNotFoundError:
        raise DeployError(
            f"there is no {path.name} in {env_dir}.", f"make env ENV={environment}, and fill in what it marks"
        ) from None
    except OSError as error:
        raise DeployError(
            f"{path} cannot be read: {error.strerror}.", f"ls -ld '{path}': {OWN_FILE}"
        ) from None
    files = _files(source)
    key, answers = _key(content, environment, files), Cache(cache / "configurations")
    known = answers.find(key)
    answer = known or _ask(content, environment, files)
    accepted, problems = _read(content, answer)
    if accepted is None:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise DeployError(f"{path} has {count}.", ".env.template explains every key", details=problems)
    for name, wrong, own in outside(accepted, environment):
        raise DeployError(
            f"{name}={wrong} is not below the data directory of {environment}.",
            f"give it a path below {own}, and there not in {' or '.join(RESERVED)}",
        )
    if known is None:
        answers.keep(key, answer)
    return accepted


def content_of(path: Path) -> bytes:
    """The bytes of an `.env` file. Raises `OSError`, also for pipes and devices, which may have no end."""
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))
    return path.read_bytes()


def check(content: bytes, environment: str, source: Source) -> tuple[Configuration | None, tuple[str, ...]]:
    """Run the release's own check: the configuration, or else its problems in lines."""
    return _read(content, _ask(content, environment, _files(source)))


def _read(content: bytes, output: bytes) -> tuple[Configuration | None, tuple[str, ...]]:
    answer = json.loads(output)
    if not answer["ok"]:
        return None, tuple(_line(problem) for problem in answer["problems"])
    return Configuration(content, answer["facts"], answer["digests"], answer["log"]), ()


RESERVED = ("kept", ".backup")
"""Below an environment's data: the archived logs, and copies that do not stay."""


def outside(accepted: Configuration, environment: str) -> Iterator[tuple[str, Path, Path]]:
    """The data paths where no data may lie on a node: (key, path, below what they may)."""
    own = Path("/var/lib/helionyx") / environment
    for key, path in accepted.data.items():
        if own not in path.parents or path.relative_to(own).parts[0] in RESERVED:
            yield key, path, own


def _files(source: Source) -> dict[str, bytes]:
    """All that the check needs: the modules directly below services/, and what starts them."""
    names = [name for name in source.files if name.startswith("services/") and name.count("/") == 1]
    return {"run.py": LAUNCHER} | {name: source.files[name][0] for name in names}


def _key(content: bytes, environment: str, files: dict[str, bytes]) -> str:
    """A digest of all that the answer depends on."""
    digests = {name: sha256(data) for name, data in files.items()}
    made_of = {"files": digests, "content": sha256(content), "environment": environment}
    return sha256(canonical({**made_of, "python": sys.version}).encode())


def _ask(content: bytes, environment: str, files: dict[str, bytes]) -> bytes:
    """Run the release's own check, from its own code, on these bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "services").mkdir()
        for name, data in files.items():
            (root / name).write_bytes(data)
        argv = [sys.executable, "-I", "-B", "run.py", "services.config", "check"]
        words = ["--env", environment, "--file", "-", "--json"]
        return run([*argv, *words], input=content, cwd=root, expect=(0, 2))


def _line(problem: Mapping[str, Any]) -> str:
    parts = (f"line {problem['line']}" if problem.get("line") else None, problem.get("key"))
    where = ", ".join(part for part in parts if part)
    hint = f"; {problem['hint']}" if problem.get("hint") else ""
    return f"{where}: {problem['message']}{hint}" if where else f"{problem['message']}{hint}"
