"""The only policy: what is and what is wanted in, steps out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .errors import Refused
from .model import BOT, Environment, Manifest, Observed, Wanted

# The id of a release or the digest of a layer: the heading has named the one that it is about.
IDENTIFIER = re.compile(r"[0-9a-f]{64}|[0-9a-f]{12}(-dirty)?-[0-9a-f]{12}")


@dataclass(frozen=True)
class Step:
    """One thing to do; `target` says to what. Applying it has no policy of its own."""

    verb: str
    target: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The step as plain values."""
        return {"verb": self.verb, "target": list(self.target)}

    @property
    def title(self) -> str:
        """How it is shown in one line: one unit, user or namespace by name, more of them by number."""
        verb = self.verb.replace("-", " ")
        named = [item for item in self.target if not IDENTIFIER.fullmatch(item)]
        if not named or len(named) > 1 or "/" in named[0]:
            count = len(named) or len(self.target)
            return f"{verb} ({count})" if count > 1 or named else verb
        return f"{verb} {named[0]}"


# The verbs that callers can notice: those that stop the listener, and those that only make them wait.
INTERRUPTING = frozenset({"close-socket", "stop-units"})
HOLDING = frozenset({"restart-service"})


def plan(seen: Observed, wanted: Wanted) -> tuple[Step, ...]:
    """The steps from what is to what is wanted; none when they are the same.

    Raises `Refused` where the wish cannot be granted.
    """
    makers = {"running": _running, "stopped": _stopped, "absent": _absent}
    return tuple(makers[wanted.state](seen, wanted))


def callers(steps: tuple[Step, ...]) -> str:
    """What a caller sees of these steps: `nothing`, `a pause` or `an interruption`."""
    verbs = {step.verb for step in steps}
    if verbs & INTERRUPTING:
        return "an interruption"
    if "open-socket" in verbs:
        return "nothing"  # nobody listened before: they were refused
    return "a pause" if verbs & HOLDING else "nothing"


