"""The verbs, one row each: all that the operator's half knows of a verb.

docs/ARCHITECTURE.md ("Add a verb") lists the other files that a new verb touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..host.values.layout import ENVIRONMENTS
from ..settings import Settings
from ..ui import redacted, sentences
from ..ui.results import Changed
from . import questions
from .questions import Question

DEV = ("dev",)
BUILT = "built"
KEPT = "kept"


@dataclass(frozen=True)
class Verb:
    """A row: the default of each field is right for most verbs that change the node."""

    run: str = "carry_out.run"  # the module and the function in this folder that carry it out
    variables: tuple[str, ...] = ()  # those that it takes beside EVERYWHERE
    default: tuple[str, ...] = ()  # the environments that are meant if none is named; empty: name one
    soak: float = 0.0  # seconds, unless SOAK says otherwise
    watch: float = 0.0  # seconds, unless WATCH says otherwise
    release: str = ""  # the release that it activates: BUILT from this checkout, KEPT on the node, or none
    dry: bool = False  # whether it shows the plan of a deploy and changes nothing
    request: Callable[[Settings], Mapping[str, object]] = lambda _: {}  # its own values for the node
    question: Callable[[Settings, str], Question | None] | None = None  # asked before it changes anything
    facts: tuple[str, ...] = ()  # the facts that the node has to report once it is done
    done: Callable[[Changed], str] | None = None  # the summary, if not the release that runs
    nothing: Callable[[Changed], str] | None = None  # the same if there was nothing to do
    remarks: Callable[[Changed], Iterator[str]] | None = None  # warnings once it is done

    @property
    def builds(self) -> bool:
        """Whether it builds a release from this checkout."""
        return self.release == BUILT

    @property
    def looks_at_all(self) -> bool:
        """Whether it shows all environments if none is named, and so may show live without its name."""
        return self.default == ENVIRONMENTS

    @property
    def takes_copy(self) -> bool:
        """Whether it sends a backup to the node."""
        return "BACKUP" in self.variables


VERBS = {
    "deploy": Verb(
        variables=("SOAK", "WATCH", "KEEP", "INSIST", "CONFIRM", "WAIT", "OVERRIDE"),
        soak=3.0,
        watch=600.0,
        release=BUILT,
    ),
    "plan": Verb(
        variables=("VERB", "SOAK", "WATCH", "KEEP", "INSIST"),
        soak=3.0,
        watch=600.0,
        release=BUILT,
        dry=True,
    ),
    "promote": Verb(
        variables=("FROM", "SOAK", "WATCH", "KEEP", "INSIST", "CONFIRM", "WAIT", "OVERRIDE"),
        soak=3.0,
        watch=600.0,
        release=BUILT,
    ),
    "rollback": Verb(
        variables=("RELEASE", "CONFIG", "SOAK", "INSIST", "CONFIRM", "WAIT"),
        release=KEPT,
        request=lambda settings: {"to": settings.release, "config": settings.config},
    ),
    "restart": Verb(default=DEV, variables=("WAIT",)),
    "stop": Verb(default=DEV, variables=("WAIT",), done=sentences.stopped, nothing=sentences.stopped_already),
    "start": Verb(default=DEV, variables=("WAIT",)),
    "remove": Verb(
        variables=("DATA", "CONFIRM", "WAIT"),
        question=questions.of_removal,
        done=sentences.removed,
        nothing=sentences.removed,
    ),
    "restore": Verb(
        variables=("BACKUP", "SOAK", "CONFIRM", "WAIT"),
        soak=3.0,
        request=lambda settings: {"log": {"kept": settings.backup}},
        question=questions.of_restore,
        facts=("log",),
        done=sentences.restored,
        nothing=sentences.restored_already,
    ),
    "rebuild": Verb(variables=("WAIT",), facts=("position", "digest"), done=sentences.rebuilt),
    "redact": Verb(
        variables=("POSITION", "REASON", "CONFIRM", "WAIT"),
        request=lambda settings: {"position": settings.position, "reason": settings.reason},
        question=questions.of_redaction,
        facts=("position", "changed", "at", "old_head", "new_head", "elsewhere", "archived", "backups"),
        done=redacted.summary,
        nothing=redacted.already,
        remarks=redacted.remarks,
    ),
    "cancel": Verb(run="cancel.run"),
    "status": Verb(run="status.status", default=ENVIRONMENTS),
    "backup": Verb(run="backup.run", variables=("TO",)),
    "logs": Verb(run="logs.logs", default=DEV, variables=("FOLLOW", "LINES", "SINCE", "GREP")),
    "history": Verb(run="history.history", default=ENVIRONMENTS, variables=("LINES",)),
    "verify": Verb(run="verify.verify", default=ENVIRONMENTS),
    "env": Verb(run="env.env"),
    "doctor": Verb(run="doctor.doctor", default=ENVIRONMENTS),
}

EVERYWHERE = ("ENV", "NODE", "SSH_OPTIONS", "ENV_DIR", "JSON")
OWN = tuple(name for verb in VERBS.values() for name in verb.variables)
VARIABLES = tuple(dict.fromkeys((*EVERYWHERE, *OWN)))


PLANNED = tuple(name for name, verb in VERBS.items() if verb.run == Verb.run and not verb.dry)
"""The verbs that change the node, of which a plan can be made."""

NOT_PLANNED = ("CONFIRM", "WAIT", "OVERRIDE")
"""Variables that a plan has no use for: it asks nobody, waits for nobody, and is not refused by the gate."""


def variables_of(verb: str, planned: str = "") -> tuple[str, ...]:
    """The variables of a verb, and of a plan of another one."""
    own = VERBS[verb].variables
    return (*own, *(name for name in VERBS[planned].variables if name not in NOT_PLANNED)) if planned else own


def takers(variable: str) -> list[str]:
    """The verbs that take a variable of their own."""
    return [name for name, verb in VERBS.items() if variable in verb.variables]
