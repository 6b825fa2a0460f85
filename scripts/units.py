"""Let the systemd of a node verify the units and journal settings of all three environments."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from deployment.build import units
from deployment.host.values.layout import ENVIRONMENTS, Environment
from node1 import Node, Node1Error, Way, host
from scripts.ci import SKIPPED

PYTHON = "3.11"  # of the Debian that a node runs
UNITS = Path("/etc/systemd/system")
JOURNALS = Path("/etc/systemd")


def main() -> int:
    """Print the complaints of systemd; 1 if there are any."""
    try:
        host.require(Way.CONTAINER)
    except Node1Error as error:
        print(f"skipped: {error.message}; {error.hint}")
        return SKIPPED
    with (
        tempfile.TemporaryDirectory(prefix="units-") as directory,
        Node.boot("units", Path(directory) / "node") as node,
    ):
        complaints = unit_complaints(node) + journal_complaints(node)
    print(*complaints or ["systemd accepts the units of all environments"], sep="\n")
    return int(bool(complaints))


def unit_complaints(node: Node) -> list[str]:
    """The complaints of `systemd-analyze verify` about the services and sockets."""
    paths = []
    for name in ENVIRONMENTS:
        environment = Environment(name)
        for unit in (environment.socket, environment.service):
            paths.append(_write(node, UNITS, environment, unit))
    # By default, systemd-analyze ends with 0 whatever it has found.
    done = node.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths])
    lines = done.stderr.splitlines()
    if done.returncode != 0 and not lines:
        lines = [f"systemd-analyze ended with exit code {done.returncode}"]
    return lines


def journal_complaints(node: Node) -> list[str]:
    """The complaints of the journals about their own settings: systemd-analyze does not read those files."""
    environments = [Environment(name) for name in ENVIRONMENTS]
    paths = [_write(node, JOURNALS, environment, environment.journal) for environment in environments]
    _must(node, ["systemctl", "start", *(f"systemd-journald@{each.namespace}" for each in environments)])
    _must(node, ["journalctl", "--sync"])
    lines = _must(node, ["journalctl", "--boot", "--output=cat"]).splitlines()
    return [line for line in lines if line.startswith(tuple(f"{path}:" for path in paths))]


def _write(node: Node, directory: Path, environment: Environment, file: str) -> str:
    """Write a rendered file into a directory of the node; return its path."""
    port = 8000 + ENVIRONMENTS.index(environment.name)
    config = {"api_host": "0.0.0.0", "api_port": port}  # noqa: S104
    content = units.render(environment, PYTHON, config)[file]
    path = str(directory / file)
    _must(node, ["tee", path], content.decode())
    return path


def _must(node: Node, command: list[str], input: str | None = None) -> str:
    """The output of a command on the node; an error if it fails."""
    done = node.run(command, input=input)
    if done.returncode != 0:
        raise Node1Error(f"{' '.join(command)} failed on the node: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
