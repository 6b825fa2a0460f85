"""The only policy: what is and what is wanted in, steps out. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import access, preconditions, pruning, reasons
from . import plan_parts as parts
from .errors import Refused
from .layout import Environment
from .model import Manifest, Observed, Wanted
from .plan_removal import removal
from .reasons import listed
from .step import Step


def plan(seen: Observed, wanted: Wanted) -> tuple[Step, ...]:
    """The steps from what is to what is wanted; none when they are the same.

    Raises `Refused` where the wish cannot be granted.
    """
    makers = {"running": _running, "stopped": _stopped, "absent": removal, "as it is": _as_it_is}
    return tuple(makers[wanted.state](seen, wanted))


def _running(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    release, environment = preconditions.release_of(seen, wanted), wanted.environment
    preconditions.refuse_conflicts(seen, release, wanted)
    access.refuse_open(seen, wanted, release)
    if not wanted.back:  # the way back is never refused for this: what was there could read what was there
        preconditions.refuse_blind(seen, environment)
        preconditions.refuse_links(seen.links)
        preconditions.refuse_taken(seen.taken, environment)
        refuse = preconditions.refuse_foreign_log if wanted.log else preconditions.refuse_unreadable
        refuse(seen, wanted, release)
        preconditions.refuse_lost(seen, wanted)
    laid = tuple(_installed(seen, release, wanted))
    yield from laid
    yield from parts.cleared(seen, environment)
    yield from parts.tamed(seen, environment)
    written = parts.units_that_differ(seen, release)
    swap = tuple(parts.swapped(seen, wanted))
    redaction = tuple(parts.redacted(wanted))
    rebind = reasons.rebind(seen, release, wanted, written)
    log = "the event log is replaced" if swap else "an event is redacted" if redaction else ""
    restart = "; ".join(
        reasons.restarts(
            seen,
            wanted,
            log=log,
            rebound=rebind,
            edited=Step("install-release", (release.id,)) in laid,
            unit=environment.service if environment.service in written else "",
        )
    )
    dropins = bool(seen.dropins and restart) and not swap and not wanted.back
    rehearses = dropins or Step("check-release", (release.id,)) in laid
    rehearsed = tuple(_rehearsed(release, wanted.soak, dropins=dropins)) if rehearses else ()
    if restart:
        preconditions.refuse_locked(seen, wanted, rehearsed=bool(rehearsed))
    if rehearsed and environment.journal not in seen.units:
        yield from _bounded(seen, release, environment)
        written = tuple(name for name in written if name != environment.journal)
    yield from rehearsed
    yield from swap[:1]  # what is wrong with a log shows while the service still runs
    if rebind or log:
        yield Step("close-socket", (environment.socket,), rebind or log)
    yield from swap[1:]
    yield from redaction
    enabled = seen.enabled or wanted.enabled or not wanted.back
    yield from parts.switched(seen, release, environment, written, enabled=enabled, restart=bool(restart))
    if rebind or log or seen.socket != "active":
        closed = f"{environment.socket} is {seen.socket}"
        yield Step("open-socket", (environment.socket,), rebind or log or closed)
    if restart:
        yield Step("restart-service", (environment.service,), restart)
    proven = release.id in seen.releases and seen.releases[release.id].verified_at > 0
    # Of an attempt that goes on behind the switch, no log is wanted any more: what is there is to be proven.
    other = wanted.watch is not None and (bool(swap) or wanted.log is None)
    if restart or not proven or other:
        unproven = "the event log is another one" if other else "this release was not verified here yet"
        yield Step("verify", (release.id,), "it was restarted" if restart else unproven)
    if other and wanted.watch:
        yield Step("watch", (f"{wanted.watch:g} s",), "the event log is another one")
    if seen.unmarked and not wanted.back:
        yield Step("mark-user", (environment.user,), "an earlier version created the user, without a mark")
    if wanted.keep is not None and (restart or written or wanted.prune):
        yield from pruning.pruned(seen, release, wanted.keep)
    yield from pruning.discarded(seen, wanted)


def _stopped(seen: Observed, wanted: Wanted) -> Iterator[Step]:
    environment = wanted.environment
    if not seen.exists:
        raise preconditions.absent(seen, environment, "nothing to stop")
    if seen.service not in ("inactive", "failed") or seen.socket not in ("inactive", "failed"):
        yield Step("stop-units", parts.units(environment), parts.states(seen, environment))
    yield from parts.tamed(
        seen, environment
    )  # behind the service, which could ask logind again until it ends
    yield from parts.cleared(seen, environment)
    if wanted.release is None:
        yield from parts.linked(seen, environment, enabled=wanted.enabled)
    else:
        yield from parts.swapped(seen, wanted)
        written = parts.units_that_differ(seen, wanted.release)
        where = (seen, wanted.release, environment, written)
        yield from parts.switched(*where, enabled=wanted.enabled, restart=False)
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
    yield from parts.redacted(wanted)
    if wanted.rebuild:
        yield Step("rebuild-projections", (release.id,), "asked for")


def _installed(seen: Observed, release: Manifest, wanted: Wanted) -> Iterator[Step]:
    """Everything that can be laid down without the serving release noticing."""
    if not seen.user:
        yield from parts.unscheduled(seen, wanted.environment)  # the new user would have the jobs of its name
        yield Step("create-user", (wanted.environment.user,), "there is no such user")
    wrong = tuple(sorted(path for path, right in seen.directories.items() if not right))
    if seen.home and (seen.foreign or not seen.user):  # before the rest: it makes the outermost right at last
        yield Step("adopt-data", (wanted.environment.name,), "its data belongs to another user")
    if wrong:
        yield Step("create-directories", wrong, f"missing, or of another owner or mode: {listed(wrong)}")
    kept = seen.releases.get(release.id)
    missing = kept is None or not kept.intact
    if wanted.staged:
        if release.layer not in seen.layers:
            yield Step("install-layer", (release.layer,), "these dependencies are not on the node")
        if missing:
            yield Step("install-release", (release.id,), reasons.release(seen, release))
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
    unserved = reasons.not_served(seen, wanted)
    if (missing and wanted.staged) or unserved:
        yield Step("check-release", (release.id,), unserved or "its files are installed again")


def _rehearsed(release: Manifest, soak: float | None, *, dropins: bool) -> Iterator[Step]:
    """The rehearsal of a release: its faults show while the running release is still untouched.

    With drop-ins a restart is rehearsed, too: they may have come after the process that runs.
    """
    if not release.log:  # releases without a declared log are older than rehearsals
        return
    if soak is None and not dropins:
        return
    why = "drop-ins change its units" if dropins and soak is None else "before callers meet this release"
    if soak is not None and release.knows_its_bot:
        yield Step("check-bot", (release.id,), why)
    yield Step("rehearse", (release.id,), why)
    if soak:
        yield Step("soak", (f"{soak:g} s",), why)
    yield Step("end-rehearsal", (release.id,), why)


def _bounded(seen: Observed, release: Manifest, environment: Environment) -> Iterator[Step]:
    """The limits of the environment's journal: the rehearsal is the first to write to it."""
    why = "the rehearsal is the first to write to the journal"
    yield Step("install-units", (release.id, environment.journal), why)
    if seen.journal:  # from a deploy that failed
        yield Step("restart-journal", (environment.namespace,), why)
