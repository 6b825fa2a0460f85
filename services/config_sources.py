"""Find and read the file that an environment's configuration is in. Standard library only.

Under systemd, the bytes of `$CREDENTIALS_DIRECTORY/env` and nothing else, so that no stray variable can give
one environment another one's bot. In a release, which `$HELIONYX_RELEASE` names, the
bytes of its own `.env.{env}`, and again nothing else: a command by hand on the node means what the service
means. In a checkout, `.env.{env}` in its root, with the data in `data/{env}/` or `$HELIONYX_DATA_DIR/{env}/`,
because the file names the paths of a node. OS variables win there, except over what belongs to one
environment alone: a shell that has read a node's `.env` file must not bring its store, its token or its bot.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from services.config_keys import KEYS
from services.env_file import Entry, EnvFile, Problem, parse
from services.errors import HelionyxError

ENVIRONMENTS = ("dev", "staging", "live")

DATA_DIR = "HELIONYX_DATA_DIR"
"""The OS variable that names the directory for a checkout's data, relative to the checkout or absolute.

Each environment has one of its own in there, so that no log gets the words of two.
"""


class ConfigError(HelionyxError):
    """The configuration cannot be used. `problems` holds everything that is wrong with it."""

    exit_code = 78  # EX_CONFIG: systemd shows it by that name

    def __init__(self, problems: tuple[Problem, ...], source: str) -> None:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{count} in the configuration ({source}):{lines}")
        self.problems = problems


def load(environment: str | None, variables: Mapping[str, str], root: Path) -> tuple[str, EnvFile]:
    """Find and read the configuration's file: (its name for messages, what it says). Raises ConfigError."""
    problems = environment_problems(environment)
    if problems:
        raise ConfigError(problems, "ENV")
    credentials = variables.get("CREDENTIALS_DIRECTORY")
    if credentials:
        return read_file(Path(credentials) / "env", "the unit names it by LoadCredential=env:...")
    if variables.get("HELIONYX_RELEASE"):
        hint = "only root can read it; name the files, and run this as the environment's user"
        return read_file(root / f".env.{environment}", hint)
    name, file = read_file(
        root / variables.get("ENV_DIR", "") / f".env.{environment}", f"make env ENV={environment}"
    )
    data = Path(os.path.normpath(root / (variables.get(DATA_DIR) or "data") / str(environment)))
    shared = [key for key in KEYS.values() if not key.exclusive]
    entries = {
        **file.entries,
        "EVENT_STORE_PATH": Entry(str(data / "events")),
        "PROJECTIONS_DB_PATH": Entry(str(data / "projections" / "helionyx.db")),
        **{key.name: Entry(variables[key.name]) for key in shared if key.name in variables},
    }
    return name, replace(file, entries=entries)


def read_file(path: Path, hint: str = "") -> tuple[str, EnvFile]:
    """Read exactly the file at `path`: (its name for messages, what it says). Raises ConfigError."""
    try:
        return str(path), parse(path.read_bytes())
    except OSError as error:
        problem = Problem(f"cannot read {path}: {error.strerror}", hint=hint)
        raise ConfigError((problem,), str(path)) from None


def read_opened(descriptor: str, path: Path) -> tuple[str, EnvFile]:
    """Read the file at `path` from a descriptor that root has opened for this process. Raises ConfigError."""
    try:
        with os.fdopen(int(descriptor), "rb") as file:
            return str(path), parse(file.read())
    except (OSError, ValueError) as error:
        problem = Problem(f"cannot read {path} from descriptor {descriptor}: {error}")
        raise ConfigError((problem,), str(path)) from None


def environment_problems(environment: str | None) -> tuple[Problem, ...]:
    """The problem of an environment that is none of the three, if it is none."""
    if environment in ENVIRONMENTS:
        return ()
    actual = repr(environment) if environment else "nothing"
    return (Problem(f"expected one of {', '.join(ENVIRONMENTS)}, found {actual}", "ENV"),)
