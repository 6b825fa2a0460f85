"""Carrying one change through to its end: forward, or back to what was. Runs in a transient unit of its own.

The unit is restarted when it dies. It then looks again and plans again from what it finds, so that no step
needs to know how far the attempt before it came; only the direction is remembered.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from ..apply import redaction
from ..apply.steps import perform
from ..apply.work import Work
from ..event_log import loss, room
from ..event_log.archive_notes import Aside
from ..node import reserve
from ..observe.observe import observe
from ..plan.plan import plan
from ..records import audit
from ..records.record import Transaction
from ..records.verified_releases import Place
from ..releases import releases
from ..values.desired import Absent, Desired, Running, Stopped, Unchanged
from ..values.errors import HostError, Refused, StepFailed
from ..values.layout import Layout
from ..values.model import Log, Lost, Observed
from ..values.request import ResolvedRequest
from ..values.step import Step, unfinished
from .leftovers import sweep_all
from .recovery import close_abandoned, conclude
from .request import desired_of

FORWARD_ATTEMPTS = 3  # a change that keeps killing its own transaction is taken back
ALL_ATTEMPTS = 6


class Change:
    """One attempt at one transaction, its environment's lock held."""

    def __init__(self, layout: Layout, transaction: Transaction, request: ResolvedRequest) -> None:
        self.layout, self.environment = layout, request.environment
        self.transaction, self.request = transaction, request
        self.aside = Aside(layout, request.environment, transaction, request.log)
        self.title = ""

    def run(self) -> None:
        reserve.fill(self.layout)
        attempt = len(self.transaction.entries("attempt")) + 1
        self.transaction.begin(attempt)
        # Later attempts look once they need it: with a look that fails, their number is still limited.
        observed = None if self.transaction.entries("before") else self._look(self._desired())
        before = self._before(observed)
        if self.aside.tidy(releases.read_manifest(self.layout, self.environment, before["release"])):
            observed = None
        failure = self._failure_so_far()
        if failure is None and attempt > FORWARD_ATTEMPTS:
            failure = StepFailed(f"the transaction died {attempt - 1} times on its way.")
            self._failed(failure)
        if failure is None:
            failure = self._forward(before, observed)
        if failure is None:
            self.aside.clear(releases.read_manifest(self.layout, self.environment, before["release"]))
        if failure is None or failure.outcome == "refused":
            self._end("done" if failure is None else "refused", before, failure)
        elif attempt > ALL_ATTEMPTS:
            self._end("hands", before, failure)
        elif self._begun("remove-releases") and self.request.verb == "remove":
            hint = failure.hint or f"fix that, then make remove ENV={self.environment.name} again"
            self._end("hands", before, StepFailed(failure.message, hint, failure.details))
        else:
            outcome = self._back(before)
            self._end(outcome, before, self._with_what_is_left(failure, before, outcome))

    def _before(self, observed: Observed | None) -> dict[str, Any]:
        """The state when the transaction began, as its first attempt found it."""
        if observed is None:
            return self.transaction.entries("before")[0]
        close_abandoned(self.layout, self.environment, self.transaction)
        release = observed.runs if observed.runs in observed.releases else observed.current
        active = "active" in (observed.service, observed.socket) or observed.service == "activating"
        state = "running" if active else "stopped" if observed.exists else "absent"
        # The audit first: a death in between writes its line twice, which is better than not at all.
        audit.append(
            self.layout,
            event="start",
            transaction=self.transaction.id,
            environment=self.environment.name,
            verb=self.request.verb,
            actor=self.request.actor,
            before=release,
            wanted=(self.request.release or {}).get("id") or self.request.to or self.aside.named,
        )
        return self.transaction.write(
            "before",
            state=state,
            release=release,
            pid=observed.pid,
            enabled=observed.enabled,
            user=observed.user,
            home=observed.home,
            observed=observed.facts(),
            **loss.before(self.layout, self.environment, observed, release, self._desired()),
        )

    def _look(self, desired: Desired, *, with_log: bool = True) -> Observed:
        return observe(self.layout, self.environment, desired, with_log=with_log)

    def _desired(self) -> Desired:
        """The state to reach, without the steps that an earlier attempt has done."""
        desired = desired_of(self.layout, self.request)
        if self._done("switch-log"):  # what is said to the service after that is no reason to do it again
            desired = replace(desired, log=None)
        if isinstance(desired, Running) and self._done("restart-service"):
            desired = replace(desired, restart=False)
        if isinstance(desired, Unchanged) and self._done("rebuild-projections"):
            desired = replace(desired, rebuild=False)
        if self._done("redact-log"):
            desired = replace(desired, redaction=None)
        return desired

    def _forward(self, before: dict[str, Any], observed: Observed | None) -> HostError | None:
        """Apply the plan; the failure, if there was one, is on record. A refusal has touched nothing."""
        desired = self._desired()
        try:
            if not self.transaction.entries("step"):
                room.refuse_full(self.layout, self.environment, self.request.verb)
            observed = observed or self._look(desired)
            if before.get("lost") and not self.transaction.entries("step"):
                observed = replace(observed, lost=Lost(**before["lost"]))
            steps = plan(observed, desired)
        except Refused as error:
            if not self.transaction.entries("step"):
                return error
            self._failed(error)
            return StepFailed(error.message, error.hint)
        try:
            self._apply(steps, desired, before)
        except HostError as error:  # a refusal too, where the second look is one: steps have been done
            self._failed(error)
            return StepFailed(error.message, error.hint, error.details)
        return None

    def _back(self, before: dict[str, Any]) -> str:
        """The same planner, asked for what was there before."""
        release = releases.read_manifest(self.layout, self.environment, before["release"])
        try:
            redaction.recover(self.layout, self.environment, release, self.transaction)
            self.aside.tidy(release)  # a log that was not switched is kept where it was
            desired = self._as_it_was(before)
            steps = plan(self._look(replace(desired, log=None)), desired)
            self.transaction.write("revert", steps=[step.to_json() for step in steps])
            self._apply(steps, desired, before)
        except HostError as error:
            self.aside.tidy(release)
            self.transaction.write("revert-failed", message=error.message, details=list(error.details))
            return "hands"
        return "failed"

    def _with_what_is_left(self, failure: HostError, before: dict[str, Any], outcome: str) -> HostError:
        """The failure, and where what was said to a log that did not stay is kept."""
        if outcome != "failed":  # it may be in use still
            return failure
        left = self.aside.clear(releases.read_manifest(self.layout, self.environment, before["release"]))
        if not left:
            return failure
        return StepFailed(f"{failure.message.rstrip('.')}. {left}", failure.hint, failure.details)

    def _as_it_was(self, before: dict[str, Any]) -> Desired:
        if before["state"] == "absent":
            return Absent(environment=self.environment, user=before["user"], home=before["home"])
        release = releases.read_manifest(self.layout, self.environment, before["release"])
        if release is None:
            raise StepFailed(f"the manifest of release {before['release']} cannot be read.")
        shared: dict[str, Any] = {"environment": self.environment, "release": release, "back": True}
        if self.request.verb == "rebuild":
            return Unchanged(**shared)
        failed = (self.request.release or {}).get("id", "")
        shared["failed"] = failed if failed != release.id else ""
        shared["log"], shared["kept"] = self.aside.before()
        shared["enabled"] = before["enabled"]
        if before["state"] == "stopped":
            return Stopped(**shared)
        return Running(**shared, pid=before.get("pid") or 0)

    def _apply(self, steps: tuple[Step, ...], desired: Desired, before: dict[str, Any]) -> None:
        self.transaction.write("plan", steps=[step.to_json() for step in steps])
        known = Log(**before["last_head"]) if before.get("last_head") else None
        log = Log(**before["log"]) if before["log"] else known
        switched = any(step.verb == "switch-log" for step in steps) or self._done("switch-log")
        restored = self.aside.coming is not None and not desired.back and switched
        if restored:
            log = self.aside.coming
        redacted = redaction.log_of(redaction.facts_of(self.transaction))
        verb, to = self.request.verb, self.request.to
        work = Work(
            self.layout,
            self.environment,
            self.transaction.path,
            desired.release,
            redacted or log,
            Place(desired.staged and verb == "deploy", before["release"], to if desired.staged else None),
            desired,
            known,
            restored,
            redacted is not None,
        )
        for step in steps:
            begun, self.title = time.monotonic(), step.title
            if not desired.back:
                room.refuse_touching(self.layout, self.environment, self.request.verb, step.verb)
            self.transaction.write("step", state="begin", title=step.title, **step.to_json())
            if step.verb == "switch-log":
                work = replace(work, aside=self.aside.name(desired))
            remark = perform(work, step)
            if step.verb == "redact-log":
                work = replace(work, log=redaction.log_of(work.facts), redacted=True)
            more = {"seconds": round(time.monotonic() - begun, 3), "remark": remark, "facts": work.facts}
            more["doubts"], work.doubts[:] = [*work.doubts], []
            self.transaction.write("step", state="done", title=step.title, **more, **step.to_json())
        self.title = "second look"
        reached = desired.reached()
        again = plan(self._look(reached, with_log=False), reached)
        left = unfinished(again, steps)
        if left:
            raise StepFailed(
                f"after every step this is still to do: {', '.join(step.title for step in left)}."
            )

    def _deleted(self, before: dict[str, Any]) -> dict[str, Any]:
        """The audit's fields about deleted data: the end of its log, if that could be read."""
        if not self._begun("delete-data") or self.request.verb != "remove":
            return {}
        log = before["log"]
        return {"deleted": True, **({"position": log["length"], "head": log["head"]} if log else {})}

    def _done(self, verb: str) -> bool:
        return any(e["verb"] == verb and e["state"] == "done" for e in self.transaction.entries("step"))

    def _begun(self, verb: str) -> bool:
        return any(entry["verb"] == verb for entry in self.transaction.entries("step"))

    def _failed(self, error: HostError) -> None:
        self.transaction.write("failed", title=self.title, **error.to_json())

    def _failure_so_far(self) -> HostError | None:
        found = self.transaction.entries("failed")
        if not found:
            return None
        return StepFailed(found[-1]["message"], found[-1]["hint"], tuple(found[-1]["details"]))

    def _end(self, outcome: str, before: dict[str, Any], failure: HostError | None) -> None:
        sweep_all(self.layout, self.environment)
        after = releases.current(self.layout, self.environment)
        seconds = self.transaction.seconds
        audit.append(
            self.layout,
            event="end",
            transaction=self.transaction.id,
            environment=self.environment.name,
            verb=self.request.verb,
            outcome=outcome,
            before=before["release"],
            after=after,
            seconds=seconds,
            reason=failure.message if failure else None,
            **(
                self._deleted(before)
                or loss.reached(self.layout, self.environment, self.request.verb, outcome)
            ),
            **redaction.audited_of(self.transaction),
        )
        more = {"before": before["release"], "after": after, "seconds": seconds, "state": before["state"]}
        told = any(entry.get("facts", {}).get("kept") for entry in self.transaction.entries("step"))
        if outcome == "done" and not told:  # the step that would have told it was cut short
            more["facts"] = self.aside.facts(releases.read_manifest(self.layout, self.environment, after))
        conclude(self.layout, self.transaction, outcome, failure, **more)
        reserve.fill(self.layout)