def _running(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    release, environment = _release(seen, wanted), wanted.environment
    _refuse_conflicts(seen, release, environment)
    _refuse_strangers(seen, environment)
    laid = tuple(_installed(seen, release, wanted))
    yield from laid
    written = _units_differ(seen, release)
    rebind = _must_rebind(seen, release, environment, written)
    restart = (
        wanted.restart
        or rebind
        or seen.serving != release.id
        or environment.service in written
        or Step("install-release", (release.id,)) in laid
    )
    if rebind:
        yield Step("close-socket", (environment.socket,))
    yield from _switched(seen, release, environment, written)
    if not seen.enabled:
        yield Step("enable-units", _units(environment))
    if rebind or seen.socket != "active":
        yield Step("open-socket", (environment.socket,))
    if restart:
        yield Step("restart-service", (environment.service,))
    proven = release.id in seen.releases and seen.releases[release.id].verified_at > 0
    if restart or not proven:
        yield Step("verify", (release.id,))
    if wanted.staged and (restart or written):
        yield from _pruned(seen, release, wanted.keep)
    yield from _discarded(seen, wanted)


def _stopped(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    environment = wanted.environment
    if not seen.exists:
        raise Refused(
            f"{environment.name} was never deployed here, so there is nothing to stop.",
            f"make deploy ENV={environment.name}",
        )
    if seen.service not in ("inactive", "failed") or seen.socket not in ("inactive", "failed"):
        yield Step("stop-units", _units(environment))
    if wanted.release is not None:
        yield from _switched(seen, wanted.release, environment, _units_differ(seen, wanted.release))
    if seen.enabled != wanted.enabled:
        yield Step("enable-units" if wanted.enabled else "disable-units", _units(environment))
    yield from _discarded(seen, wanted)


def _absent(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    environment = wanted.environment
    if seen.units:
        if seen.service != "inactive" or seen.socket != "inactive":
            yield Step("stop-units", _units(environment))
        if seen.enabled:
            yield Step("disable-units", _units(environment))
        yield Step("remove-units", tuple(sorted(seen.units)))
        yield Step("reload-systemd")
    if seen.releases or seen.current:
        yield Step("remove-releases", (environment.name,))
    if seen.user and not seen.data and not wanted.user:
        yield Step("remove-user", (environment.user,))


def _installed(seen: Observed, release: Manifest, wanted: Wanted) -> Iterator[Step]:
    """Everything that can be laid down without the serving release noticing."""
    if not seen.user:
        yield Step("create-user", (wanted.environment.user,))
    wrong = tuple(sorted(path for path, right in seen.directories.items() if not right))
    if wrong:
        yield Step("create-directories", wrong)
    kept = seen.releases.get(release.id)
    missing = kept is None or not kept.intact
    if wanted.staged:
        if release.layer not in seen.layers:
            yield Step("install-layer", (release.layer,))
        if missing:
            yield Step("install-release", (release.id,))
    elif kept is None or release.layer not in seen.layers:
        raise Refused(
            f"release {release.id} or its dependencies are gone from the node.",
            f"make deploy ENV={wanted.environment.name}",
        )
    elif missing and not wanted.back and seen.current != release.id:
        raise Refused(
            f"release {release.id} was edited on the node and is not what it was.",
            f"git switch --detach {release.commit[:12]}, then make deploy ENV={wanted.environment.name}",
        )
    if (missing and wanted.staged) or seen.serving != release.id:
        yield Step("check-release", (release.id,))


def _switched(
    seen: Observed, release: Manifest, environment: Environment, written: tuple[str, ...]
) -> Iterator[Step]:
    """Units and `current`: what decides which release the service manager starts."""
    surplus = tuple(sorted(set(seen.units) - set(release.units)))
    if surplus:
        yield Step("remove-units", surplus)
    if written:
        yield Step("install-units", (release.id, *written))
    if seen.current != release.id:
        yield Step("turn-current", (release.id,))
    if written or surplus or seen.stale:
        yield Step("reload-systemd")
    if environment.journal in written and environment.journal in seen.units:
        yield Step("restart-journal", (environment.namespace,))


def _discarded(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    """A release that did not come up, and never had, does not stay on the way back."""
    failed = seen.releases.get(wanted.failed)
    if failed is not None and not failed.verified_at:
        yield Step("prune-releases", (wanted.failed,))


def _pruned(seen: Observed, release: Manifest, keep: int) -> Iterator[Step]:
    """The last `keep` releases that came up stay, the new one among them; so do current and previous."""
    others = {name: kept for name, kept in seen.releases.items() if name != release.id}
    proven = sorted((kept.verified_at, name) for name, kept in others.items() if kept.verified_at)
    stay = {name for _, name in proven[-max(keep - 1, 1) :]} | {release.id}
    if seen.current is not None:
        stay.add(seen.current)
    drop = tuple(sorted(set(others) - stay))
    if drop:
        yield Step("prune-releases", drop)
    used = {kept.layer for name, kept in others.items() if name in stay} | {release.layer}
    layers = tuple(sorted(set(seen.layers) - used - set(seen.layers_elsewhere)))
    if layers:
        yield Step("prune-layers", layers)


def _refuse_conflicts(seen: Observed, release: Manifest, environment: Environment) -> None:
    if release.environment != environment.name:
        raise Refused(
            f"release {release.id} was built for {release.environment}, not for {environment.name}.",
            f"make deploy ENV={release.environment}",
        )
    port = release.config["api_port"]
    for other, address in seen.neighbours.items():
        if address.rsplit(":", 1)[1] == str(port):
            raise Refused(
                f"port {port} belongs to {other} on this node, so {environment.name} cannot have it.",
                f"give API_PORT another value in .env.{environment.name}",
            )
    bot = release.digests.get(BOT)
    for other, digest in seen.bots.items():
        if digest == bot:
            raise Refused(
                f"the bot of {environment.name} is the one that {other} has on this node: one {BOT}.",
                f"give .env.{environment.name} the token of its own bot",
            )
    if not seen.bindable:
        raise Refused(
            f"{release.config['api_host']} is no address of this node, so nobody could reach it there.",
            f"give API_HOST another value in .env.{environment.name}, such as 0.0.0.0",
        )
    if seen.holder is not None:
        raise Refused(
            f"port {port} is held by {seen.holder}, so {environment.name} cannot have it.",
            f"stop that program, or give API_PORT another value in .env.{environment.name}",
        )


def _refuse_strangers(seen: Observed, environment: Environment) -> None:
    """Units that no deploy brought are somebody's own: they are neither overwritten nor, later, removed."""
    if seen.units and seen.current is None and not seen.releases:
        raise Refused(
            f"{', '.join(sorted(seen.units))} is on the node already, and no deploy has put it there.",
            f"stop it and move it away, then deploy {environment.name}",
        )


def _must_rebind(
    seen: Observed, release: Manifest, environment: Environment, written: tuple[str, ...]
) -> bool:
    """A listener cannot be changed under its holders: it is closed and opened anew."""
    if seen.socket != "active":
        return False
    moved = seen.listen != release.listen or release.listen not in seen.listening
    return moved or environment.socket in written


def _units_differ(seen: Observed, release: Manifest) -> tuple[str, ...]:
    return tuple(name for name, digest in sorted(release.units.items()) if seen.units.get(name) != digest)


def _units(environment: Environment) -> tuple[str, str]:
    return (environment.socket, environment.service)


def _release(seen: Observed, wanted: Wanted) -> Manifest:
    if wanted.release is None and seen.exists:
        raise Refused(
            f"{wanted.environment.name} was deployed here, but its current release cannot be read.",
            f"make deploy ENV={wanted.environment.name} puts it right",
        )
    if wanted.release is None:
        raise Refused(
            f"{wanted.environment.name} was never deployed here, so there is nothing to start.",
            f"make deploy ENV={wanted.environment.name}",
        )
    return wanted.release
