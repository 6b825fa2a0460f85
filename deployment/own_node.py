"""The node of `make try`: its record in the checkout, by which the verbs find it in any shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import DeployError

RECORD = Path(".node1") / "try"
SHIPPED = "node1"
"""The node that pyproject.toml names for each environment until somebody names a server there."""


@dataclass(frozen=True)
class OwnNode:
    """The values of NODE, SSH_OPTIONS and ENV_DIR that lead to the node of `make try`."""

    node: str
    ssh_options: str
    env_dir: str

    def variables(self) -> dict[str, str]:
        """The variables, by name, as a person would type them."""
        return {name.upper(): value for name, value in asdict(self).items()}


def load(root: Path) -> OwnNode | None:
    """Read the record of the checkout at `root`; None if no node of `make try` is there.

    Raises `DeployError` for a record that does not name all three variables.
    """
    path = root / RECORD
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DeployError(f"{path} cannot be read: {error}.", "make try-down, then make try") from None
    values = {name: value for name, _, value in (line.partition("=") for line in lines)}
    try:
        return OwnNode(values["NODE"], values["SSH_OPTIONS"], values["ENV_DIR"])
    except KeyError as error:
        raise DeployError(f"{path} has no line {error.args[0]}=.", "make try-down, then make try") from None


def save(root: Path, own: OwnNode) -> None:
    """Write the record, whole or not at all."""
    path = root / RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(
        "".join(f"{name}={value}\n" for name, value in own.variables().items()), encoding="utf-8"
    )
    unfinished.replace(path)


def remove(root: Path) -> None:
    """Remove the record, if there is one."""
    (root / RECORD).unlink(missing_ok=True)


def applies(environ: Mapping[str, str], named: list[str]) -> bool:
    """Whether a request means the node of `make try`: it names no way to another one.

    `named` are the nodes that pyproject.toml names for the environments of the request.
    """
    given = any(environ.get(name) for name in ("NODE", "SSH_OPTIONS", "ENV_DIR"))
    return not given and all(name == SHIPPED for name in named)
