"""The steps before a boot: the choice of a way, then the record, the keys and the disk of the node."""

from pathlib import Path

import node1.engine as engine
import node1.host as host
import node1.keys as keys
import node1.registry as registry
from node1.choice import Way
from node1.host import Progress
from node1.record import FILE, Record


def way_of(directory: Path, way: Way | None, progress: Progress) -> Way:
    """The way of the node in `directory`; for a new one `way`, or the best that works here."""
    if (directory / FILE).exists():
        way = Record.load(directory).way
    if way is not None:
        host.require(way)
        return way
    choice = host.choice()
    if choice.reason:
        progress(f"a {choice.way}, since no {Way.CONTAINER} can boot here: {choice.reason}")
    return choice.way


def prepared(way: Way, name: str, directory: Path, over: Path | None, progress: Progress) -> Record:
    """Make all that a boot needs, where it is missing, and end what an earlier boot left running."""
    with registry.opened():
        for key in registry.orphans():
            engine.end(key)
            registry.forget(key)
        if (directory / FILE).exists():
            record = engine.of(Record.load(directory)).again()
        else:
            record = engine.anew(way, name, directory, over)
        registry.enter(record)
        used = {other.base for other in registry.records()}
    keys.make(record)
    engine.of(record).make_disk(progress, used)
    return record
