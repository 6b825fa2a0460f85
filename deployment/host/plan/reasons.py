"""Reasons: why a step is in a plan, as one short sentence of facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..values.desired import Running
from ..values.manifest import Manifest
from ..values.observed import Observed

FEW = 3  # items that a reason names one by one


def listed(names: Iterable[str]) -> str:
    """A few names, and the number of the others."""
    every = list(names)
    shown = ", ".join(every[:FEW])
    return shown if len(every) <= FEW else f"{shown} and {len(every) - FEW} more"


def not_served(observed: Observed, desired: Running) -> str:
    """The reason why the desired release does not serve; empty where it does.

    In a revert, the process of before is good enough, ready or not.
    """
    release, service = desired.release, desired.environment.service
    if release is None:
        return ""
    if desired.pid and observed.pid == desired.pid:
        return ""
    if observed.service != "active":
        return f"{service} is {observed.service}"
    if not observed.answers:
        return f"no answer on {observed.listen or 'its port'}"
    if not observed.answers.get("ready"):
        reason = str(observed.answers.get("reason") or "it gives no reason")
        return f"{service} is not ready: {reason}"
    if observed.runs is None:
        return "the release of the running process is not known"
    if observed.answers.get("release") != observed.runs:
        return f"the process of {observed.runs} answers as {observed.answers.get('release')}"
    if observed.runs != release.id:
        return f"{observed.runs} runs"
    return "" if observed.current == release.id else f"{observed.current or 'no release'} is active"


def rebind(observed: Observed, release: Manifest, desired: Running, written: tuple[str, ...]) -> str:
    """The reason why the socket is closed and opened anew; empty where it stays.

    A listener cannot be changed under its holders. A revert that finds the process of before leaves it alone.
    """
    socket, is_untouched = desired.environment.socket, desired.back and observed.pid == desired.pid
    if observed.socket != "active":
        return ""
    if observed.listen != release.listen:
        return f"the socket listens on {observed.listen}, not on {release.listen}"
    if release.listen not in observed.listening:
        return f"nothing listens on {release.listen}"
    if observed.altered and not is_untouched:
        return f"a service changed {socket}: {listed(observed.altered)}"
    return f"{socket} changes" if socket in written else ""


def units(observed: Observed, written: Iterable[str]) -> str:
    """The reason why unit files are written."""
    names = list(written)
    parts = [
        (listed(name for name in names if name not in observed.units), "missing on the node"),
        (listed(name for name in names if name in observed.units), "not as in the release"),
    ]
    return "; ".join(f"{which} {text}" for which, text in parts if which)


def release(observed: Observed, desired: Manifest) -> str:
    """The reason why the files of a release are installed."""
    if desired.id in observed.releases:
        return "its files on the node were edited"
    if observed.current is None:
        return "not on the node, and no release is active"
    code, running = desired.id.rpartition("-")[0], observed.current.rpartition("-")[0]
    is_same_code = code == running and not desired.dirty
    differs = "of the same commit with another configuration" if is_same_code else "of other code"
    return f"not on the node; {observed.current} is active, {differs}"


def restarts(
    observed: Observed, desired: Running, *, log: str, rebound: str, edited: bool, unit: str
) -> Iterator[str]:
    """Each reason for a restart of the service; none where it goes on.

    `log` says what becomes of the event log meanwhile, `rebound` why its socket is opened anew. `edited` says
    that the files of the release that runs are installed again. `unit` is its unit, if that is written anew.
    """
    if desired.restart:
        yield "asked for"
    if log:
        yield log
    if rebound:
        yield rebound
    if unit:
        yield f"{unit} changes"
    if served := not_served(observed, desired):
        yield served
    elif edited:
        yield "files of the running release were edited"
