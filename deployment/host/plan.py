"""The only policy: what is and what is wanted in, steps out. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import access, preconditions, pruning
from .errors import Refused
from .layout import Environment
from .model import Manifest, Observed, Wanted
from .step import Step


def plan(seen: Observed, wanted: Wanted) -> tuple[Step, ...]:
    """The steps from what is to what is wanted; none when they are the same.

    Raises `Refused` where the wish cannot be granted.
    """
    makers = {"running": _running, "stopped": _stopped, "absent": _absent, "as it is": _as_it_is}
    return tuple(makers[wanted.state](seen, wanted))


def _running(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    release, environment = preconditions.release_of(seen, wanted), wanted.environment
    preconditions.refuse_conflicts(seen, release, wanted)
    access.refuse_open(seen, wanted, release)
    if not wanted.back:  # the way back is never refused for this: what was there could read what was there
        preconditions.refuse_links(seen.links)
        preconditions.refuse_taken(seen.taken, environment)
        refuse = preconditions.refuse_foreign_log if wanted.log else preconditions.refuse_unreadable
        refuse(seen, wanted, release)
        preconditions.refuse_lost(seen, wanted)
    laid = tuple(_installed(seen, release, wanted))
    yield from laid
    if seen.rehearsal:
        yield Step("clear-rehearsal", (environment.rehearsal,))
    yield from _tamed(seen, environment)
    written = _units_differ(seen, release)
    swap = tuple(_swapped(seen, wanted))
    redaction = tuple(_redacted(wanted))
    rebind = _must_rebind(seen, release, environment, written)
    changed = environment.service in written or Step("install-release", (release.id,)) in laid
    restart = wanted.restart or rebind or bool(swap or redaction) or changed or not wanted.is_served(seen)
    dropins = bool(seen.dropins) and restart and not swap and not wanted.back
    if dropins or Step("check-release", (release.id,)) in laid:
        rehearsed = tuple(_rehearsed(release, wanted.soak, dropins=dropins))
        if rehearsed and environment.journal not in seen.units:
            yield from _bounded(seen, release, environment)
            written = tuple(name for name in written if name != environment.journal)
        yield from rehearsed
    yield from swap[:1]  # what is wrong with a log shows while the service still runs
    if rebind or swap or redaction:
        yield Step("close-socket", (environment.socket,))
    yield from swap[1:]
    yield from redaction
    enabled = seen.enabled or wanted.enabled or not wanted.back
    yield from _switched(seen, release, environment, written, enabled=enabled, restart=restart)
    if rebind or swap or redaction or seen.socket != "active":
        yield Step("open-socket", (environment.socket,))
    if restart:
        yield Step("restart-service", (environment.service,))
    proven = release.id in seen.releases and seen.releases[release.id].verified_at > 0
    # Of an attempt that goes on behind the switch, no log is wanted any more: what is there is to be proven.
    other = wanted.watch is not None and (bool(swap) or wanted.log is None)
    if restart or not proven or other:
        yield Step("verify", (release.id,))
    if other and wanted.watch:
        yield Step("watch", (f"{wanted.watch:g} s",))
    if seen.unmarked and not wanted.back:
        yield Step("mark-user", (environment.user,))
    if wanted.keep is not None and (restart or written or wanted.prune):
        yield from pruning.pruned(seen, release, wanted.keep)
    yield from pruning.discarded(seen, wanted)


def _stopped(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    environment = wanted.environment
    if not seen.exists:
        raise preconditions.absent(seen, environment, "nothing to stop")
    yield from _tamed(seen, environment)
    if seen.service not in ("inactive", "failed") or seen.socket not in ("inactive", "failed"):
        yield Step("stop-units", _units(environment))
    if seen.rehearsal:
        yield Step("clear-rehearsal", (environment.rehearsal,))
    if wanted.release is None:
        yield from _linked(seen, environment, enabled=wanted.enabled)
    else:
        yield from _swapped(seen, wanted)
        written = _units_differ(seen, wanted.release)
        where = (seen, wanted.release, environment, written)
        yield from _switched(*where, enabled=wanted.enabled, restart=False)
    yield from pruning.discarded(seen, wanted)


def _as_it_is(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    release, environment = preconditions.release_of(seen, wanted), wanted.environment
    if not (wanted.rebuild or wanted.redaction):
        return
    if release.id not in seen.releases or release.layer not in seen.layers or not seen.user:
        raise Refused(
            f"release {release.id} or what it needs is gone from the node.",
            f"make deploy ENV={environment.name}",
        )
    yield from _redacted(wanted)
    if wanted.rebuild:
        yield Step("rebuild-projections", (release.id,))


def _absent(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    environment = wanted.environment
    if wanted.remove:
        preconditions.refuse_links([item for item in seen.links if not item.inner])
        preconditions.refuse_taken([item for item in seen.taken if not item.dropin], environment)
    if seen.rehearsal:
        yield Step("clear-rehearsal", (environment.rehearsal,))
    if seen.units:
        if seen.service != "inactive" or seen.socket != "inactive":
            yield Step("stop-units", _units(environment))
        if seen.enabled:
            yield Step("disable-units", _units(environment))
        yield Step("remove-units", tuple(sorted(seen.units)))
        yield Step("reload-systemd")
        if environment.shutdown in seen.units:  # systemd has forgotten what it does when it stops
            yield Step("stop-units", (environment.shutdown,))
    yield from _tamed(seen, environment)
    if seen.strays and not wanted.user:
        yield Step("end-processes", (environment.user,))
    if seen.releases or seen.current or seen.opt:
        yield Step("remove-releases", (environment.name,))
    layers = tuple(sorted(set(seen.layers) - set(seen.layers_elsewhere)))
    if layers:
        yield Step("prune-layers", layers)
    if wanted.user:
        return
    # Data that stays is root's then: the number of a user that is gone may become somebody else's.
    delete = wanted.delete or not (wanted.remove or seen.data or wanted.home)
    if delete and seen.last_head:
        yield Step("forget-log", (environment.name,))
    if seen.home and delete:
        yield Step("delete-data", (environment.name,))
    elif seen.home and seen.user:
        yield Step("keep-data", (environment.name,))
    if seen.user:
        yield Step("remove-user", (environment.user,))


def _installed(seen: Observed, release: Manifest, wanted: Wanted) -> Iterator[Step]:
    """Everything that can be laid down without the serving release noticing."""
    if not seen.user:
        yield Step("create-user", (wanted.environment.user,))
    wrong = tuple(sorted(path for path, right in seen.directories.items() if not right))
    if seen.home and (seen.foreign or not seen.user):  # before the rest: it makes the outermost right at last
        yield Step("adopt-data", (wanted.environment.name,))
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
    if (missing and wanted.staged) or not wanted.is_served(seen):
        yield Step("check-release", (release.id,))


def _rehearsed(release: Manifest, soak: float | None, *, dropins: bool) -> Iterator[Step]:
    """The rehearsal of a release: its faults show while the running release is still untouched.

    With drop-ins a restart is rehearsed, too: they may have come after the process that runs.
    """
    if not release.log:  # releases without a declared log are older than rehearsals
        return
    if soak is None and not dropins:
        return
    if soak is not None and release.knows_its_bot:
        yield Step("check-bot", (release.id,))
    yield Step("rehearse", (release.id,))
    if soak:
        yield Step("soak", (f"{soak:g} s",))
    yield Step("end-rehearsal", (release.id,))


def _bounded(seen: Observed, release: Manifest, environment: Environment) -> Iterator[Step]:
    """The limits of the environment's journal: the rehearsal is the first to write to it."""
    yield Step("install-units", (release.id, environment.journal))
    if seen.journal:  # from a deploy that failed
        yield Step("restart-journal", (environment.namespace,))


