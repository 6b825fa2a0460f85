"""`make doctor` at the operator's end: what it gathers, its rules, and how they are shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployment import arguments
from deployment.build.configuration import Configuration
from deployment.host.values import check
from deployment.host.values.check import BAD, OK, WARN, Check
from deployment.host.values.manifest import ACCESS, BOT
from deployment.settings import ROOT
from deployment.ui import report
from deployment.verbs import checkout as here
from deployment.verbs import rules
from deployment.verbs.checkout import EnvFile, Tools, Tree
from tests.deployment.conftest import git, not_ok

FACTS = {
    "api_host": "0.0.0.0",
    "api_port": 8000,
    "event_store_path": "/var/lib/helionyx/dev/events",
    "projections_db_path": "/var/lib/helionyx/dev/projections/helionyx.db",
}

ELSEWHERE: dict[str, Any] = {"api_port": 8002, "event_store_path": "/e", "projections_db_path": "/p"}


def env_file(
    environment: str,
    *,
    node: str = "node1",
    mode: int = 0o600,
    bot: str = "",
    token: str | None = None,
    **facts: object,
) -> EnvFile:
    """An accepted configuration with these facts."""
    own = environment if token is None else token
    digests = {key: digest for key, digest in ((ACCESS, own), (BOT, bot)) if digest}
    return EnvFile(
        environment,
        Path(f"/x/.env.{environment}"),
        node,
        mode,
        configuration=Configuration(b"", FACTS | facts, digests, {}),
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([env_file("dev"), env_file("live", node="elsewhere")], []),
        ([env_file("dev"), env_file("live", api_port=8002)], ["data", "data"]),
        ([env_file("dev", bot="d1"), env_file("live", node="elsewhere", bot="d1")], ["bot"]),
        ([env_file("dev", bot="d1"), env_file("live", node="elsewhere", bot="d2")], []),
        (
            [env_file("dev"), env_file("live", event_store_path="/e", projections_db_path="/p")],
            ["port"],
        ),
        ([env_file("dev"), env_file("live", token="", **ELSEWHERE)], ["token"]),
        ([env_file("dev"), env_file("live", token="dev", **ELSEWHERE)], ["token"]),
        ([env_file("dev"), env_file("live", node="elsewhere", token="")], []),
        ([env_file("staging"), env_file("live")], []),  # neither was asked for
    ],
)
def test_what_two_env_files_cannot_share(files: list[EnvFile], expected: list[str]) -> None:
    """A port and the data paths of one node, and a bot anywhere."""
    assert [item[0] for item in not_ok(list(rules.apart(files, ["dev"])))] == expected


def test_bot_is_compared_and_never_shown() -> None:
    """Not even its digest."""
    same = rules.apart([env_file("dev", bot="d1gest"), env_file("live", node="x", bot="d1gest")], ["dev"])
    assert "d1gest" not in json.dumps([item.to_json() for item in same])


def test_env_files_are_looked_at_as_they_lie(checkout: Path) -> None:
    """Absent is a warning unless it was named; readable by others, and each problem that is found, is bad."""
    source, path = here.code(checkout), checkout / ".env.dev"

    def look(environment: str = "dev", *, named: bool = False) -> list[tuple[str, str, str]]:
        found = here.env_file(checkout, environment, "node1", source)
        return not_ok(list(rules.env_file(found, named=named)))

    path.chmod(0o600)
    assert not look()
    assert look("live") == [(".env.live", WARN, f"is not in {checkout}")]
    assert look("live", named=True) == [(".env.live", BAD, f"is not in {checkout}")]
    path.chmod(0o640)
    assert look() == [(".env.dev", BAD, "others can read its secrets: mode 0640")]
    path.chmod(0o600)
    path.write_text("API_PORT=many\nexport A=1\n")
    assert len(look()) >= 3
    assert any("line 1, API_PORT" in found for _, _, found in look())
    text = "EVENT_STORE_PATH=/srv/e\nPROJECTIONS_DB_PATH=/srv/p/x.db\nAPI_PORT=8000\nAPI_HOST=127.0.0.1\n"
    path.write_text(text)
    assert [found.split(" is not below ")[0] for _, _, found in look()] == [
        "EVENT_STORE_PATH=/srv/e",
        "PROJECTIONS_DB_PATH=/srv/p/x.db",
    ]


def test_check_that_cannot_be_made_is_no_fault_of_the_file(checkout: Path) -> None:
    """Code that does not parse is named by its place, and what is no file is not to be edited."""
    (checkout / "services" / "config.py").write_text("x = 1\nthis is no python\n")
    (checkout / ".env.dev").chmod(0o600)
    source = here.code(checkout)
    (broken,) = rules.env_file(here.env_file(checkout, "dev", "node1", source), named=True)
    assert broken.text == "could not be checked: services/config.py, line 2: SyntaxError: invalid syntax"
    assert "edit" not in broken.mend
    (checkout / ".env.live").mkdir(mode=0o700)
    (unread,) = rules.env_file(here.env_file(checkout, "live", "node1", source), named=True)
    assert (unread.level, unread.text) == (BAD, "cannot be read: Is a directory")
    assert "edit" not in unread.mend


def test_git_mends_in_its_own_words(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout of somebody else is not begun anew."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    said = "fatal: detected dubious ownership in repository at '/x'\nTo add an exception, call:\n\n"
    program.write_text(
        f'#!/bin/sh\ncat >&2 <<"END"\n{said}\tgit config --global --add safe.directory /x\nEND\nexit 128\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    judged = rules.tree(here.tree(checkout))
    assert judged.text == "fatal: detected dubious ownership in repository at '/x'"
    assert judged.mend == "git config --global --add safe.directory /x"


def test_tree_is_looked_at_without_a_trace(checkout: Path) -> None:
    """Clean, dirty, and no repository at all; the index stays untouched."""
    index = checkout / ".git" / "index"
    before = index.stat().st_mtime_ns
    (checkout / "pyproject.toml").touch()  # git would like to note that it is unchanged
    assert rules.tree(here.tree(checkout)).level == OK
    (checkout / "services" / "new.py").write_text("")
    assert rules.tree(here.tree(checkout)).text.endswith(": services/new.py")
    assert index.stat().st_mtime_ns == before
    assert rules.tree(here.tree(checkout.parent)).mend.startswith("git clone")
    git(checkout, "update-ref", "-d", "HEAD")
    assert rules.tree(here.tree(checkout)).mend.startswith("git add --all && git commit")


def test_lock_is_read_and_its_absence_named(checkout: Path) -> None:
    """uv is tried, and nothing is built."""
    assert not not_ok(list(rules.tools(here.tools(here.code(checkout)))))
    (checkout / "uv.lock").unlink()
    assert not_ok(list(rules.tools(here.tools(here.code(checkout))))) == [("uv.lock", BAD, "is not there")]
    assert [item[:2] for item in not_ok(list(rules.tools(Tools(uv_problem="gone", lock_problem="x"))))] == [
        ("uv", BAD),
        ("uv.lock", BAD),
    ]


def test_packages_of_another_lock_are_a_warning(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are used all the same: to bring them up to it would be a change."""
    (tmp_path / ".locked").write_bytes((checkout / "uv.lock").read_bytes())
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert not not_ok(list(rules.tools(here.tools(here.code(checkout)))))
    (tmp_path / ".locked").write_text("another")
    assert [item[:2] for item in not_ok(list(rules.tools(here.tools(here.code(checkout)))))] == [
        (".venv", WARN)
    ]


