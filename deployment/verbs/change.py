"""Change the node (deploy, rollback, restore, restart, ...): one conversation, to its result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ..errors import HANDS, INTERRUPTED, DeployError, Unexpected, unusable
from ..host.values.step import Step
from ..remote.connection import Connection, refusal
from ..remote.lost import Lost
from ..remote.messages import NO_FACTS, Hello, Result, unexpected
from ..remote.plan import Attached, Begun, Need, Plan, Waiting
from ..remote.record import Attempt, Cancel, Entry, Failed, Record, Revert, RevertFailed, StepBegun, StepDone
from ..settings import Settings
from ..ui.output import Output
from ..ui.results import Changed
from . import blobs, consent, differences, foreseen, gate, preview, promotion
from .actor import actor
from .announcement import announce
from .blobs import Built, Prepared
from .copies import Copy
from .outcome import CODES, missing, outcome_of, summary
from .preview import Previewed
from .table import VERBS

RECONNECTS = 5  # times that a lost connection is taken up again to hear the end


def change(settings: Settings, output: Output, connection: Connection, copy: Copy | None = None) -> Changed:
    """Carry out one changing verb; the result has the exit code. Raises `DeployError` before it has begun.

    `copy` is the log that a restore brings along.
    """
    work = _Change(settings, output, copy)
    try:
        return work.run(connection)
    except BrokenPipeError:
        raise
    except Unexpected as error:
        if work.transaction is not None:
            error.code = HANDS
        raise
    except OSError as error:
        if work.transaction is None:
            raise
        again = f"the node finishes it: make status ENV={settings.environment} shows how it went"
        raise DeployError(unusable(error).message, again, code=INTERRUPTED) from error


def foresee(settings: Settings, output: Output, connection: Connection, copy: Copy | None) -> Plan:
    """The plan of a change, with nothing touched. Raises `DeployError` where it would be refused."""
    forecast = _Change(settings, output, copy, dry=True)
    result = forecast.converse(connection)
    if result.outcome != "planned":
        raise refusal(settings.node, result, CODES[result.outcome])
    assert forecast.plan is not None  # else its result would be unexpected
    return forecast.plan


class _Change:
    def __init__(self, settings: Settings, output: Output, copy: Copy | None, *, dry: bool = False) -> None:
        self.settings, self.output = settings, output
        self.verb = VERBS[settings.change]
        self.dry = dry or VERBS[settings.verb].dry
        self.asks = consent.asks_about_release(settings) and not self.dry
        self.started = time.monotonic()
        self.transaction: str | None = None
        self.attached = False  # whether the transaction is that of somebody else's deploy of this release
        self.waits = False
        self.shown = 0
        self.soaked = 0.0
        self.sent = False
        self.built: Built | None = None
        self.copy = copy
        self.plan: Plan | None = None
        self.gate = gate.Verdict(passes=True)
        self.between = differences.NONE  # the running release and the next one
        self.facts = NO_FACTS  # of all steps so far

    def run(self, connection: Connection) -> Changed:
        result = self._result(self.converse(connection))
        if self.verb.remarks is not None and result.outcome == "done":
            for remark in self.verb.remarks(result):
                self.output.warn(remark)
        if not VERBS[self.settings.verb].dry or result.outcome != "planned":
            return result
        assert self.plan is not None
        shown = preview.of(self.plan, self.between, self.built)
        for line in preview.text(shown, self.plan.release):
            self.output.note(line)
        question = consent.question_about_release(self.settings, self.between)
        if question is not None:
            self.output.warn(f"without CONFIRM={self.settings.environment} it would ask: {question.refusal}")
        return Previewed(**vars(result), preview=shown)

    def converse(self, connection: Connection) -> Result:
        # The connection takes as long as all our own preparation: they go on side by side.
        with ThreadPoolExecutor() as pool:
            asker = pool.submit(actor, self.settings.root)
            prepare = promotion.prepare if self.settings.source else blobs.prepare
            preparing = pool.submit(prepare, self.settings) if self.verb.builds else None
            self.output.begin(f"connect to {self.settings.node}")
            started = time.monotonic()
            parts = preparing.result() if preparing else None  # our own faults first: they need no node
            if parts:
                self._pass_gate(parts)
            hello = connection.hear(Hello)
            self.output.done(f"connect to {self.settings.node}", time.monotonic() - started)
            if isinstance(hello, Result):
                return hello
            if parts is not None:
                self.built = blobs.build(self.settings, self.output, parts, hello)
                if parts.promoted:
                    self.output.heading(f"code and dependencies are those of {parts.promoted}")
            connection.say(**self._request(asker.result()))
        try:
            return self._follow(connection)
        except Lost:
            if self.transaction is None:
                raise
        connection.close()
        return self._take_up_again()

    def _pass_gate(self, parts: Prepared) -> None:
        """Say which rule of the gate applies. Raises `DeployError` for what it does not let pass."""
        self.gate = gate.check(self.settings, parts.source, refuse=not self.dry)
        if self.gate.text:
            self.output.note(self.gate.text)

    def _request(self, asker: dict[str, str]) -> dict[str, Any]:
        """The request as JSON."""
        return {
            "verb": "deploy" if self.verb.builds else self.settings.change,
            "dry": self.dry,
            "asks": self.asks,
            "environment": self.settings.environment,
            "actor": asker,
            "soak": self.settings.soak,
            "watch": self.settings.watch,
            "wait": self.settings.wait,
            "keep": self.settings.keep,
            "insist": self.settings.insist,
            "delete": self.settings.delete,
            "override": self.gate.override,
            **self.verb.request(self.settings),
            **({"log": self.copy.to_json()} if self.copy else {}),
            **(self.built.to_json() if self.built else {}),
        }

    def _follow(self, connection: Connection) -> Result:
        while True:
            match connection.hear(Plan, Need, Begun, Waiting, Attached, Record, Result):
                case Plan() as plan:
                    self._announce(connection, plan)
                case Need(blobs):
                    self._send(connection, blobs)
                case Begun(transaction):
                    self.transaction = transaction
                case Waiting(message):
                    self._wait(message)
                case Attached(transaction, name):
                    self.transaction, self.attached = transaction, True
                    self.output.heading(f"{name} deploys this release already: attached to {transaction}")
                case Record(entry):
                    self.shown += 1
                    self._show(entry)
                case Result(outcome) as result:
                    is_planned = self.plan is not None or self.attached
                    if not is_planned and outcome in ("planned", "done", "nothing"):
                        raise unexpected(self.settings.node, "a result before a plan")
                    return result

    def _wait(self, message: str) -> None:
        """Show the change that this one waits for: once, and on a terminal how far it is."""
        if not self.waits:
            self.output.heading(f"waiting for {self.settings.wait:g} s at most: {message}")
        self.waits = True
        self.output.begin(message)

    def _announce(self, connection: Connection, plan: Plan) -> None:
        """Show the plan, and ask where it brings the log of another environment, or live loses something."""
        if plan.log is not None:
            plan = replace(plan, log=foreseen.judged(self.settings, plan.log, self.copy))
        self.plan = plan
        if self.built and plan.release != self.built.release.manifest.id:
            commit = self.built.parts.source.commit[:12]
            self.output.heading(f"commit {commit} changes nothing of release {plan.release}")
        if self.verb.release:
            self.between = differences.of(self.settings.root, plan.running, plan.desired)
        announce(self.settings, self.output, plan, self.between, dry=self.dry)
        if plan.steps and plan.log is not None and not self.dry:
            consent.ask_about_another(self.settings, plan.log.other)
        if plan.steps and self.asks:
            consent.ask_about_release(self.settings, self.between)
            connection.say(go=True)

    def _send(self, connection: Connection, kinds: Sequence[str]) -> None:
        """Send what the node needs, once, if this change has it."""
        ours = {"log"} if self.copy else {"layer", "release"} if self.built else set()
        if self.dry or self.sent or not ours.issuperset(kinds):
            raise unexpected(self.settings.node, f"that it needs {' and '.join(kinds) or 'something'}")
        self.sent = True
        if data := self.copy or self.built:
            blobs.send(self.settings, self.output, connection, kinds, data)

    def _show(self, entry: Entry) -> None:
        match entry:
            case StepDone():
                self.soaked += entry.seconds if entry.verb in ("soak", "watch") else 0
                self.facts = self.facts.joined(entry.facts)
                self.output.done(entry.title, entry.seconds, entry.remark)
                for doubt in entry.doubts:
                    self.output.warn(f"  {doubt}")
            case StepBegun():
                self.output.begin(entry.title)
            case Failed(cancelled=cancelled):
                ended = "cancelled" if cancelled else "failed"
                self.output.warn(f"  {entry.title}: {ended}", entry.details)
            case Cancel(by=by):
                self.output.warn(f"{by} cancels this change")
            case Revert():
                self.output.heading(_revert(entry.steps))
            case RevertFailed():
                self.output.warn(f"revert failed: {entry.message}", entry.details)
            case Attempt(number=number) if number > 1:
                self.output.warn(f"the transaction was killed; this is its attempt {number}")

    def _take_up_again(self) -> Result:
        """The node goes on by itself: connect anew, and hear the rest."""
        for attempt in range(RECONNECTS):
            lost = "the connection was lost; the change continues on the node."
            self.output.warn(f"{lost} Connecting again ({attempt + 1}).")
            time.sleep(0.5 * 2**attempt)
            try:
                with Connection(self.settings) as connection:
                    connection.hear(Hello)
                    connection.say(verb="follow", transaction=self.transaction, told=self.shown)
                    return self._follow(connection)
            except Lost:
                continue
        raise DeployError(
            f"the connection is gone, and transaction {self.transaction} goes on without it.",
            f"make status ENV={self.settings.environment} shows how it went",
            code=HANDS,
        )

    def _result(self, message: Result) -> Changed:
        """The result in the form that outputs take."""
        changed = outcome_of(self.settings, message, self.plan)
        result = replace(
            changed,
            transaction=self.transaction,
            seconds=round(time.monotonic() - self.started, 3),
            soaked=self.soaked,
            release=self.built.release.manifest.id if self.attached and self.built else changed.release,
            facts=self.facts.joined(message.facts) if message.outcome == "done" else NO_FACTS,
            differences=self.between.to_json() if self.verb.release else {},
        )
        if lacking := missing(result):
            raise unexpected(self.settings.node, f"a result without {lacking}")
        return replace(result, summary=summary(result))


def _revert(steps: Sequence[Step]) -> str:
    """A release that failed before the switch has changed nothing that serves."""
    clearing = all(step.verb.startswith(("clear", "prune")) for step in steps)
    return "running release unchanged; cleaning up" if clearing else "reverting to the state before"
