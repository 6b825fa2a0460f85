"""The last line for people, by verb: what a change or a backup has led to."""

from __future__ import annotations

from ..host.values.words import size
from .results import Changed
from .tables import count


def removed(result: Changed) -> str:
    """The line for a removal, also of an environment that is not there."""
    environment, done = result.environment, result.outcome == "done"
    gone = f"{environment} is removed" if done else f"there is no {environment}"
    if result.data_deleted:
        return f"{gone}, with its data"
    if result.data is None:
        return f"{gone}; " + ("it held no data" if done else "no data of it is there")
    return f"{gone}; its data stays on the node, in {result.data}, and DATA=delete deletes it"


def stopped(result: Changed) -> str:
    """The line for a stop."""
    return f"{result.environment} is stopped, and stays so over a reboot"


def stopped_already(result: Changed) -> str:
    """The line for a stop of a stopped environment."""
    return f"nothing to do, {result.environment} is stopped"


def restored(result: Changed) -> str:
    """The line for a restore, with the command that undoes it."""
    log = result.log
    assert log is not None  # else the result would be unexpected
    environment, archived = result.environment, result.facts.replaced
    text = f"{environment} has the log that was restored: {count(log.length)}, head {log.head[:16]}"
    if not archived:
        return text
    name = archived.rpartition("/")[2]
    return f"{text}; undo with: make restore ENV={environment} BACKUP={name}"


def restored_already(result: Changed) -> str:
    """The line for a restore of the present log."""
    return f"nothing to do, {result.environment} has that log already"


def rebuilt(result: Changed) -> str:
    """The line for a rebuild."""
    where = f"{result.environment} at position {result.facts.position}"
    return f"the read models of {where} were rebuilt, digest {str(result.facts.digest)[:16]}"


def backed_up(file: str, position: int, bytes_: int, head: str) -> str:
    """The line for a backup."""
    return f"{file}: {count(position)}, {size(bytes_)}, head {head[:16]}"
