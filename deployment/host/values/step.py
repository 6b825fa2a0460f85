"""A step of a plan, and what its callers notice of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

# The id of a release or the digest of a layer, which the heading has named.
IDENTIFIER = re.compile(r"[0-9a-f]{64}|[0-9a-f]{12}(-dirty)?-[0-9a-f]{12}")

TITLES = {"turn-current": "activate release"}  # of the verbs that do not say it themselves


@dataclass(frozen=True)
class Step:
    """An action on `target`, and the fact that makes it necessary. Applying it has no policy of its own."""

    verb: str
    target: tuple[str, ...] = ()
    reason: str = field(default="", compare=False)

    def to_json(self) -> dict[str, Any]:
        """The step as plain values."""
        return {"verb": self.verb, "target": list(self.target), "reason": self.reason}

    @property
    def title(self) -> str:
        """The step in one line: a single unit, user or namespace by name, several by number."""
        verb = TITLES.get(self.verb, self.verb.replace("-", " "))
        named = [item for item in self.target if not IDENTIFIER.fullmatch(item)]
        if not named or len(named) > 1 or "/" in named[0]:
            count = len(named) or len(self.target)
            return f"{verb} ({count})" if count > 1 or named else verb
        return f"{verb} {named[0]}"


# The verbs that callers can notice: those that stop the listener, and those that only make them wait.
INTERRUPTING = frozenset({"close-socket", "stop-units"})
HOLDING = frozenset({"restart-service"})
BRIDGE = "start-bridge"  # the verb of the step behind which a restart makes nobody wait


def callers(steps: tuple[Step, ...]) -> str:
    """The impact of these steps on callers: `nothing`, `a pause` or `an interruption`."""
    verbs = {step.verb for step in steps}
    if verbs & INTERRUPTING:
        return "an interruption"
    if "open-socket" in verbs:
        return "nothing"  # nobody listened before: they were refused
    return "a pause" if verbs & HOLDING and BRIDGE not in verbs else "nothing"


# The verbs of steps that what serves does not notice: a change can be cancelled until the first other step.
PREPARING = frozenset(
    {
        *("create-user", "mark-user", "adopt-data", "create-directories", "remove-jobs", "end-lingering"),
        *("install-layer", "install-release", "check-release", "check-bot", "install-log", "take-log"),
        "copy-certificate",
        *("clear-rehearsal", "rehearse", "soak", "end-rehearsal"),
    }
)


def before_switch(steps: tuple[Step, ...]) -> int:
    """The number of steps in front of the switch: all that precede a rehearsal, and those that prepare."""
    rehearsals = [number for number, step in enumerate(steps) if step.verb == "rehearse"]
    start = rehearsals[-1] if rehearsals else 0
    switching = (n for n, step in enumerate(steps) if n >= start and step.verb not in PREPARING)
    return next(switching, len(steps))


def unfinished(again: tuple[Step, ...], done: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of a second look, `again`, that should not be left behind those that are `done`.

    A unit that systemd cannot load, such as for a faulty drop-in, wants a reload for ever: once is enough. So
    does a journal whose configuration bears a time that is still to come.
    """
    once = [step for step in done if step.verb in ("reload-systemd", "restart-journal")]
    return tuple(step for step in again if "prune" not in step.verb and step not in once)
