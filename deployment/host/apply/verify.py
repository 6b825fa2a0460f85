"""Success is what a second look says, not that nothing raised."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..event_log import log_commands
from ..node import probe, systemd
from ..releases import certificate
from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.words import count

PATIENCE = 10.0  # seconds for a service that is READY to answer
PATIENCE_UNREADY = 2.0  # seconds that it may answer that it is not ready
PATIENCE_RENEWED = 3.0  # seconds until it presents a certificate that has just been copied
POLL = 0.1  # seconds between two looks at a release that soaks
NAME = "helionyx"
UNCHANGED = "history unchanged"  # what is said where the head of before is still in the chain
REDACTED = "the history is what the redaction left"
RESTORED = "the history is what was restored"  # and where that head is of the log that has just come


def configuration(environment: Environment, release: Manifest) -> str:
    """Ask the release's own code, under its own user, what it makes of its configuration."""
    root = environment.releases / release.id
    read = ask_configuration(environment, release, (root / f".env.{environment.name}").read_bytes())
    if read.problems:
        raise StepFailed(
            f"the release does not accept .env.{environment.name} on this node.", details=read.problems
        )
    if read.facts != release.config:
        wrong = sorted(key for key in read.facts if read.facts[key] != release.config.get(key))
        raise StepFailed(
            f"the node reads .env.{environment.name} otherwise than the manifest: {', '.join(wrong)}."
        )
    return "configuration is valid"


@dataclass(frozen=True)
class Configuration:
    """A configuration as a release reads it."""

    problems: tuple[str, ...]  # one line each; none where the release accepts it
    facts: Mapping[str, Any]  # the values of its keys, as the manifest has them
    digests: Mapping[str, str]  # of the values, also of the secret ones


def ask_configuration(environment: Environment, release: Manifest, content: bytes) -> Configuration:
    """Have a kept release check the bytes of a configuration."""
    words = ("services.config", "check", "--env", environment.name, "--file", "-")
    answer = log_commands.ask(environment, release, *words, input=content, expect=(0, 2), apart=True)
    problems = tuple(
        f"{item['key'] or 'line ' + str(item['line'])}: {item['message']}" for item in answer["problems"]
    )
    return Configuration(problems, answer.get("facts", {}), answer.get("digests", {}))


@dataclass(frozen=True)
class Answer:
    """The answer of a verified release: a remark, the file of its read models, its log.

    `full` says that its disk is full, so that it records little or nothing.
    """

    remark: str
    projections: str
    log: Log
    full: bool = False


def serving(
    environment: Environment, release: Manifest, before: Log | None, history: str = UNCHANGED
) -> Answer:
    """Raise `StepFailed` unless this release answers in this environment with the history of `before`.

    `history` are the last words of the remark.
    """
    return answering(environment, release, before, release.listen, environment.service, history)


def answering(
    environment: Environment,
    release: Manifest,
    before: Log | None,
    address: str,
    unit: str,
    history: str = UNCHANGED,
) -> Answer:
    """The same for whatever `unit` serves behind `address`: `host:port`, or the path of a rehearsal's socket.

    `before` is the log as it was when the change began, None for the first release here, and for one whose
    predecessor could not read its own log.
    """
    is_rehearsal = address != release.listen
    answer = _answer(environment, release, address, unit, is_rehearsal=is_rehearsal)
    claimed = probe.log_of(answer)
    if claimed is None:
        raise StepFailed(f"{release.id} does not tell the length and the head of its event log.")
    # The log is read behind the switch, whatever a rehearsal answers: that saves a start of the program.
    is_same = before is not None and (claimed.length, claimed.head) == (before.length, before.head)
    log = claimed if is_rehearsal and is_same else read(environment, release, before)
    if claimed.length > log.length or (claimed.length == log.length and claimed.head != log.head):
        there = f"{count(log.length)}, head {log.head[:16]}"
        raise StepFailed(
            f"{address} answers with another event log than {log_commands.path_of(release)} has, {there}: "
            f"{count(claimed.length)}, head {claimed.head[:16]}."
        )
    remark = f"healthy, running this release, {count(log.length)}"
    if before is not None and before.length:
        remark += f", {history}"
    return Answer(remark, str(answer.get("projections", "")), log, bool(answer.get("disk")))