def _tamed(seen: Observed, environment: Environment) -> Iterator[Step]:
    """End what the environment's user runs outside of its units with the help of logind."""
    if seen.lingers:
        yield Step("end-lingering", (environment.user,))


def _swapped(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    """Another log in the place of the one that is there: brought, or taken from where it is kept.

    On the way back the log of before is kept if it was switched already, and else still in its place.
    """
    if wanted.log is None:
        return
    there = wanted.kept not in seen.logs if wanted.back else wanted.log.tells(seen.log) and not seen.lost
    if not there:
        yield Step("take-log", (wanted.kept,)) if wanted.kept else Step("install-log", (wanted.log.name,))
        yield Step("switch-log", (wanted.log.name,))


def _redacted(wanted: Wanted) -> Iterator[Step]:
    """Replace the words of an event while no process has the log open."""
    if wanted.redaction is not None:
        yield Step("redact-log", (f"position {wanted.redaction.position}",))


def _switched(
    seen: Observed,
    release: Manifest,
    environment: Environment,
    written: tuple[str, ...],
    *,
    enabled: bool,
    restart: bool,
) -> Iterator[Step]:
    """Units and `current`: what decides which release the service manager starts, now and on boot.

    `current` is turned also where it is not known which release the process runs that is about to end: a note
    of that comes with the turn.
    """
    surplus = tuple(sorted(set(seen.units) - set(release.units)))
    if surplus:
        yield Step("remove-units", surplus)
    if written:
        yield Step("install-units", (release.id, *written))
    unknown = restart and bool(seen.pid) and seen.runs is None
    if seen.current != release.id or unknown:
        yield Step("turn-current", (release.id,))
    changed = seen.stale or bool(seen.units and (written or surplus))
    yield from _linked(seen, environment, enabled=enabled, changed=changed)
    if (environment.journal in written and environment.journal in seen.units) or seen.journal_stale:
        yield Step("restart-journal", (environment.namespace,))


def _linked(
    seen: Observed, environment: Environment, *, enabled: bool, changed: bool = False
) -> Iterator[Step]:
    """Enable or disable the units, then reload systemd once: for that, and for units that have `changed`.

    Units that were not there before need no reload: systemd finds them by itself.
    """
    linked = seen.enabled != enabled
    if linked:
        yield Step("enable-units" if enabled else "disable-units", _units(environment))
    if changed or (linked and seen.units):
        yield Step("reload-systemd")


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
