"""Reasons: why a step is in a plan, as one short sentence of facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .model import Manifest, Observed, Wanted

_OTHER = {True: "of the same commit with another configuration", False: "of other code"}
FEW = 3  # items that a reason names one by one


def listed(names: Iterable[str]) -> str:
    """A few names, and the number of the others."""
    every = list(names)
    shown = ", ".join(every[:FEW])
    return shown if len(every) <= FEW else f"{shown} and {len(every) - FEW} more"


def not_served(seen: Observed, wanted: Wanted) -> str:
    """The reason why the wanted release does not serve; empty where it does.

    In a revert, the process of before is good enough, ready or not.
    """
    release, service = wanted.release, wanted.environment.service
    if release is None:
        return ""
    if wanted.pid and seen.pid == wanted.pid:
        return ""
    if seen.service != "active":
        return f"{service} is {seen.service}"
    if not seen.answers:
        return f"no answer on {seen.listen or 'its port'}"
    if not seen.answers.get("ready"):
        reason = str(seen.answers.get("reason") or "it gives no reason")
        return f"{service} is not ready: {reason}"
    if seen.runs is None:
        return "the release of the running process is not known"
    if seen.answers.get("release") != seen.runs:
        return f"the process of {seen.runs} answers as {seen.answers.get('release')}"
    if seen.runs != release.id:
        return f"{seen.runs} runs"
    return "" if seen.current == release.id else f"{seen.current or 'no release'} is active"


def rebind(seen: Observed, release: Manifest, wanted: Wanted, written: tuple[str, ...]) -> str:
    """The reason why the socket is closed and opened anew; empty where it stays.

    A listener cannot be changed under its holders. A revert that finds the process of before leaves it alone.
    """
    socket, is_untouched = wanted.environment.socket, wanted.back and seen.pid == wanted.pid
    if seen.socket != "active":
        return ""
    if seen.listen != release.listen:
        return f"the socket listens on {seen.listen}, not on {release.listen}"
    if release.listen not in seen.listening:
        return f"nothing listens on {release.listen}"
    if seen.altered and not is_untouched:
        return f"a service changed {socket}: {listed(seen.altered)}"
    return f"{socket} changes" if socket in written else ""


def units(seen: Observed, written: Iterable[str]) -> str:
    """The reason why unit files are written."""
    names = list(written)
    parts = [
        (listed(name for name in names if name not in seen.units), "missing on the node"),
        (listed(name for name in names if name in seen.units), "not as in the release"),
    ]
    return "; ".join(f"{which} {text}" for which, text in parts if which)


def release(seen: Observed, wanted: Manifest) -> str:
    """The reason why the files of a release are installed."""
    if wanted.id in seen.releases:
        return "its files on the node were edited"
    if seen.current is None:
        return "not on the node, and no release is active"
    code, running = wanted.id.rpartition("-")[0], seen.current.rpartition("-")[0]
    is_same_code = code == running and not wanted.dirty
    return f"not on the node; {seen.current} is active, {_OTHER[is_same_code]}"


def restarts(
    seen: Observed, wanted: Wanted, *, log: str, rebound: str, edited: bool, unit: str
) -> Iterator[str]:
    """Each reason for a restart of the service; none where it goes on.

    `log` says what becomes of the event log meanwhile, `rebound` why its socket is opened anew. `edited` says
    that the files of the release that runs are installed again. `unit` is its unit, if that is written anew.
    """
    if wanted.restart:
        yield "asked for"
    if log:
        yield log
    if rebound:
        yield rebound
    if unit:
        yield f"{unit} changes"
    if served := not_served(seen, wanted):
        yield served
    elif edited:
        yield "files of the running release were edited"