def test_script_uses_the_packages_that_are_there(checkout: Path) -> None:
    """Whatever has become of the lock since: that is for doctor to say."""
    for name in ("deployment", "scripts"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / ".venv").symlink_to(sys.prefix)
    (checkout / "uv.lock").write_text("broken")
    stamp = Path(sys.prefix) / ".locked"
    before = stamp.exists() and stamp.stat().st_mtime_ns

    def run() -> subprocess.CompletedProcess[str]:
        argv = [str(checkout / "scripts/deploy/doctor.sh"), "dev", "--json"]
        environ = os.environ | {"NODE": "nowhere.invalid"}
        return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)

    done = run()
    assert done.returncode == 4, done.stderr
    assert {item["name"] for item in json.loads(done.stdout)["checks"] if item["level"] == BAD} >= {
        "uv.lock",
        "ssh",
    }
    assert (stamp.exists() and stamp.stat().st_mtime_ns) == before
    (checkout / "pyproject.toml").write_text("[project]\nname = \n")
    done = run()
    assert done.returncode == 2
    assert (
        "pyproject.toml cannot be read: Invalid value (at line 2, column 8)"
        in json.loads(done.stdout)["message"]
    )


def test_tree_names_a_few_of_many_changes() -> None:
    """And how many more there are."""
    assert rules.tree(Tree("c", "s", ("a", "b", "c", "d", "e"))).text.endswith("a, b, c and 2 more")


@pytest.mark.parametrize(
    ("ports", "mend"),
    [((8000, 8000), "API_PORT=8002 in .env.live"), ((8002, 8002), "API_PORT=8000 in .env.dev")],
)
def test_clash_is_mended_where_the_template_was_left(ports: tuple[int, int], mend: str) -> None:
    """Not in the file that is as it was made."""
    one, other = (env_file(name, api_port=port) for name, port in zip(("dev", "live"), ports, strict=True))
    port, *data = rules.apart([one, other], ["dev"])
    assert port.mend.startswith(mend)
    assert [item.mend.rpartition(" ")[2] for item in data] == [".env.live"] * 2


def test_line_is_aligned_and_folded_but_its_mend_is_not() -> None:
    """What is to be pasted stays in one piece."""
    item = Check("disk", BAD, "word " * 30, "x" * 200)
    plain = report.lines(item)
    assert len(plain) == 2
    folded = report.lines(item, 80)
    assert max(len(line) for line in folded[:-1]) <= 80
    assert folded[0].index("word") == len(folded[1]) - len(folded[1].lstrip())
    assert folded[-1] == plain[-1] == f"        hint: {'x' * 200}"


@pytest.mark.parametrize(("level", "code"), [(OK, 0), (WARN, 0), (BAD, 4)])
def test_exit_code_is_that_of_the_worst(level: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings are allowed."""
    for as_json in (False, True):
        shown = report.Report(as_json=as_json)
        shown.section("here", [check.ok("a", "b"), Check("c", level, "d", "e" if level != OK else "")])
        assert shown.end() == code
        out = capsys.readouterr().out
        assert f"exit {code}: " in out if not as_json else json.loads(out)["exit_code"] == code


@pytest.mark.parametrize("as_json", [False, True])
def test_interrupted_doctor_tells_what_it_has_found(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing of a node that would go on: nothing was begun there."""
    shown = report.Report(as_json=as_json)
    shown.section("here", [check.bad("a", "b", "c")])
    assert shown.interrupt() == 130
    out = capsys.readouterr().out
    assert (
        json.loads(out)["exit_code"] == 130 if as_json else out.endswith("1 error · exit 130: interrupted\n")
    )


def test_doctor_looks_at_all_unless_one_is_named() -> None:
    """Live too, for looking needs no naming."""
    assert arguments.read(["doctor"], {}).environments == ("dev", "staging", "live")
    assert arguments.read(["doctor", "live"], {}).environments == ("live",)
