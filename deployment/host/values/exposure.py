"""The API of an environment, in the hands of the code of the others on its node. Pure.

Whoever is on the node reaches a loopback address: without an API token, or with one that two environments
share, the code of one reads and writes the data of the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from .desired import Running
from .errors import Refused
from .manifest import ACCESS, Manifest
from .observed import Observed


def token_of(digests: Mapping[str, str]) -> str:
    """The API token of a configuration, by digest; empty where it has none."""
    return digests.get(ACCESS, "")


def open_to(name: str, tokens: Mapping[str, str]) -> tuple[str, ...]:
    """The other environments whose code can use the API of this one; `tokens` are those of all by digest."""
    own = tokens.get(name)
    others = (other for other in sorted(tokens) if other != name)
    return tuple(other for other in others if own is not None and own in ("", tokens[other]))


def refuse_open(observed: Observed, desired: Running, release: Manifest) -> None:
    """Raise `Refused` where a change opens an environment to others, or comes beside one that is open.

    What is open already can be restarted and reverted to: that makes nothing worse.
    """
    name, own = desired.environment.name, token_of(release.digests)
    if desired.back or (not desired.staged and observed.tokens.get(name) == own):
        return
    others = {other: token for other, token in observed.tokens.items() if other != name}
    if reached := open_to(name, {**others, name: own}):
        theirs = " and ".join(reached)
        why = (
            f"{name} has the {ACCESS} of {theirs}"
            if own
            else f"{name} has no {ACCESS}, and beside it is {theirs}"
        )
        hint = f"python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one for .env.{name}"
        if not desired.staged:
            hint = f"CONFIG=current keeps the token of today: make rollback ENV={name} CONFIG=current"
        raise Refused(f"{why} on this node: the code of one could read and write the other.", hint)
    bare = sorted(other for other, token in others.items() if not token)
    if bare and name not in observed.tokens:
        raise Refused(
            f"{bare[0]} has no {ACCESS} on this node: the code of {name} could read and write it.",
            f"give {bare[0]} one first, in .env.{bare[0]}, then make deploy ENV={bare[0]}",
        )
