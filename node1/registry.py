"""All nodes of this machine, of whatever checkout: a link to each one's directory, under one lock."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import node1.network as network
from node1.cgroup import Cgroup
from node1.error import Node1Error
from node1.lock import locked
from node1.record import FILE, Record, key_of

STATE = Path("/var/lib/helionyx-node1")
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
    (LINKS / record.key).unlink(missing_ok=True)
    (record.directory / FILE).unlink(missing_ok=True)


def end_orphans() -> None:
    """End the nodes whose directory was removed by hand: nothing else could ever reach them."""
    for link in LINKS.glob("*"):
        directory = link.readlink()
        if link.name == key_of(directory) and not (directory / FILE).exists():
            Cgroup(f"helionyx-node1-{link.name}").end()
            link.unlink()


def addresses_but(record_key: str) -> list[str]:
    """The addresses of all other nodes."""
    return [record.address for record in records() if record.key != record_key]


def address_for(directory: Path, preferred: str = "") -> str:
    """The address for the node in `directory`: the `preferred` one while it is free."""
    others = addresses_but(key_of(directory))
    if preferred and preferred not in others and network.is_free(preferred):
        return preferred
    return network.choose(others)
