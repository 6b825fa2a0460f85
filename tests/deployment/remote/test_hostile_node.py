"""A node that answers anything at all: one message and an exit code, and nothing else happens here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployment.errors import DONE, FAILED, HANDS, MEANING, REFUSED
from deployment.settings import ROOT
from deployment.verbs import differences
from tests.deployment.conftest import git
from tests.deployment.hostile_node import CONVERSATIONS, ESCAPE, LONG, lines, replaced, variants
from tests.deployment.ssh_player import install

EACH = 40  # cases of a verb that `make test` tries, spread over all of them
MOST_OUTPUT = 200_000  # characters
MOST_MEMORY = 400 << 20  # bytes
USUAL = dict(
    zip(CONVERSATIONS, (DONE, DONE, HANDS, DONE, DONE, DONE, REFUSED, DONE, DONE, DONE, DONE), strict=True)
)


@pytest.mark.parametrize("verb", CONVERSATIONS)
def test_honest_conversation_is_understood(verb: str, play: Any) -> None:
    """Else the odd ones would show nothing: their values would never be looked at."""
    code, out, err = play(verb, CONVERSATIONS[verb])
    assert code == USUAL[verb], out + err
    assert "answered" not in out + err


def _sample(verb: str, rest: bool) -> list[tuple[str, list[Any]]]:
    cases = list(variants(CONVERSATIONS[verb]))
    step = -(-len(cases) // EACH)
    return [case for number, case in enumerate(cases) if (number % step != 0) == rest]


@pytest.mark.parametrize("rest", [False, pytest.param(True, marks=pytest.mark.faults)])
@pytest.mark.parametrize("verb", CONVERSATIONS)
def test_odd_message_ends_with_one_error(verb: str, rest: bool, play: Any) -> None:
    """Whatever a field holds: no traceback, a known exit code, and no line that the node has begun."""
    for number, (name, messages) in enumerate(_sample(verb, rest)):
        as_json = number % 3 == 0
        code, out, err = play(verb, messages, *(["--json"] if as_json else []))
        assert code in (DONE, REFUSED, FAILED, HANDS), name
        assert len(out) + len(err) < MOST_OUTPUT, name
        shown = (out + err).split("\n")
        assert all(line.replace("\t", " ").isprintable() for line in shown), name
        assert not any(line.startswith("hint: run me") for line in shown), name
        assert err.count("error: ") <= 1, name
        endings = [line for line in shown if line.startswith("exit ")]
        assert all(line.startswith(f"exit {code}: ") for line in endings), name
        if as_json and not verb.startswith("logs"):
            assert json.loads(out)["exit_code"] == code, name


def test_words_of_the_node_cannot_be_taken_for_ours(play: Any) -> None:
    """The node's message and hint bear its name; only our own hints begin with `hint:`."""
    refused = CONVERSATIONS["stop dev"][1]
    code, _, err = play(
        "stop dev", [CONVERSATIONS["stop dev"][0], refused | {"hint": f"curl x | sh{ESCAPE}"}]
    )
    assert code == REFUSED
    first, _, hint, last = err.splitlines()
    assert first == "error: node1: port 8000 is in use"
    assert hint.startswith("hint from node1: curl x | sh\\u001b[2J")
    assert last.endswith(f" · exit 2: {MEANING[REFUSED]}")
    code, out, _ = play("doctor dev", CONVERSATIONS["doctor dev"])
    assert code == HANDS
    assert "        hint from node1: free it\n" in out
    code, out, _ = play("stop dev", [CONVERSATIONS["stop dev"][0], refused], "--json")
    assert json.loads(out)["answered_by"] == "node1"


def test_odd_message_in_the_middle_of_a_change_needs_attention(play: Any) -> None:
    """Something was begun there: "nothing was touched" would be a lie."""
    messages = CONVERSATIONS["restart dev"]
    odd = [*messages[:5], replaced(messages[5], ("entry", "state"), "x")]
    code, _, err = play("restart dev", odd)
    assert code == HANDS
    assert "error: node1 answered 'record' with a fault: entry.state: expected one of begin, done" in err


def test_commit_of_the_node_is_no_option_of_git(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--output=FILE` would create a file here."""
    monkeypatch.chdir(tmp_path)
    head = git(checkout, "rev-parse", "HEAD").strip()
    for before in (f"--output={tmp_path}/created", "--output=created"):
        (line,) = differences.commits(checkout, before, head).lines(9)
        assert line.startswith("? the running commit")
        assert {path.name for path in tmp_path.iterdir()} == {checkout.name}
        assert not (checkout / "created").exists()


MANY_RECORDS = [
    *CONVERSATIONS["restart dev"][:3],
    json.dumps({"type": "record", "entry": {"event": "attempt", "number": 2}}).encode() + b"\n",
]
FLOODS = {
    "a line without end": ("status", lines([CONVERSATIONS["status dev"][0]]) + b"[" * (24 << 20)),
    "records": ("restart dev", lines(MANY_RECORDS[:3]) + MANY_RECORDS[3] * 30_000),
    "a deep value": ("status", lines([CONVERSATIONS["status dev"][0]]) + b"[" * (8 << 20) + b"\n"),
    "a log line without end": (
        "logs dev FOLLOW=0",
        lines(CONVERSATIONS["logs dev FOLLOW=0"][:2]) + LONG.encode() * 640,
    ),
    "a log that is no JSON": (
        "logs dev FOLLOW=0 --json",
        lines(CONVERSATIONS["logs dev FOLLOW=0"][:2]) + b"\x1b[2J\n",
    ),
}


MEASURED = """
import pathlib, resource, subprocess, sys
code = subprocess.run([sys.executable, *sys.argv[2:]], timeout=50).returncode
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
raise SystemExit(code)
"""
"""Runs a program and notes its memory. A child of the tests would begin with theirs: it is more."""


@pytest.mark.parametrize("flood", FLOODS)
def test_flood_costs_little(flood: str, tmp_path: Path) -> None:
    """By a program in place of ssh: memory and time have bounds."""
    verb, content = FLOODS[flood]
    install(tmp_path).write_bytes(content)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    argv = [sys.executable, "-c", MEASURED, str(tmp_path / "used"), "-m", "deployment", *verb.split()]
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = subprocess.run(
            argv,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            timeout=60,
            check=False,
        )
    errors = (tmp_path / "err").read_text()
    assert "Traceback" not in errors
    assert process.returncode == (DONE if "log line" in flood else HANDS if flood == "records" else REFUSED)
    answers = (errors + (tmp_path / "out").read_text()).count("node1 answered ")
    assert answers == (0 if "log line" in flood else 1)
    assert int((tmp_path / "used").read_text()) * 1024 < MOST_MEMORY
    assert b"\x1b" not in (tmp_path / "out").read_bytes()


def test_errors_of_the_node_are_bounded(tmp_path: Path) -> None:
    """A node that writes to standard error without end fills neither memory nor disk here."""
    path = tmp_path / "ssh"
    path.write_text(
        f"#!{sys.executable} -IS\nimport os\nfor _ in range(2000):\n    os.write(2, b'\\x1b[2Jx' * 10_000)\n"
        "os.write(2, b'\\nthe last word\\n')\nraise SystemExit(3)\n"
    )
    path.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    argv = [sys.executable, "-m", "deployment", "status"]
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == REFUSED
    assert b"\n  | the last word\n" in done.stderr
    assert len(done.stderr) < MOST_OUTPUT
    assert b"\x1b" not in done.stderr
