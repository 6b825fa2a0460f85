"""The event log as it lies, and as the running process tells it: pure rules that judge the two together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..event_log.deleted import Held
from ..values.check import Check, bad, ok, warn
from ..values.layout import Environment
from ..values.observed import LogLoss
from ..values.unread import Unread
from ..values.words import count
from .rules import AS_ROOT

BEFORE_ALL = "before anything else"
READ = (
    "setpriv --reuid={user} --regid={user} --clear-groups"
    " --inh-caps=+sys_ptrace --ambient-caps=+sys_ptrace --"
)


@dataclass(frozen=True)
class Chain:
    """The event log as the release's own code verified it: its length, and its first bad record if any.

    `problem` is why it could not say that. `claimed` is the length as the running process tells it, None if
    none does; it is asked first, so that what is verified can only be longer.
    """

    length: int = 0
    first_bad: int | None = None
    problem: str = ""
    damaged: bool = False  # the problem is what lies in the file
    late: bool = False  # the problem is the time limit
    command: str = ""  # what was run to verify it
    store: str = ""
    there: bool = True  # whether anything lies in the store
    claimed: int | None = None
    pid: int = 0
    deleted: tuple[Held, ...] = ()
    notes: Sequence[Mapping[str, Any]] | None = None  # of redactions in it; None where that is not known
    unaudited: tuple[int, ...] = ()  # positions of redactions that no transaction has done
    undone: tuple[int, ...] = ()  # positions of events that were redacted, and whose words are back
    unread: Unread | None = None  # why no look at it was possible, and so no verification was begun
    gone: LogLoss | None = None  # the loss or replacement of the log, if any

    @property
    def lost(self) -> bool:
        """Whether the events of the running process are in no file that a restart would find."""
        unseen = not self.there or (not self.problem and self.length < (self.claimed or 0))
        return bool(self.deleted) or (unseen and bool(self.claimed))


def judge(chain: Chain, environment: Environment, *, explained: bool) -> Iterator[Check]:
    """One line. `explained` says that another finding tells already why nothing could read the log."""
    if chain.lost:
        yield _lost(chain, environment)
    elif chain.gone:
        yield bad("event log", chain.gone.text.rstrip("."), chain.gone.hint)
        yield from _redactions(chain, environment)  # which may be the reason
    elif chain.first_bad is not None:
        text = f"the record at position {chain.first_bad} of {chain.length} is not what was appended"
        yield bad("event log", text, _replace(environment))
    elif chain.problem:
        if not explained:
            yield _unread(chain, environment)
    else:
        yield ok(
            "event log", f"{count(chain.length)} verified, the chain is whole" if chain.length else "empty"
        )
        yield from _redactions(chain, environment)


def _redactions(chain: Chain, environment: Environment) -> Iterator[Check]:
    redact = f"make redact ENV={environment.name} POSITION={{}} REASON=..."
    for at in chain.unaudited:
        yield bad(
            "redaction",
            f"the log was redacted, as event {at} in it says, and no transaction has done that",
            f"find out who did; {_replace(environment)}, or the same {redact.format('POSITION')} notes it",
        )
    for position in chain.undone:
        text = f"event {position} was redacted, and a log from before has brought its words back"
        yield warn("redaction", text, redact.format(position))


def _unread(chain: Chain, environment: Environment) -> Check:
    text = f"not verified: {chain.problem}"
    replay = f"{AS_ROOT}: {chain.command}"
    if chain.unread and chain.unread.holders:
        return bad("event log", text, chain.unread.hint(environment.name))
    if chain.late:
        return warn("event log", text, f"{replay}; it has no time limit there")
    if chain.damaged:
        return bad("event log", text, _replace(environment))
    return bad("event log", text, f"fix that and the errors above; {replay} shows the whole result")


def _replace(environment: Environment) -> str:
    """A damaged log is evidence and the only copy at once: a restore keeps it, whole and at rest."""
    return f"make restore ENV={environment.name} BACKUP=file puts a backup in its place, and keeps it"


def _lost(chain: Chain, environment: Environment) -> Check:
    what = count(chain.claimed) if chain.claimed is not None else "the event log"
    where = "a file that was deleted" if chain.deleted else "a file that lies elsewhere"
    here = "has none" if chain.problem or not chain.there else f"has {count(chain.length)}"
    mend = _rescue(chain, environment) if chain.deleted else _search(chain)
    return bad("event log", f"process {chain.pid} still holds {what} in {where}; {chain.store} {here}", mend)


def _rescue(chain: Chain, environment: Environment) -> str:
    """The commands that bring it back. What is not in the file yet is in its -wal: that is copied first.

    The user itself reads and writes: it could lead root to any file, by a descriptor or a link of its own. To
    look into a process of a sandbox takes a capability; it opens no file that is not the user's.
    """
    name, user = environment.name, environment.user
    by_user, read = f"runuser -u {user} --", READ.format(user=user)
    copies, store = f"/root/events-{name}", chain.store
    files = {held.name: held.path for held in sorted(chain.deleted, key=lambda held: held.name, reverse=True)}
    save = " && ".join(f"{read} cat {path} > {copies}/{held}" for held, path in files.items())
    back = " && ".join(f"{by_user} dd of={store}/{held} < {copies}/{held}" for held in files)
    away = f"{by_user} mv -T {store} {store}.other && " if chain.there else ""
    return (
        f"do not restart, stop or deploy it {BEFORE_ALL}; {AS_ROOT}: mkdir -m 0700 {copies} && {save};"
        f" then make stop ENV={name}; {AS_ROOT}: {away}{by_user} mkdir -m 0700 {store} && {back};"
        f" then make start ENV={name}"
    )


def _search(chain: Chain) -> str:
    return (
        f"do not restart, stop or deploy it {BEFORE_ALL}; GET /api/v1/events gives them out: save that;"
        f" {AS_ROOT}: ls -l /proc/{chain.pid}/fd shows the file: bring it back into {chain.store}"
    )
