"""Probation: the node watches a deployed release for a while, and reverts it if it fails. See ADR 22."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..node import probe, processes, shares, systemd
from ..node.run import run
from ..node.systemd import Unit
from ..records import locks, record
from ..records.record import Transaction
from ..releases import halves, releases
from ..values.errors import HostError, StepFailed
from ..values.layout import Environment
from ..values.probation import Sample, failure
from ..values.request import ResolvedRequest
from . import unit

POLL = 1.0  # seconds between two looks
MOST = 30  # looks back that a judgement needs
BETWEEN = ("activating", "deactivating", "reloading")  # the states of a start, a stop, a reload
ACTOR = "probation"  # in the history, in place of a person's name


def unit_of(transaction: Transaction) -> str:
    """The transient unit that watches the release of a transaction. A reboot ends it."""
    return f"helionyx-probation-{transaction.id}.service"


def begin(transaction: Transaction, request: ResolvedRequest, program: Path) -> None:
    """Watch the release of a deploy that is done, if it was asked for and there is one to go back to.

    With `insist`, the release before may not be able to read what this one writes: then it is not watched.
    """
    result = transaction.result or {}
    is_done = request.verb == "deploy" and result.get("outcome") == "done"
    before, after = result.get("before"), result.get("after")
    if not is_done or request.insist or not request.watch or before in (None, after):
        return
    settings = [line for line in shares.TRANSACTION.splitlines() if not line.startswith("#")]
    properties = [*settings, f"RuntimeMaxSec={request.watch + 60:.0f}", "Restart=on-failure"]
    argv = ["systemd-run", "--quiet", "--collect", f"--unit={unit_of(transaction)}"]
    argv += [f"--property={line}" for line in properties]
    try:
        run([*argv, sys.executable, "-SI", str(program), "probation", str(program), transaction.id])
    except StepFailed as error:
        transaction.write("probation", problem=error.message)


def note(environment: Environment) -> str:
    """The line of a status about the probation of the last change; empty without one."""
    last = max(record.of(environment), key=lambda item: item.first_attempt, default=None)
    result = last.result if last else None
    if last is None or result is None:
        return ""
    request = ResolvedRequest.parse(last.request, environment.layout)
    # The clock may have been set back since.
    seconds = min(float(result["at"]) + request.watch - time.time(), request.watch)
    if seconds <= 0:
        return ""
    if problems := last.entries("probation"):
        return f"not on probation, the node does not revert it: {problems[-1]['problem']}"
    if not systemd.is_alive(unit_of(last)):
        return ""
    return f"on probation for {seconds:.0f} s: if it fails, the node reverts it to {result['before']}"


def watch(transaction: Transaction, program: Path) -> None:
    """Look at the release each second until its time is over, another change begins, or it fails.

    A person who stops the service ends the probation too. Nothing is judged while a person restarts it: a
    start that fails is a restart by systemd. A look that fails is no failure of the release.
    """
    request = ResolvedRequest.parse(transaction.request, transaction.layout)
    environment, result = request.environment, transaction.result or {}
    release = releases.read_manifest(environment, result["after"])
    end = time.monotonic() + float(result["at"]) + request.watch - time.time()
    samples: list[Sample] = []
    while time.monotonic() < end and release is not None:
        with suppress(OSError):  # no later change prunes the program that watches
            os.utime(program)
        try:
            if locks.holder(environment.layout, environment.name) is None:
                service = systemd.show([environment.service])[environment.service]
                if service.active == "inactive" or _is_superseded(environment, transaction):
                    return
                samples = _sampled(samples, service, release.listen)
                reason = failure(samples) if samples else ""
                if reason:
                    _revert(environment, release.id, str(result["before"]), reason, program)
                    return
        except HostError as error:
            sys.stderr.write(f"{error.message}\n")
        time.sleep(POLL)


def _sampled(samples: list[Sample], service: Unit, listen: str) -> list[Sample]:
    """The last samples with one more; none while a person starts or stops the service."""
    if service.active in BETWEEN and not service.restarts:
        return []
    return [*samples[-MOST:], _sample(service, listen)]


def _is_superseded(environment: Environment, transaction: Transaction) -> bool:
    """Whether a later change of the environment has begun: it decides what runs.

    An id is older than the beginning: the data of a change is sent in between.
    """
    if releases.current(environment) != (transaction.result or {})["after"]:
        return True
    first_attempt = transaction.first_attempt
    return any(item.first_attempt > first_attempt for item in record.of(environment))


def _sample(service: Unit, listen: str) -> Sample:
    answer = _answer(service, listen) or {}
    requests = answer.get("requests")
    return Sample(
        at=time.monotonic(),
        restarts=service.restarts,
        ready=answer.get("ready") is True,
        reason=str(answer.get("reason") or "")[:200],
        requests=_counts(requests) if isinstance(requests, dict) else None,
        full=bool(answer.get("disk")),
        memory=processes.memory(service.pid) if service.pid else 0,
        limit=service.memory,
    )


def _answer(service: Unit, listen: str) -> dict[str, object] | None:
    """The answer of the service; none while it does not run, for a probe would start it."""
    return probe.ask(listen, pid=service.pid) if service.active == "active" and service.pid else None


def _counts(requests: Mapping[str, object]) -> tuple[int, int] | None:
    """The counters in an answer; None where they are no counters: the service may answer anything."""
    answered, failed = requests.get("answered"), requests.get("failed")
    if not (isinstance(answered, int) and isinstance(failed, int)):
        return None
    return (answered, failed) if 0 <= failed <= answered < 2**63 else None


def _revert(environment: Environment, failed: str, before: str, reason: str, program: Path) -> None:
    """Begin a rollback as any other: it has a transaction, a unit and a line in the history.

    Raises `HostError` where systemd does not start it; nothing of it is left then.
    """
    asked = {"verb": "rollback", "environment": environment.name, "actor": {"name": ACTOR, "login": "root"}}
    request = {**asked, "to": before, "reason": reason, "failed": failed, "asked": asked}
    transaction = record.create(environment.layout, request)
    try:
        unit.start(transaction, halves.keep(environment.layout, program))
    except HostError:
        record.forget(transaction)
        raise
