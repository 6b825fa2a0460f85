"""Looking at the event log: what its release's own code verifies."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from ..event_log import deleted, redaction_notes
from ..event_log.log_commands import MEMORY, object_in
from ..node import probe, reading
from ..node.run import TimedOut, run
from ..records import audit
from ..releases import releases
from ..values.errors import StepFailed, last_word
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.observed import Observed
from .log_check import Chain

VERIFYING = 240.0  # seconds for one event log; the operator's half gives up after 300 s of silence
DAMAGED = "restore it from a backup"  # the hint by which the release tells damage from all other trouble


def look(environment: Environment, release: Manifest, observed: Observed | None, *, readable: bool) -> Chain:
    """The event log of an environment. Only where its release is `readable` can its code be asked to verify.

    `observed` is None where nothing is known of the process.
    """
    store = Path(str(release.config["event_store_path"]))
    words = ("services.event_log", "verify", "--store", str(store), "--json")
    argv = releases.command(environment, release, *words)
    chain = Chain(
        command=shlex.join(["runuser", "-u", environment.user, "--", *argv]),
        store=str(store),
        there=reading.holds_any(store),
    )
    if observed is not None:
        chain = _with_process(chain, observed, store)
    if not readable:
        return replace(chain, problem="its release cannot be run")
    unread = observed.unread if observed else None
    if unread and (unread.late or unread.holders):  # it would be late again
        return replace(chain, problem=unread.text, late=unread.late, unread=unread)
    return _compared(_verified(chain, argv, environment), environment)


def _with_process(chain: Chain, observed: Observed, store: Path) -> Chain:
    """The chain, with the process that serves it and what that claims."""
    claimed = probe.log_of(dict(observed.answers)) if observed.answers else None
    return replace(
        chain,
        claimed=claimed.length if claimed else None,
        pid=observed.pid,
        gone=observed.lost,
        deleted=tuple(deleted.held(observed.pid, store)) if observed.pid else (),
    )


def _verified(chain: Chain, argv: list[str], environment: Environment) -> Chain:
    try:
        answer = object_in(run(argv, user=environment.user, apart=True, timeout=VERIFYING, memory=MEMORY))
    except StepFailed as error:  # a chain that does not hold is exit code 1, and JSON all the same
        output = error.details[-1] if error.details else ""
        answer = object_in(output)
        if answer is None:
            damaged, late = DAMAGED in output, isinstance(error, TimedOut)
            return replace(chain, problem=last_word(error), damaged=damaged, late=late)
    if answer is None:
        return replace(chain, problem="its release does not answer in JSON")
    chain = replace(chain, length=int(answer["position"]), first_bad=answer["first_bad_position"])
    if not answer["ok"] and chain.first_bad is None:
        return replace(chain, problem=str(answer.get("problem")), damaged=True)
    return replace(chain, notes=answer.get("redactions"))


def _compared(chain: Chain, environment: Environment) -> Chain:
    """The chain, with what its redactions and those in the audit say of each other."""
    if chain.notes is None:  # it could not be verified, or by a release that knows nothing of them
        return chain
    lines = audit.read(environment.layout)
    return replace(
        chain,
        unaudited=tuple(redaction_notes.unaudited(lines, environment, chain.notes)),
        undone=tuple(redaction_notes.undone(lines, environment, chain.notes, chain.length)),
    )
