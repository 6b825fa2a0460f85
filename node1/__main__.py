"""The command line: `python -m node1 COMMAND`."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import node1.host as host
import node1.registry as registry
from node1.error import Node1Error
from node1.node import Node
from node1.record import FILE, Record

DEFAULT = "node1"
CHECKOUT = Path(__file__).parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its errors are printed here and nowhere else."""
    _open_standard_streams()
    words = sys.argv[1:] if arguments is None else arguments
    # Everything behind the first `--` is a command for the node, with options of its own.
    end = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:end])
    options.remote = words[end + 1 :]
    command: Callable[[argparse.Namespace], None] = options.command
    try:
        command(options)
    except Node1Error as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def up(options: argparse.Namespace) -> None:
    """Boot a node, or find it running."""
    started = time.monotonic()

    def progress(line: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {line}", file=sys.stderr, flush=True)

    directory = options.dir or CHECKOUT / ".node1" / options.name
    node = Node.boot(options.name, directory, progress=progress)
    progress(f"{node.name} answers at {node.address}")
    if options.json:
        print(json.dumps(_facts(node.record)))
    else:
        print(f"ssh -F {node.ssh_config} {node.name}")


def down(options: argparse.Namespace) -> None:
    """End a node and remove its state; with --keep, only shut it down."""
    try:
        node = _node(options)
    except Node1Error as error:
        print(error.message)  # nothing to end: that is what was asked for
        return
    host.require(node.record.way)
    if options.keep:
        node.stop()
    else:
        node.destroy()


def show(options: argparse.Namespace) -> None:
    """List the nodes of this machine."""
    facts = [_facts(record) for record in registry.records()]
    if options.json:
        print(json.dumps(facts, indent=2))
        return
    for fact in facts:
        print(f"{fact['name']:<16} {fact['state']:<8} {fact['address']:<15} {fact['directory']}")


def reboot(options: argparse.Namespace) -> None:
    """Reboot a node from inside."""
    _able(options).reboot()


def power_cut(options: argparse.Namespace) -> None:
    """Kill everything in a node at once, and boot it again."""
    _able(options).power_cut()


def ssh(options: argparse.Namespace) -> None:
    """Log in to a node as root, or run a command there."""
    os.execvp("ssh", [*_node(options).ssh_command(), *options.remote])  # noqa: S606


def _open_standard_streams() -> None:
    """Open the standard streams that are closed: the next files, and children, would get their numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _able(options: argparse.Namespace) -> Node:
    """The node that is meant, where nodes of its way can boot."""
    node = _node(options)
    host.require(node.record.way)
    return node


def _node(options: argparse.Namespace) -> Node:
    """The node that is meant: of the named directory, else of this checkout, else the only one so called."""
    if options.dir:
        return Node.load(options.dir)
    own = CHECKOUT / ".node1" / options.name
    if (own / FILE).exists():
        return Node.load(own)
    named = [record.directory for record in registry.records() if record.name == options.name]
    if not named:
        raise Node1Error(
            f"there is no node called {options.name}", "python -m node1 list; python -m node1 up"
        )
    if len(named) > 1:
        raise Node1Error(f"{options.name} is in {' and in '.join(map(str, named))}", "say which: --dir DIR")
    return Node.load(named[0])


def _facts(record: Record) -> dict[str, str]:
    node = Node(record)
    return {
        "name": record.name,
        "state": "running" if node.running else "stopped",
        "way": record.way,
        "address": record.address,
        "port": str(record.port),
        "directory": str(record.directory),
        "ssh_config": str(record.ssh_config),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m node1", description="Disposable Debian 12 hosts on this machine."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        sub.set_defaults(command=command)
        return sub

    for name, command in (
        ("up", up),
        ("down", down),
        ("reboot", reboot),
        ("power-cut", power_cut),
        ("ssh", ssh),
    ):
        sub = add(name, command)
        sub.add_argument("name", nargs="?", default=DEFAULT, metavar="NAME", help=f"the node ({DEFAULT})")
        sub.add_argument(
            "--dir", type=Path, metavar="DIR", help="its directory (.node1/NAME of this checkout)"
        )
    commands.choices["up"].add_argument("--json", action="store_true", help="say where it is as JSON")
    commands.choices["down"].add_argument(
        "--keep", action="store_true", help="keep its disk, keys and address"
    )
    commands.choices["ssh"].usage = "%(prog)s [-h] [--dir DIR] [NAME] [-- COMMAND ...]"
    add("list", show).add_argument("--json", action="store_true", help="list as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
