"""The directories of an environment, as they should be and as they are: pure rules that judge them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..values.check import Check, bad, ok
from ..values.layout import Environment
from .rules import AS_ROOT


@dataclass(frozen=True)
class Directory:
    """A directory as it should be and as it is: `0700 helionyx-dev`, or None where it is not there.

    `other` is what stands there instead: a file, or a link.
    """

    path: str
    desired: str
    actual: str | None
    other: bool = False


def judge(
    listed: tuple[Directory, ...], environment: Environment, deploy: str, *, keep_away: bool
) -> Iterator[Check]:
    """One line per wrong directory, or one for all. With `keep_away`, nobody is asked to make a missing one.

    `deploy` is the command that makes them.
    """
    wrong = [item for item in listed if item.actual != item.desired]
    for item in wrong:
        if item.actual is not None or not keep_away:
            text = f"{item.path} is {item.actual or 'not there'}, and should be {item.desired}"
            yield bad("directory", text, _made(listed, item, environment, deploy))
    if not wrong:
        yield ok("directories", f"all {len(listed)} with their owners and modes")


def _made(listed: tuple[Directory, ...], item: Directory, environment: Environment, deploy: str) -> str:
    """The way to make one directory as it should be, where its user can turn names: no link is followed."""
    if not item.other:
        return deploy
    user, above = environment.user, str(Path(item.path).parent)
    owners = {directory.path: directory.desired.split(" ")[1] for directory in listed}
    act = f"runuser -u {user} -- " if owners.get(above) == user else ""
    return f"{AS_ROOT}: {act}mv -T {item.path} {item.path}.aside; then {deploy}"
