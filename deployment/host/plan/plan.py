"""The only policy: the state found and the state desired in, steps out. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..values import access
from ..values.desired import Absent, Desired, Running, Stopped, Unchanged
from ..values.errors import Refused
from ..values.layout import Environment
from ..values.model import Manifest, Observed
from ..values.step import Step
from . import plan_parts as parts
from . import preconditions, pruning, reasons
from .plan_removal import removal
from .reasons import listed


def plan(observed: Observed, desired: Desired) -> tuple[Step, ...]:
    """The steps from the state found to the state desired; none when they are the same.

    Raises `Refused` where the desired state cannot be reached.
    """
    match desired:
        case Running():
            return tuple(_running(observed, desired))
        case Stopped():
            return tuple(_stopped(observed, desired))
        case Absent():
            return tuple(removal(observed, desired))
        case Unchanged():
            return tuple(_unchanged(observed, desired))
        case _:
            raise AssertionError(f"no plan for {desired}")


def _running(observed: Observed, desired: Running) -> Iterator[Step]:
    release, environment = preconditions.release_of(observed, desired), desired.environment
    preconditions.refuse_conflicts(observed, release, desired)
    access.refuse_open(observed, desired, release)
    if not desired.back:  # a revert is never refused for this: the release of before could read its log
        preconditions.refuse_blind(observed, environment)
        preconditions.refuse_links(observed.links)
        preconditions.refuse_taken(observed.taken, environment)
        refuse = preconditions.refuse_foreign_log if desired.log else preconditions.refuse_unreadable
        refuse(observed, desired, release)
        preconditions.refuse_lost(observed, desired)
    laid = tuple(_installed(observed, release, desired))
    yield from laid
    yield from parts.cleared(observed, environment)
    yield from parts.tamed(observed, environment)
    written = parts.units_that_differ(observed, release)
    swap = tuple(parts.swapped(observed, desired))
    redaction = tuple(parts.redacted(desired))
    rebind = reasons.rebind(observed, release, desired, written)
    log = "the event log is replaced" if swap else "an event is redacted" if redaction else ""
    restart = "; ".join(
        reasons.restarts(
            observed,
            desired,
            log=log,
            rebound=rebind,
            edited=Step("install-release", (release.id,)) in laid,
            unit=environment.service if environment.service in written else "",
        )
    )
    dropins = bool(observed.dropins and restart) and not swap and not desired.back
    rehearses = dropins or Step("check-release", (release.id,)) in laid
    rehearsed = tuple(_rehearsed(release, desired.soak, dropins=dropins)) if rehearses else ()
    if restart:
        preconditions.refuse_locked(observed, desired, rehearsed=bool(rehearsed))
    if rehearsed and environment.journal not in observed.units:
        yield from _bounded(observed, release, environment)
        written = tuple(name for name in written if name != environment.journal)
    yield from rehearsed
    yield from swap[:1]  # what is wrong with a log shows while the service still runs
    if rebind or log:
        yield Step("close-socket", (environment.socket,), rebind or log)
    yield from swap[1:]
    yield from redaction
    enabled = observed.enabled or desired.enabled
    yield from parts.switched(observed, release, environment, written, enabled=enabled, restart=bool(restart))
    if rebind or log or observed.socket != "active":
        closed = f"{environment.socket} is {observed.socket}"
        yield Step("open-socket", (environment.socket,), rebind or log or closed)
    if restart:
        yield Step("restart-service", (environment.service,), restart)
    proven = release.id in observed.releases and observed.releases[release.id].verified_at > 0
    # An attempt that goes on behind the switch brings no log any more: the one in use is to be verified.
    other = desired.watch is not None and (bool(swap) or desired.log is None)
    if restart or not proven or other:
        unproven = "the event log is another one" if other else "this release was not verified here yet"
        yield Step("verify", (release.id,), "it was restarted" if restart else unproven)
    if other and desired.watch:
        yield Step("watch", (f"{desired.watch:g} s",), "the event log is another one")
    if observed.unmarked and not desired.back:
        yield Step("mark-user", (environment.user,), "an earlier version created the user, without a mark")
    if desired.keep is not None and (restart or written or desired.prune):
        yield from pruning.pruned(observed, release, desired.keep)
    yield from pruning.discarded(observed, desired)


def _stopped(observed: Observed, desired: Stopped) -> Iterator[Step]:
    environment = desired.environment
    if not observed.exists:
        raise preconditions.absent(observed, environment, "nothing to stop")
    if observed.service not in ("inactive", "failed") or observed.socket not in ("inactive", "failed"):
        yield Step("stop-units", parts.units(environment), parts.states(observed, environment))
    # Behind the service, which could ask logind again until it ends.
    yield from parts.tamed(observed, environment)
    yield from parts.cleared(observed, environment)
    if desired.release is None:
        yield from parts.linked(observed, environment, enabled=desired.enabled)
    else:
        yield from parts.swapped(observed, desired)
        written = parts.units_that_differ(observed, desired.release)
        where = (observed, desired.release, environment, written)
        yield from parts.switched(*where, enabled=desired.enabled, restart=False)
    yield from pruning.discarded(observed, desired)


def _unchanged(observed: Observed, desired: Unchanged) -> Iterator[Step]:
    release, environment = preconditions.release_of(observed, desired), desired.environment
    if not (desired.rebuild or desired.redaction):
        return
    if release.id not in observed.releases or release.layer not in observed.layers or not observed.user:
        raise Refused(
            f"release {release.id} or what it needs is gone from the node.",
            f"make deploy ENV={environment.name}",
        )
    yield from parts.redacted(desired)
    if desired.rebuild:
        yield Step("rebuild-projections", (release.id,), "asked for")


def _installed(observed: Observed, release: Manifest, desired: Running) -> Iterator[Step]:
    """Everything that can be laid down without the serving release noticing."""
    if not observed.user:
        # The new user would have the jobs of its name.
        yield from parts.unscheduled(observed, desired.environment)
        yield Step("create-user", (desired.environment.user,), "there is no such user")
    wrong = tuple(sorted(path for path, right in observed.directories.items() if not right))
    # Before the rest: it makes the outermost directory right at last.
    if observed.home and (observed.foreign or not observed.user):
        yield Step("adopt-data", (desired.environment.name,), "its data belongs to another user")
    if wrong:
        yield Step("create-directories", wrong, f"missing, or of another owner or mode: {listed(wrong)}")
    kept = observed.releases.get(release.id)
    missing = kept is None or not kept.intact
    if desired.staged:
        if release.layer not in observed.layers:
            yield Step("install-layer", (release.layer,), "these dependencies are not on the node")
        if missing:
            yield Step("install-release", (release.id,), reasons.release(observed, release))
    elif kept is None or release.layer not in observed.layers:
        raise Refused(
            f"release {release.id} or its dependencies are gone from the node.",
            f"make deploy ENV={desired.environment.name}",
        )
    elif missing and not desired.back and observed.current != release.id:
        raise Refused(
            f"release {release.id} was edited on the node and is not what it was.",
            f"git switch --detach {release.commit[:12]}, then make deploy ENV={desired.environment.name}",
        )
    unserved = reasons.not_served(observed, desired)
    if (missing and desired.staged) or unserved:
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


def _bounded(observed: Observed, release: Manifest, environment: Environment) -> Iterator[Step]:
    """The limits of the environment's journal: the rehearsal is the first to write to it."""
    why = "the rehearsal is the first to write to the journal"
    yield Step("install-units", (release.id, environment.journal), why)
    if observed.journal:  # from a deploy that failed
        yield Step("restart-journal", (environment.namespace,), why)
