"""All nodes of this machine, of whatever checkout: a link to each one's directory, under one lock."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import node1.directories as directories
from node1.error import Node1Error
from node1.lock import locked
from node1.record import FILE, Record, key_of

STATE = directories.state()
LINKS = STATE / "nodes"


@contextmanager
def opened() -> Iterator[None]:
    """Hold the registry's lock: addresses are chosen, and nodes enter and leave, one at a time."""
    with locked(STATE / "lock"):
        LINKS.mkdir(exist_ok=True)
        yield


def records() -> list[Record]:
    """Every node that has a record, by name."""
    nodes = []
    for link in LINKS.glob("*"):
        with contextlib.suppress(Node1Error):  # removed by hand, or half-way down
            nodes.append(Record.load(link.readlink()))
    return sorted(nodes, key=lambda record: (record.name, record.directory))


def enter(record: Record) -> None:
    """Write the record down and make it known."""
    record.save()
    link = LINKS / record.key
    link.unlink(missing_ok=True)
    link.symlink_to(record.directory)


def leave(record: Record) -> None:
    """Forget the node."""
    forget(record.key)
    (record.directory / FILE).unlink(missing_ok=True)


def orphans() -> list[str]:
    """The keys of nodes whose directory was removed by hand: nothing else could ever reach them."""
    keys = []
    for link in LINKS.glob("*"):
        directory = link.readlink()
        if link.name == key_of(directory) and not (directory / FILE).exists():
            keys.append(link.name)
    return keys


def forget(record_key: str) -> None:
    """Remove the link of a node."""
    (LINKS / record_key).unlink(missing_ok=True)


def addresses_but(record_key: str) -> list[str]:
    """The addresses of all other nodes."""
    return [record.address for record in records() if record.key != record_key]
