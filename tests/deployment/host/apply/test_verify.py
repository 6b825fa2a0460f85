"""What counts as an answer of the release that was deployed: each part of it, its status, and its log."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from deployment.host.apply import verify
from deployment.host.node import probe, systemd
from deployment.host.node.systemd import Unit
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout
from deployment.host.values.log import Log
from tests.deployment.shelves import DEV, NEW, OLD, release

WHOLE = {"name": "helionyx", "environment": "dev", "release": "", "ready": True, "status": 200}


def test_whole_answer_has_no_difference(layout: Layout) -> None:
    """A release older than rehearsals does not say whether it is one: it is none."""
    assert verify._differences(DEV, release(layout), WHOLE, rehearsal=False) == ""
    assert verify._differences(DEV, release(layout), WHOLE | {"rehearsal": True}, rehearsal=True) == ""


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("name", "another program"),
        ("environment", "live"),
        ("release", "another release"),
        ("ready", False),
        ("status", 500),
        ("rehearsal", True),
    ],
)
def test_difference_is_named(layout: Layout, key: str, found: object) -> None:
    """With the value that was answered; the rest of the answer is as it should be."""
    answer: dict[str, Any] = WHOLE | {key: found}
    assert verify._differences(DEV, release(layout), answer, rehearsal=False) == f"{key} is {found!r}"


def test_silence_is_named(layout: Layout) -> None:
    """A port that nobody answers on is no healthy release."""
    assert verify._differences(DEV, release(layout), None, rehearsal=False) == "no answer"


def serving(layout: Layout, monkeypatch: pytest.MonkeyPatch, told: Log, before: Log | None) -> verify.Answer:
    """Verify a release whose log is `OLD`, and that answers with the log `told`."""
    config = {**release(layout).config, "api_host": "127.0.0.1", "api_port": 8000}
    made = replace(release(layout), config=config)
    log = {"length": told.length, "head": told.head}
    monkeypatch.setattr(probe, "ask_until_ready", lambda *_: {**WHOLE, "log": log})
    unit = Unit(DEV.service, "active", "running", 7, 0, stale=False, listen=None, since="")
    monkeypatch.setattr(systemd, "show", lambda *_: {DEV.service: unit})
    return verify.serving(layout.of("dev"), made, before)


def test_soak_looks_for_a_cancel(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a cancel it would go on for a minute."""
    unit = Unit(DEV.service, "active", "running", os.getpid(), 0, stale=False, listen=None, since="")
    monkeypatch.setattr(systemd, "show", lambda *_: {DEV.service: unit})

    def check() -> None:
        raise StepFailed("cancelled by ann@host before the switch.")

    where = "/run/x.sock", DEV.service
    with pytest.raises(StepFailed, match="cancelled by ann@host"):
        verify.staying(layout.of("dev"), release(layout), None, 60.0, *where, check=check)


def test_answer_of_a_service_that_has_ended_is_none(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has its socket can answer as long as systemd has not started it again."""
    made = replace(release(layout), config={"api_host": "127.0.0.1", "api_port": 8000})
    unit = Unit(DEV.service, "activating", "auto-restart", 0, 1, stale=False, listen=None, since="")
    monkeypatch.setattr(systemd, "show", lambda *_: {DEV.service: unit})
    monkeypatch.setattr(systemd, "last_words", lambda *_: ("Main process exited",))
    log = {"length": OLD.length, "head": OLD.head}
    monkeypatch.setattr(probe, "ask_until_ready", lambda *_: {**WHOLE, "release": made.id, "log": log})
    with pytest.raises(StepFailed, match=r"helionyx-dev\.service does not run any more") as failure:
        verify.serving(layout.of("dev"), made, OLD)
    assert failure.value.details == ("Main process exited",)


@pytest.mark.parametrize("told", [OLD, NEW, Log(1, "e" * 64)], ids=["this", "shorter", "shortest"])
def test_log_of_a_verified_release_is_the_one_on_the_disk(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, told: Log
) -> None:
    """What it answers is no head to write down: a later one could be cut off unnoticed."""
    assert serving(layout, monkeypatch, told, OLD).log == OLD


@pytest.mark.parametrize(
    ("told", "before", "words"),
    [
        (Log(10, "e" * 64), None, "answers with another event log"),
        (Log(9, "e" * 64), None, "answers with another event log"),
        (Log(30, "b" * 64), Log(30, "b" * 64), "position 30 had bbbbbbbbbbbbbbbb before, and now nothing"),
        (NEW, Log(5, "c" * 64), "position 5 had cccccccccccccccc before, and now ffffffffffffffff"),
    ],
    ids=["longer", "other", "cut", "replaced"],
)
def test_log_that_is_not_the_one_of_before_is_named(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, told: Log, before: Log | None, words: str
) -> None:
    """Also where the service answers with just the head of before."""
    with pytest.raises(StepFailed, match=words):
        serving(layout, monkeypatch, told, before)


def test_rehearsal_that_answers_with_the_head_of_before_costs_no_look(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look behind the switch reads the log in any case."""
    monkeypatch.setattr(verify, "read", lambda *_: pytest.fail("the log was read"))
    made = replace(release(layout), config={"api_host": "127.0.0.1", "api_port": 8000})
    unit = Unit("rehearsal", "active", "running", 7, 0, stale=False, listen=None, since="")
    monkeypatch.setattr(systemd, "show", lambda *_: {"rehearsal": unit})
    answer = {**WHOLE, "rehearsal": True, "log": {"length": OLD.length, "head": OLD.head}}
    monkeypatch.setattr(probe, "ask_until_ready", lambda *_: answer)
    verify.answering(layout.of("dev"), made, OLD, "/run/rehearsal.sock", "rehearsal")