def _answer(
    environment: Environment, release: Manifest, address: str, unit: str, *, is_rehearsal: bool
) -> dict[str, Any]:
    """Ask the main process of a unit until it is ready. Raises `StepFailed` unless it is this release."""
    mark = systemd.now(-30)
    pid = systemd.show([unit])[unit].pid
    if not pid:  # whatever answers then is no process of the unit
        raise StepFailed(
            f"{unit} does not run any more.", details=systemd.last_words(environment, mark, unit)
        )
    end = time.monotonic() + PATIENCE_RENEWED
    while True:
        answer = probe.ask_until_ready(address, PATIENCE, PATIENCE_UNREADY, pid)
        wrong = _differences(environment, release, answer, rehearsal=is_rehearsal)
        # A new copy is in use a second later.
        if wrong or not (other := _other_certificate(environment, release, answer)):
            break
        if time.monotonic() >= end:
            wrong = other
            break
        time.sleep(POLL)
    if wrong or answer is None:
        raise StepFailed(
            f"{address} does not answer as {release.id} in {environment.name}: {wrong}.",
            details=systemd.last_words(environment, mark, unit),
        )
    return answer


def staying(
    environment: Environment,
    release: Manifest,
    before: Log | None,
    seconds: float,
    *where: str,
    history: str = UNCHANGED,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Let the release run for a while and ask again.

    Raises `StepFailed` if it ends meanwhile, or answers no more, and whatever `check` raises in between.
    `where` is its address and its unit, as for `answering`.
    """
    address, unit = where or (release.listen, environment.service)
    mark, pid = systemd.now(), systemd.show([unit])[unit].pid
    end = time.monotonic() + seconds
    while (remaining := end - time.monotonic()) > 0:
        time.sleep(min(remaining, POLL))
        check()
        if not pid or not Path(f"/proc/{pid}").exists():
            raise StepFailed(
                f"release {release.id} ended by itself {seconds - remaining:.1f} s after it was ready.",
                details=systemd.last_words(environment, mark, unit),
            )
    return answering(environment, release, before, address, unit, history).remark


def _differences(
    environment: Environment, release: Manifest, answer: dict[str, object] | None, *, rehearsal: bool
) -> str:
    if answer is None:
        return "no answer"
    expected = {"name": NAME, "environment": environment.name, "release": release.id, "ready": True}
    expected |= {"rehearsal": rehearsal, "status": 200}
    members = {
        "rehearsal": False
    } | answer  # which a release of a time before there were rehearsals does not tell
    wrong = [f"{key} is {members.get(key)!r}" for key, value in expected.items() if members.get(key) != value]
    if answer.get("reason"):
        wrong.append(str(answer["reason"]))
    return ", ".join(wrong)


def _other_certificate(environment: Environment, release: Manifest, answer: Mapping[str, Any] | None) -> str:
    """The certificate that is presented, if it is another one than that of the release."""
    expected = certificate.digest(environment) if release.certificate else None
    presented = (answer or {}).get("certificate")
    if presented == expected:
        return ""
    if presented is None:
        return "it speaks HTTP and not HTTPS"
    return (
        f"it presents another certificate than {environment.certificate} has"
        if expected
        else ("it speaks HTTPS, and has no certificate in its configuration")
    )


def read(environment: Environment, release: Manifest, before: Log | None) -> Log:
    """The log in the release's store. Raises `StepFailed` unless the head of `before` is in it, at its place.

    The release's own program reads it: the service may answer anything.
    """
    if before is None or not before.length:
        return log_commands.head(environment, release)[0]
    log, at = log_commands.head(environment, release, at=before.length)
    if at.hash != before.head:
        raise StepFailed(
            f"the event log's history changed: position {before.length} had {before.head[:16]} before, "
            f"and now {at.hash[:16] if at.hash else 'nothing'}.",
            f"keep {environment.data} as it is, and look at it before anything else",
        )
    return log
