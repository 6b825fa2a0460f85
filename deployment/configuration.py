"""The environment's `.env` file, and what the release's own code says of it. Never parsed here."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import DeployError
from .run import run
from .source import Source

DATA_PATHS = ("event_store_path", "projections_db_path")
LAUNCHER = (Path(__file__).parent / "launcher.py").read_bytes()


@dataclass(frozen=True)
class Configuration:
    """The bytes of one `.env.{environment}`, with the facts in it that are no secret."""

    content: bytes
    facts: dict[str, Any]
    digests: dict[str, str]
    log: dict[str, Any]  # what the release's code reads and writes: the log's table and the events' versions


def read(env_dir: Path, environment: str, source: Source) -> Configuration:
    """Read and check. Raises `DeployError` with every problem at once."""
    path = env_dir / f".env.{environment}"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DeployError(
            f"there is no {path.name} in {env_dir}.", f"make env ENV={environment}, and fill in what it marks"
        ) from None
    found, problems = check(content, environment, source)
    if found is None:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise DeployError(f"{path} has {count}.", ".env.template explains every key", details=problems)
    for key, wrong, own in outside(found, environment):
        raise DeployError(
            f"{key}={wrong} is no place for the data of {environment}.",
            f"give it a path below {own}, and there not in {' or '.join(RESERVED)}",
        )
    return found


def check(content: bytes, environment: str, source: Source) -> tuple[Configuration | None, tuple[str, ...]]:
    """What the release's own check makes of these bytes: the configuration, or else its problems in lines."""
    answer = _ask(content, environment, source)
    if not answer["ok"]:
        return None, tuple(_line(problem) for problem in answer["problems"])
    return Configuration(content, answer["facts"], answer["digests"], answer["log"]), ()


RESERVED = ("kept", ".backup")
"""Below an environment's data: where deployment keeps logs aside, and makes copies that do not stay."""


def outside(found: Configuration, environment: str) -> Iterator[tuple[str, Path, Path]]:
    """The data paths where no data may lie on a node: (key, path, below what they may)."""
    own = Path("/var/lib/helionyx") / environment
    for key in DATA_PATHS:
        path = Path(str(found.facts[key]))
        if own not in path.parents or path.relative_to(own).parts[0] in RESERVED:
            yield key.upper(), path, own


def _ask(content: bytes, environment: str, source: Source) -> dict[str, Any]:
    """Run the release's own check, from its own code, on these bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, (data, _) in source.files.items():
            if name.startswith("services/") and name.count("/") == 1:
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_bytes(data)
        (root / "run.py").write_bytes(LAUNCHER)
        argv = [sys.executable, "-I", "-B", "run.py", "services.config", "check"]
        out = run(
            [*argv, "--env", environment, "--file", "-", "--json"], input=content, cwd=root, expect=(0, 2)
        )
    found: dict[str, Any] = json.loads(out)
    return found


def _line(problem: dict[str, Any]) -> str:
    places = (f"line {problem['line']}" if problem.get("line") else None, problem.get("key"))
    where = ", ".join(place for place in places if place)
    hint = f"; {problem['hint']}" if problem.get("hint") else ""
    return f"{where}: {problem['message']}{hint}"
