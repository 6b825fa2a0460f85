"""What costs the words of people wants a name to be typed."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from deployment import arguments
from deployment.errors import REFUSED, DeployError
from deployment.settings import Settings
from deployment.verbs import consent
from deployment.verbs.differences import Commits, Differences, Keys


def ask(request: Settings) -> None:
    """Ask the question of a request, if it has one."""
    consent.ask(request, consent.question_of(request))


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (["restore", "live"], {"BACKUP": "x.db"}),
        (["restore", "live"], {"BACKUP": "x.db", "CONFIRM": "dev"}),
        (["restore", "live"], {"BACKUP": "x.db", "CONFIRM": "Live"}),
        (["remove", "dev"], {"DATA": "delete", "CONFIRM": "yes"}),
        (["redact", "live"], {"POSITION": "2", "REASON": "x"}),
        (["remove", "live"], {}),
        (["remove", "live"], {"CONFIRM": "yes"}),
    ],
)
def test_without_its_name_it_is_refused(words: list[str], environ: dict[str, str]) -> None:
    """Where there is no terminal, that is `CONFIRM`."""
    with pytest.raises(
        DeployError, match=r" was not \w+: (it was not confirmed|the answer was '\w+', not '\w+')\."
    ) as refusal:
        ask(arguments.read([*words, "--json"], environ))
    assert f"CONFIRM={words[1]}" in refusal.value.hint
    assert refusal.value.code == REFUSED


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (["restore", "live"], {"BACKUP": "x.db", "CONFIRM": "live"}),
        (["restore", "dev"], {"BACKUP": "x.db"}),
        (["remove", "dev"], {}),
        (["remove", "live"], {"CONFIRM": "live"}),
        (["rebuild", "live"], {}),
        (["redact", "dev"], {"POSITION": "2", "REASON": "x"}),
        (["redact", "live"], {"POSITION": "2", "REASON": "x", "CONFIRM": "live"}),
    ],
)
def test_with_it_or_without_need_it_goes_on(words: list[str], environ: dict[str, str]) -> None:
    """Only live is asked before a restore or a removal: what was said to it is kept."""
    ask(arguments.read([*words, "--json"], environ))


@pytest.mark.parametrize(
    ("typed", "goes_on"),
    [("dev\n", True), ("\n", False), ("Dev\n", False), ("live\n", False), ("yes\n", False), ("\x04", False)],
)
def test_name_is_typed_at_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: str, goes_on: bool) -> None:
    """Anything else refuses, an empty line and Ctrl-D too."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        keyboard.write(typed.encode())
        asked = arguments.read(["remove", "dev"], {"DATA": "delete"})
        if goes_on:
            ask(asked)
        else:
            with pytest.raises(DeployError, match="the data of dev was not deleted: "):
                ask(asked)


@pytest.mark.parametrize(
    ("environment", "other", "confirm", "goes_on"),
    [
        ("staging", "live", None, False),
        ("staging", "live", "live", False),
        ("staging", "live", "staging", True),
        ("staging", None, None, True),
        ("live", "dev", None, True),  # its name was typed before
    ],
)
def test_backup_of_another_environment(
    environment: str, other: str | None, confirm: str | None, goes_on: bool
) -> None:
    """The operator types the name of the environment that gets the backup."""
    environ = {"BACKUP": "x.db", **({"CONFIRM": confirm} if confirm else {})}
    asked = arguments.read(["restore", environment, "--json"], environ)
    if goes_on:
        consent.ask_about_another(asked, other)
    else:
        with pytest.raises(DeployError, match="staging did not get the log of live: "):
            consent.ask_about_another(asked, other)


LOSES = Commits(gone=("1a2b3c4 One", "5d6e7f8 Two"))
UNKNOWN = Commits(unknown="the running commit 000000000000 is not in this repository")
CHANGES, GOES = Keys(changed=("API_PORT", "API_TOKEN")), Keys(gone=("TELEGRAM_BOT_TOKEN",))


@pytest.mark.parametrize(
    ("verb", "commits", "keys", "effect"),
    [
        ("deploy", LOSES, Keys(), "live would lose 2 commits"),
        ("deploy", Commits(("1a2b3c4 One",), ("5d6e7f8 Two",)), Keys(), "live would lose 1 commit"),
        ("deploy", UNKNOWN, Keys(), "000000000000 is not in this repository, and may be newer"),
        ("deploy", Commits(), CHANGES, "its API_TOKEN would change"),
        ("deploy", Commits(), GOES, "its TELEGRAM_BOT_TOKEN would go"),
        ("deploy", LOSES, CHANGES, "live would lose 2 commits, its API_TOKEN would change"),
        ("rollback", LOSES, CHANGES, "its API_TOKEN would change"),
        ("deploy", Commits(("1a2b3c4 One",)), Keys(new=("API_TOKEN",), changed=("API_PORT",)), None),
        ("rollback", LOSES, Keys(), None),
        ("rollback", UNKNOWN, Keys(), None),
    ],
)
def test_losses_of_live(verb: str, commits: Commits, keys: Keys, effect: str | None) -> None:
    """Only CONFIRM=live goes on where nobody can be asked; dev and staging are never asked."""
    between = Differences(commits, keys)
    planned = consent.question_about_release(arguments.read(["plan", "live", f"VERB={verb}"], {}), between)
    assert (planned is not None) == (effect is not None), "a plan says that it would ask"
    for environ in ({}, {"CONFIRM": "dev"}, {"CONFIRM": "yes"}) if effect else ():
        with pytest.raises(DeployError, match=f"{effect}: (it was not confirmed|the answer was)") as refusal:
            consent.ask_about_release(arguments.read([verb, "live", "--json"], environ), between)
        assert "CONFIRM=live" in refusal.value.hint
        assert refusal.value.code == REFUSED
        assert refusal.value.details == tuple(between.lines), "programs see nothing above it"
    for environment in ("dev", "staging") if effect else ("live",):
        consent.ask_about_release(arguments.read([verb, environment, "--json"], {}), between)
    consent.ask_about_release(arguments.read([verb, "live", "--json"], {"CONFIRM": "live"}), between)
