"""The value of one variable of a request, as a word, a number or a yes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from .errors import DeployError

TRUE = ("1", "yes", "true", "on")
FALSE = ("0", "no", "false", "off")


def split(text: str) -> tuple[str, ...]:
    """The words of a value, as a shell would split it. Raises `DeployError`."""
    try:
        return tuple(os.path.expanduser(word) for word in shlex.split(text))  # noqa: PTH111  a word, not a path
    except ValueError as error:
        raise DeployError(
            f"SSH_OPTIONS cannot be split as a shell would: {error}.", "check its quotes"
        ) from None


def truth(name: str, environ: Mapping[str, str], *, default: bool) -> bool:
    """Whether a variable says yes; `default` if it says nothing. Raises `DeployError` for anything else."""
    value = environ.get(name)
    if not value:  # make exports what nobody gave as an empty value
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise DeployError(f"{name}={value} is neither yes nor no.", f"{name}=1 or {name}=0")


def seconds(name: str, environ: Mapping[str, str], default: float, longest: float) -> float:
    """A number of seconds, 0 to `longest`. Raises `DeployError`."""
    value = environ.get(name)
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= longest:
        raise DeployError(f"{name}={value} is no number of seconds from 0 to {longest:g}.", f"{name}=3")
    return seconds


def one_of(name: str, environ: Mapping[str, str], *known: str) -> str | None:
    """One of the known values, or None for an empty one. Raises `DeployError` for another."""
    value = environ.get(name)
    if value and value not in known:
        raise DeployError(f"{name} has no value {value!r}.", f"{name}={' or '.join(known)}, or leave it out")
    return value or None


def count(name: str, environ: Mapping[str, str], what: str, least: int = 0) -> int | None:
    """A number of `what`; None for an empty value. Raises `DeployError` for less than `least`."""
    value = environ.get(name)
    if not value:
        return None
    if not value.isdecimal() or int(value) < least:
        raise DeployError(f"{name}={value} is not a number of {what}.", f"{name}=10")
    return int(value)
