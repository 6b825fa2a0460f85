"""The grammar of `.env` files: what is accepted a shell reads the same, the rest is refused with its line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.config import Config
from services.config_sources import ConfigError
from services.env_file import MAX_BYTES, parse

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "env_grammar.json").read_text()
)
SHELLS = [shell for shell in ("sh", "bash") if shutil.which(shell)]


def read_by_a_shell(shell: str, text: str, keys: list[str]) -> dict[str, str]:
    """What `. file` sets."""
    script = 'eval "$(cat)"; ' + "".join(f'printf "%s\\0" "${key}"; ' for key in keys)
    done = subprocess.run([shell, "-c", script], input=text.encode(), capture_output=True, check=True, env={})
    assert not done.stderr
    return dict(zip(keys, done.stdout.decode().split("\0"), strict=False))


def values(text: str) -> dict[str, str]:
    """What the parser reads."""
    return {key: entry.value for key, entry in parse(text.encode()).entries.items()}


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["name"])
def test_accepted(vector: dict[str, Any]) -> None:
    """What the grammar allows is read to these values, without a problem."""
    assert parse(vector["text"].encode()).problems == ()
    assert values(vector["text"]) == vector["values"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["name"])
def test_a_shell_reads_the_same(vector: dict[str, Any], shell: str) -> None:
    """Whoever sources an accepted file gets the values that the service gets."""
    assert read_by_a_shell(shell, vector["text"], list(vector["values"])) == vector["values"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_refused(vector: dict[str, Any]) -> None:
    """What is read in different ways elsewhere is refused with its line and a reason."""
    problem = parse(vector["text"].encode()).problems[0]
    assert problem.line == vector["line"]
    assert vector["reason"] in problem.message


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_no_problem_quotes_a_line(vector: dict[str, Any]) -> None:
    """A line may hold a secret, so that no message shows any of it."""
    told = " ".join(str(problem) for problem in parse(vector["text"].encode()).problems)
    assert "hunter2" not in told.replace("HUNTER2:", "")


def test_every_problem_is_told_at_once() -> None:
    """One bad line does not hide the next one, nor the good ones."""
    found = parse(b"A=1\nexport B=1\nC=$D\n\nE =1\nF=2\n")
    assert [problem.line for problem in found.problems] == [2, 3, 5]
    assert set(found.entries) == {"A", "F"}


def test_not_utf8() -> None:
    """Bytes that are no UTF-8 are refused with the line on which they stand."""
    problem = parse(b"A=1\nB='\xff'\n").problems[0]
    assert (problem.line, problem.message) == (2, "not UTF-8")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xef\xbb\xbfA=1\nB=2\n", "begins with a byte order mark"),
        ("A=1\nB=2\n".encode("utf-16"), "holds a zero byte, as UTF-16 does"),
        ("A=1\nB=2\n".encode("utf-16-be"), "holds a zero byte, as UTF-16 does"),
        (b"A=1\nB=\xff\n", "not UTF-8"),
        (b"A=1\rB=2\r", "ends in CR; LF was expected"),
        (b"#" * (MAX_BYTES + 1), "the file has"),
    ],
)
def test_file_of_which_no_line_can_be_read_has_one_problem(data: bytes, message: str) -> None:
    """No key is called missing that may well stand in it."""
    found = parse(data)
    with pytest.raises(ConfigError) as caught:
        Config.of("dev", found, ".env.dev")
    assert caught.value.problems == found.problems
    assert len(found.problems) == 1
    assert found.problems[0].message.startswith(message)


def test_too_large() -> None:
    """A file of more than MAX_BYTES is not read at all."""
    assert not parse(b"#" * MAX_BYTES).problems
    assert "at most" in parse(b"#" * (MAX_BYTES + 1)).problems[0].message


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="A=#'\"\\$` \t\n\r;*~[é1", max_size=12))
def test_whatever_is_accepted_a_shell_reads_the_same(text: str) -> None:
    """No mixture of the dangerous characters is accepted and then read otherwise by a shell."""
    found = parse(text.encode())
    if found.entries and not found.problems:
        expected = values(text)
        assert read_by_a_shell("sh", text, list(expected)) == expected


def test_file_that_an_editor_of_windows_saved() -> None:
    """Its line ends are one problem, however many lines it has; whatever else is wrong is named too."""
    found = parse(b"# A comment\r\n\r\n" + b"".join(b"KEY_%d=1\r\n" % number for number in range(70)))
    assert [(problem.line, problem.message) for problem in found.problems] == [
        (1, "ends in CRLF; LF was expected; so do 71 more")
    ]
    assert [problem.line for problem in parse(b"A=1\r\nexport B=2\r\n").problems] == [1, 2]
