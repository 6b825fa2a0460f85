"""`make doctor` at the operator's end: what it gathers, its rules, and how they are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployment import checkout as here
from deployment import report, rules, settings
from deployment.checkout import EnvFile, Tools, Tree
from deployment.configuration import Configuration
from deployment.connection import Lost, explain
from deployment.host import check
from deployment.host.check import BAD, OK, WARN, Check
from deployment.host.model import BOT
from deployment.login import Login

from .conftest import git, not_ok

FACTS = {
    "api_host": "0.0.0.0",
    "api_port": 8000,
    "event_store_path": "/var/lib/helionyx/dev/events",
    "projections_db_path": "/var/lib/helionyx/dev/projections/helionyx.db",
}


def env_file(
    environment: str, *, node: str = "node1", mode: int = 0o600, bot: str = "", **facts: object
) -> EnvFile:
    """An accepted configuration with these facts."""
    digests = {BOT: bot} if bot else {}
    return EnvFile(
        environment,
        Path(f"/x/.env.{environment}"),
        node,
        mode,
        (),
        Configuration(b"", FACTS | facts, digests, {}),
    )


@pytest.mark.parametrize(
    ("offset", "level"), [(0.0, OK), (-1.9, OK), (2.1, WARN), (-59.0, WARN), (61.0, BAD), (-3600.0, BAD)]
)
def test_clock(offset: float, level: str) -> None:
    """Two seconds are a warning, a minute is bad, and which of the two is ahead is said."""
    judged = rules.clock(offset, 0.1)
    assert judged.level == level
    assert ("ahead" in judged.found) is (offset > 0)


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
    """Absent is a warning; readable by others, and each problem of the release's own check, is bad."""
    source, path = here.code(checkout), checkout / ".env.dev"

    def look(environment: str = "dev") -> list[tuple[str, str, str]]:
        return not_ok(list(rules.env_file(here.env_file(checkout, environment, "node1", source))))

    path.chmod(0o600)
    assert not look()
    assert look("live") == [(".env.live", WARN, f"is not in {checkout}")]
    path.chmod(0o640)
    assert look() == [(".env.dev", BAD, "others can read its secrets: mode 0640")]
    path.chmod(0o600)
    path.write_text("API_PORT=many\nexport A=1\n")
    assert len(look()) >= 3
    assert any("line 1, API_PORT" in found for _, _, found in look())
    text = "EVENT_STORE_PATH=/srv/e\nPROJECTIONS_DB_PATH=/srv/p/x.db\nAPI_PORT=8000\nAPI_HOST=127.0.0.1\n"
    path.write_text(text)
    assert [found.split(" lies ")[0] for _, _, found in look()] == [
        "EVENT_STORE_PATH=/srv/e",
        "PROJECTIONS_DB_PATH=/srv/p/x.db",
    ]


def test_tree_is_looked_at_without_a_trace(checkout: Path) -> None:
    """Clean, dirty, and no repository at all; the index stays untouched."""
    index = checkout / ".git" / "index"
    before = index.stat().st_mtime_ns
    (checkout / "pyproject.toml").touch()  # git would like to note that it is unchanged
    assert rules.tree(here.tree(checkout)).level == OK
    (checkout / "new.py").write_text("")
    assert rules.tree(here.tree(checkout)).found.endswith(": new.py")
    assert index.stat().st_mtime_ns == before
    assert rules.tree(here.tree(checkout.parent)).level == BAD
    git(checkout, "update-ref", "-d", "HEAD")
    assert rules.tree(here.tree(checkout)).level == BAD


def test_lock_is_read_and_its_absence_named(checkout: Path) -> None:
    """uv is tried, and nothing is built."""
    assert not not_ok(list(rules.tools(here.tools(here.code(checkout)))))
    (checkout / "uv.lock").unlink()
    assert not_ok(list(rules.tools(here.tools(here.code(checkout))))) == [("uv.lock", BAD, "is not there")]
    assert [item[:2] for item in not_ok(list(rules.tools(Tools(uv_problem="gone", lock_problem="x"))))] == [
        ("uv", BAD),
        ("uv.lock", BAD),
    ]


def test_tree_names_a_few_of_many_changes() -> None:
    """And how many more there are."""
    assert rules.tree(Tree("c", "s", ("a", "b", "c", "d", "e"))).found.endswith("a, b, c and 2 more")


@pytest.mark.parametrize(
    ("code", "words", "name"),
    [
        (255, ["ssh: connect to host node1 port 22: Connection refused"], "ssh"),
        (255, ["Host key verification failed."], "host key"),
        (1, ["sudo: a password is required"], "sudo"),
        (127, ["exec: /usr/bin/python3: not found"], "python"),
    ],
)
def test_way_that_breaks_off_is_named_once(code: int, words: list[str], name: str) -> None:
    """By the same words as everywhere; what lies behind it is said not to have been looked at."""
    broken, rest = not_ok(list(rules.lost("node1", explain("node1", code, words), "ada")))
    assert broken[:2] == (name, BAD)
    assert rest == ("the rest", WARN, "not looked at on node1: disk, clock, ports, units, releases, data")


def test_sudo_rule_bears_the_name_of_who_logs_in() -> None:
    """Ready to paste."""
    first, _ = rules.lost("node1", Lost("sudo wants a password", "docs", about="sudo"), "ada")
    assert "echo 'ada ALL=(root) NOPASSWD: /usr/bin/python3' > /etc/sudoers.d/helionyx &&" in first.mend


def test_host_key_is_forgotten_by_the_command_that_ssh_proposes() -> None:
    """It knows the file, and the name that the key stands under."""
    proposed = 'ssh-keygen -f "/x/known" -R "192.0.2.1"'
    words = ["@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", "remove with:", proposed]
    assert proposed in explain("node1", 255, words, ("-F", "x y")).hint
    assert "ssh -F 'x y' node1" in explain("node1", 255, words, ("-F", "x y")).hint


def test_slow_login_is_a_warning() -> None:
    """Every verb would wait for it."""
    assert not not_ok(list(rules.login("node1", Login("ada", 0.2, "SHA256:x"))))
    assert not_ok(list(rules.login("node1", Login("ada", 6.0, "SHA256:x"))))[0][:2] == ("ssh", WARN)
    assert not not_ok(list(rules.login("local", Login("ada"))))


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


def test_doctor_looks_at_all_unless_one_is_named() -> None:
    """Live too, for looking needs no naming."""
    assert settings.read(["doctor"], {}).environments == ("dev", "staging", "live")
    assert settings.read(["doctor", "live"], {}).environments == ("live",)
