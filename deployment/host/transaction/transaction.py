"""Carry one change through to its end: forward, or back to what was. Runs in a unit of its own (ADR 19).

The unit is restarted when it dies. It then looks again and plans again from what it finds, so that no step
needs to know how far the attempt before it came; only the direction is remembered.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from ..apply import redaction
from ..apply.steps import perform
from ..apply.work import Work
from ..event_log import loss, room
from ..event_log.archive_notes import ArchiveNotes
from ..node import reserve
from ..observe.observe import observe
from ..plan.plan import plan
from ..records import audit, cancellation
from ..records.record import Transaction
from ..records.verified_releases import Place
from ..releases import releases
from ..values.desired import Desired, Running, Unchanged
from ..values.errors import HostError, Refused, StepFailed
from ..values.observed import Observed
from ..values.request import ResolvedRequest
from ..values.step import Step, before_switch, unfinished
from .before import Before, as_it_was
from .ending import Ending
from .recovery import close_abandoned
from .request import desired_of, refuse_overtaken

FORWARD_ATTEMPTS = 3  # a change that keeps killing its own transaction is taken back
ALL_ATTEMPTS = 6


class Change:
    """One attempt at one transaction, its environment's lock held."""

    def __init__(self, transaction: Transaction, request: ResolvedRequest) -> None:
        self.layout, self.environment = transaction.layout, request.environment
        self.transaction, self.request = transaction, request
        self.archive = ArchiveNotes(request.environment, transaction, request.log)
        self.title = ""

    def run(self) -> None:
        reserve.fill(self.layout)
        attempt = len(self.transaction.entries("attempt")) + 1
        self.transaction.begin(attempt)
        # Later attempts look once they need it: with a look that fails, their number is still limited.
        observed = None if self.transaction.entries("before") else self._look(self._desired())
        before = self._before(observed)
        if self.archive.tidy(releases.read_manifest(self.environment, before.release)):
            observed = None
        failure = self._failure_so_far()
        if failure is None and attempt > FORWARD_ATTEMPTS:
            failure = self._failed(StepFailed(f"the transaction died {attempt - 1} times on its way."))
        if failure is None:
            failure = self._forward(before, observed)
        if failure is None:
            self.archive.clear(releases.read_manifest(self.environment, before.release))
        self._conclude(attempt, before, failure)

    def _conclude(self, attempt: int, before: Before, failure: HostError | None) -> None:
        """End a change that is done or refused; revert one that failed, as far as that is possible."""
        if failure is None or failure.outcome == "refused":
            self._end("done" if failure is None else "refused", before, failure)
        elif attempt > ALL_ATTEMPTS:
            self._end("hands", before, failure)
        elif self.transaction.has_begun("remove-releases") and self.request.verb == "remove":
            hint = failure.hint or f"fix that, then make remove ENV={self.environment.name} again"
            self._end("hands", before, StepFailed(failure.message, hint, failure.details))
        else:
            outcome = self._back(before)
            self._end(outcome, before, self._with_what_is_left(failure, before, outcome))

    def _before(self, observed: Observed | None) -> Before:
        """The state when the transaction began, as its first attempt found it."""
        if observed is None:
            return Before.from_entry(self.transaction.entries("before")[0])
        close_abandoned(self.environment, self.transaction)
        release = observed.runs if observed.runs in observed.releases else observed.current
        # The audit first: a death in between writes its line twice, which is better than not at all.
        audit.append(
            self.layout,
            event="start",
            transaction=self.transaction.id,
            environment=self.environment.name,
            verb=self.request.verb,
            actor=self.request.actor,
            before=release,
            wanted=self._goal(),
            **self.request.audited,
        )
        log = loss.before(self.environment, observed, release, self._desired())
        before = Before.of(observed, release, log)
        self.transaction.write("before", observed=observed.facts(), **before.to_entry())
        return before

    def _goal(self) -> str | None:
        """The release or the log that the change is to bring, as the audit names it."""
        installed = (self.request.release or {}).get("id")
        return installed or self.request.to or self.archive.named

    def _look(self, desired: Desired, *, with_log: bool = True) -> Observed:
        return observe(self.environment, desired, with_log=with_log)

    def _desired(self) -> Desired:
        """The state to reach, without the steps that an earlier attempt has done."""
        desired = desired_of(self.request)
        if self.transaction.has_done(
            "switch-log"
        ):  # what is said to the service after that is no reason to do it again
            desired = replace(desired, log=None)
        if isinstance(desired, Running) and self.transaction.has_done("restart-service"):
            desired = replace(desired, restart=False)
        if isinstance(desired, Unchanged) and self.transaction.has_done("rebuild-projections"):
            desired = replace(desired, rebuild=False)
        if self.transaction.has_done("redact-log"):
            desired = replace(desired, redaction=None)
        return desired

    def _forward(self, before: Before, observed: Observed | None) -> HostError | None:
        """Apply the plan; the failure, if there was one, is on record. A refusal has touched nothing."""
        desired = self._desired()
        try:
            if not self.transaction.entries("step"):
                room.refuse_full(self.environment, self.request.verb)
            observed = observed or self._look(desired)
            if before.lost and not self.transaction.entries("step"):
                observed = replace(observed, lost=before.lost)
            refuse_overtaken(self.request, observed.current, desired)
            steps = plan(observed, desired)
        except Refused as error:
            if not self.transaction.entries("step"):
                return error
            return self._failed(error)
        try:
            self._apply(steps, desired, before)
        except HostError as error:  # a refusal too, where the second look is one: steps have been done
            return self._failed(error)
        return None

    def _back(self, before: Before) -> str:
        """The same planner, asked for what was there before."""
        release = releases.read_manifest(self.environment, before.release)
        try:
            redaction.recover(self.environment, release, self.transaction)
            self.archive.tidy(release)  # a log that was not switched is kept where it was
            desired = as_it_was(self.request, self.archive, before)
            steps = plan(self._look(replace(desired, log=None)), desired)
            self.transaction.write("revert", steps=[step.to_json() for step in steps])
            self._apply(steps, desired, before)
        except HostError as error:
            self.archive.tidy(release)
            self.transaction.write("revert-failed", message=error.message, details=list(error.details))
            return "hands"
        return "failed"

    def _with_what_is_left(self, failure: HostError, before: Before, outcome: str) -> HostError:
        """The failure, and where what was said to a log that did not stay is kept."""
        if outcome != "failed":  # it may be in use still
            return failure
        note = self.archive.clear(releases.read_manifest(self.environment, before.release))
        if not note:
            return failure
        return StepFailed(f"{failure.message.rstrip('.')}. {note}", failure.hint, failure.details)

    def _apply(self, steps: tuple[Step, ...], desired: Desired, before: Before) -> None:
        self.transaction.write("plan", steps=[step.to_json() for step in steps])
        work = self._work(steps, desired, before)
        switch = before_switch(steps)
        try:
            for number, step in enumerate(steps):
                self._look_for_cancel(desired, is_switch=number >= switch)
                work = self._carry_out(work, step)
            self._look_for_cancel(desired, is_switch=True)
        finally:
            work.wait_for_trials()
        self._look_again(steps, desired)

    def _look_for_cancel(self, desired: Desired, *, is_switch: bool) -> None:
        """Raise `StepFailed` if somebody has cancelled the change; nobody can once its switch has begun."""
        if desired.back:
            return
        if is_switch:
            cancellation.begin_switch(self.transaction)
        else:
            cancellation.refuse_cancelled(self.transaction)

    def _carry_out(self, work: Work, step: Step) -> Work:
        """Perform one step and return the values for the next one."""
        self.title = step.title
        if not work.desired.back:
            room.refuse_touching(self.environment, self.request.verb, step.verb)
        if step.verb == "switch-log":
            work = replace(work, archive_name=self.archive.name(work.desired))
        self._perform(work, step)
        if step.verb == "redact-log":
            work = replace(work, log=redaction.log_of(work.facts), redacted=True)
        return work

    def _work(self, steps: tuple[Step, ...], desired: Desired, before: Before) -> Work:
        """The values that the steps share."""
        known = before.last_head
        log = before.log or known
        is_switched = any(step.verb == "switch-log" for step in steps) or self.transaction.has_done(
            "switch-log"
        )
        is_restored = self.archive.coming is not None and not desired.back and is_switched
        if is_restored:
            log = self.archive.coming
        redacted = redaction.log_of(redaction.facts_of(self.transaction))
        to = self.request.to if desired.staged else None
        is_deployed = desired.staged and self.request.verb == "deploy"
        return Work(
            self.environment,
            self.transaction.path,
            desired.release,
            redacted or log,
            Place(is_deployed, before.release, to),
            desired,
            known,
            is_restored,
            redacted is not None,
            partial(self._look_for_cancel, desired, is_switch=False),
        )

    def _perform(self, work: Work, step: Step) -> None:
        """Perform one step, with its beginning and its end on record."""
        started = time.monotonic()
        self.transaction.write("step", state="begin", title=step.title, **step.to_json())
        remark = perform(work, step)
        more = {"seconds": round(time.monotonic() - started, 3), "remark": remark, "facts": work.facts}
        more["doubts"], work.doubts[:] = [*work.doubts], []
        self.transaction.write("step", state="done", title=step.title, **more, **step.to_json())

    def _look_again(self, steps: tuple[Step, ...], desired: Desired) -> None:
        """Raise `StepFailed` unless the state is the desired one now."""
        self.title = "second look"
        reached = desired.reached()
        again = plan(self._look(reached, with_log=False), reached)
        remaining = unfinished(again, steps)
        if remaining:
            titles = ", ".join(step.title for step in remaining)
            raise StepFailed(f"after every step this is still to do: {titles}.")

    def _failed(self, error: HostError) -> StepFailed:
        """Note and return a failure; that of a step which a cancel has cut short is the cancel's."""
        cancelled = cancellation.error_of(self.transaction)
        failure = cancelled or StepFailed(error.message, error.hint, error.details)
        is_cancelled = cancelled is not None
        self.transaction.write("failed", title=self.title, cancelled=is_cancelled, **failure.to_json())
        return failure

    def _failure_so_far(self) -> HostError | None:
        failures = self.transaction.entries("failed")
        if not failures:
            return None
        last = failures[-1]
        return StepFailed(last["message"], last["hint"], tuple(last["details"]))

    def _end(self, outcome: str, before: Before, failure: HostError | None) -> None:
        Ending(self.transaction, self.request, self.archive).end(outcome, before, failure)
