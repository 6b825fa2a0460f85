"""Looking: every fact about one environment, gathered at one moment and never changed by looking."""

from __future__ import annotations

import itertools
from dataclasses import replace

from ..event_log import last_head, log_commands, loss, read_models
from ..event_log.log_commands import LOG_FILE
from ..node import reading
from ..node.threads import Call
from ..releases import links, name_conflicts, releases
from ..values.desired import Absent, Desired
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.observed import LogLoss, Observed
from ..values.unread import Unread
from . import unexpected
from .directories import directories, is_home, user_id
from .look import Look

MANY = 10_000  # files among which something that was said lies with certainty


def observe(environment: Environment, desired: Desired | None = None, *, with_log: bool = True) -> Observed:
    """The state of an environment: as much as a plan for `desired` needs, or all of it if that is None.

    A service that runs and is slow to answer is asked again for a while: it may be busy, or starting. Its
    answer is no proof of its release or its log: ADR 18. `with_log` is False right after a change that has
    verified the log, and compared the options of the socket.
    """
    current = releases.current(environment)
    manifest = releases.read_manifest(environment, current)
    known = last_head.read(environment)
    is_read = with_log and (desired is None or desired.log is None)
    # A program of the release takes 0.05 s: all else is looked at meanwhile.
    position = known.length if known else None
    reading_log = Call(log_commands.rest, environment, manifest, at=position) if is_read else None
    look = Look.at(environment, desired, current, manifest)
    observed = replace(look.facts(with_options=with_log), last_head=known)
    # All that lies in the data, where its owner may have mounted something that answers nobody.
    try:
        observed = _in_data(observed, environment, manifest, desired)
        rest = reading_log.result() if reading_log else None
        lost = _lost(look, known, rest) if with_log else None
        return _in_log(replace(observed, lost=lost), look, rest)
    except OSError as error:
        return replace(observed, blind=_reason(environment, error))


def _reason(environment: Environment, error: OSError) -> str:
    return f"{error.filename or environment.data} cannot be looked at: {error.strerror}"


def _in_log(observed: Observed, look: Look, rest: tuple[Log, log_commands.At] | Unread | None) -> Observed:
    """Add the facts about the log, which was read as `rest`, unless another log is to take its place."""
    environment, manifest, desired = look.environment, look.manifest, look.desired
    log = rest[0] if isinstance(rest, tuple) else None
    if desired is not None and desired.log is not None:
        log = _sound(environment, manifest, desired.log)
    # Reading the data takes a program of each kept release, 0.1 s each. Only a removal and an environment
    # without a release need it.
    may_hold_data = manifest is None or isinstance(desired, Absent)
    return replace(
        observed,
        log=log,
        unread=rest if isinstance(rest, Unread) else None,
        data=bool(log and log.last[0]) or (may_hold_data and _holds_more(environment)),
    )


def _in_data(
    observed: Observed, environment: Environment, manifest: Manifest | None, desired: Desired | None
) -> Observed:
    """Add the facts that depend on what lies in the environment's data. Raises `OSError`."""
    data, owner = environment.data, user_id(environment)
    release = desired.release if desired else None
    return replace(
        observed,
        taken=name_conflicts.of(environment),
        links=links.of(environment),
        directories=directories(environment),
        logs=log_commands.archived(environment),
        home=is_home(data),
        foreign=data.is_dir() and data.stat().st_uid != owner,
        projections=read_models.present(release or manifest, data),
        # No plan depends on them.
        unexpected=unexpected.of(environment, manifest, owner) if manifest and desired is None else (),
    )


def _lost(look: Look, known: Log | None, rest: tuple[Log, log_commands.At] | Unread | None) -> LogLoss | None:
    """The loss or replacement of the log. A redaction that is asked for may have been done by hand before."""
    redaction = look.desired.redaction if look.desired else None
    position = redaction.position if redaction else None
    chosen = look.release or look.manifest
    return loss.look(look.environment, look.manifest, chosen, known, look.service.pid, rest, position)


def _sound(environment: Environment, manifest: Manifest | None, log: Log) -> Log | None:
    """The log that is there; None if it cannot be read, or ends as `log` does and is damaged before."""
    there = log_commands.at_rest(environment, manifest)
    if there is None or manifest is None or not there.tells(log):
        return there
    return None if log_commands.flaw(environment, manifest, log_commands.path_of(manifest)) else there


def _holds_more(environment: Environment) -> bool:
    """Whether the data directory holds more than what a release that nobody ever spoke to makes there.

    That is its read models, and a log that holds its starts and stops alone. Whether it does, the code of a
    release says, which is root's; what a service answers may only add to it.
    """
    known = releases.manifests(environment)
    remaining = [
        path
        for path, _ in itertools.islice(reading.walk(environment.data), MANY)
        if not any(read_models.is_one(path, release) for release in known)
    ]
    for release in known:
        store = log_commands.path_of(release)
        log_files = [
            path for path in remaining if path.parent == store and path.name.startswith(f"{LOG_FILE}-")
        ]
        notes = (last_head.beside(release), last_head.last_backup(release))
        log_files += [path for path in remaining if path in (store / LOG_FILE, *notes)]
        if log_files:
            log = log_commands.at_rest(environment, release)
            holds_words = log is None or log.last[0] or log_commands.flaw(environment, release, store)
            if not holds_words:  # a damaged one may hold more than it says
                remaining = [path for path in remaining if path not in log_files]
    return bool(remaining)
