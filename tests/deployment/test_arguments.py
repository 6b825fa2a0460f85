"""What counts as naming an environment, and what is refused before anything is touched."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deployment.arguments import choose, read
from deployment.errors import REFUSED, DeployError
from deployment.settings import ROOT
from deployment.verbs import table


@pytest.mark.parametrize(
    ("verb", "argument", "environ", "expected"),
    [
        ("deploy", "dev", {}, (True, ("dev",))),
        ("deploy", None, {"ENV": "live", "ENV_ORIGIN": "command line"}, (True, ("live",))),
        ("deploy", None, {"ENV": "staging", "ENV_ORIGIN": "environment"}, (True, ("staging",))),
        ("restart", None, {}, (False, ("dev",))),
        ("restart", None, {"ENV": "/etc/profile", "ENV_ORIGIN": "environment"}, (False, ("dev",))),
        ("restart", "live", {"ENV": "dev"}, (True, ("live",))),
        ("status", None, {}, (False, ("dev", "staging", "live"))),
        ("status", None, {"ENV": "live", "ENV_ORIGIN": "environment"}, (True, ("live",))),
        ("status", None, {"ENV": "", "ENV_ORIGIN": "command line"}, (False, ("dev", "staging", "live"))),
    ],
)
def test_environment_is_chosen(
    verb: str, argument: str | None, environ: dict[str, str], expected: tuple[bool, tuple[str, ...]]
) -> None:
    """A name on the command line wins; one in the shell counts if it is one; live is never a default."""
    assert choose(verb, argument, environ) == expected


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["deploy"], {}, "deploy needs an environment"),
        (["deploy"], {"ENV": "/etc/profile", "ENV_ORIGIN": "environment"}, "deploy needs an environment"),
        (["deploy", "prod"], {}, "no such environment: 'prod'"),
        (["deploy"], {"ENV": "prod", "ENV_ORIGIN": "command line"}, "no such environment: 'prod'"),
        (["restart"], {"ENV": "live", "ENV_ORIGIN": "environment"}, "must be named on the command line"),
        (["deploy"], {"ENV": "live", "ENV_ORIGIN": "environment"}, "must be named on the command line"),
        (["deploy", "dev", "staging"], {}, "one environment at a time"),
        (["explode"], {}, "unknown command 'explode'"),
        ([], {}, "a command is needed"),
        (["deploy", "dev", "--force"], {}, "unknown option --force"),
        (["logs"], {"LINES": "many"}, "LINES=many"),
        (["deploy", "dev", "SOKA=3"], {}, "there is no variable SOKA"),
        (["deploy", "dev", "SOAK=nan"], {}, "SOAK=nan is no number of seconds"),
        (["deploy", "dev"], {"SOAK": "601"}, "SOAK=601 is no number of seconds"),
        (["deploy", "dev"], {"KEEP": "0"}, "KEEP=0 is not a number of releases"),
        (["rollback", "dev"], {"CONFIG": "old"}, "CONFIG has no value 'old'"),
        (["promote", "staging"], {}, "staging cannot be promoted to itself"),
        (["promote", "live"], {"FROM": "prod"}, "FROM has no value 'prod'"),
        (["promote"], {"FROM": "dev"}, "promote needs an environment"),
        (["plan", "dev", "RELEASE=1a2b"], {}, "plan takes no RELEASE"),
        (["plan", "dev", "VERB=stop", "RELEASE=1a2b"], {}, "plan of a stop takes no RELEASE"),
        (["plan", "dev", "VERB=rollback", "CONFIRM=dev"], {}, "plan of a rollback takes no CONFIRM"),
        (["plan", "dev", "VERB=status"], {}, "VERB has no value 'status'"),
        (["plan", "dev", "VERB=restore"], {}, "restore needs a backup"),
        (["deploy", "dev", "VERB=rollback"], {}, "deploy takes no VERB"),
        (["remove", "dev"], {"DATA": "all"}, "DATA has no value 'all'"),
        (["remove"], {}, "remove needs an environment"),
        (["backup"], {}, "backup needs an environment"),
        (["rebuild"], {}, "rebuild needs an environment"),
        (["restore", "dev"], {}, "restore needs a backup"),
        (["redact", "dev"], {"REASON": "x"}, "redact needs the position of an event"),
        (["redact", "dev"], {"REASON": "x", "POSITION": "0"}, "redact needs the position of an event"),
        (["redact", "dev"], {"REASON": "x", "POSITION": str(2**63)}, "redact needs the position of an event"),
        (["redact", "dev"], {"POSITION": "2", "REASON": " "}, "redact needs a reason"),
        (["redact", "dev"], {"POSITION": "2", "REASON": "a\x1b[31m"}, "redact needs a reason"),
        (["redact"], {"POSITION": "2", "REASON": "x"}, "redact needs an environment"),
        (["logs"], {"FOLLOW": "perhaps"}, "FOLLOW=perhaps"),
        (["logs"], {"SSH_OPTIONS": "-F 'x"}, "SSH_OPTIONS cannot be split"),
        (["deploy", "dev", "RELEASE=1a2b"], {}, "deploy takes no RELEASE"),
        (["deploy", "dev"], {"GIVEN": "ENV LOGIN"}, "deploy takes no LOGIN"),
    ],
)
def test_bad_request_is_refused(arguments: list[str], environ: dict[str, str], message: str) -> None:
    """One message, one hint, exit code 2."""
    with pytest.raises(DeployError) as refusal:
        read(arguments, environ)
    assert message in refusal.value.message
    assert refusal.value.hint
    assert refusal.value.code == REFUSED


def test_what_stands_in_the_shell_is_not_typed() -> None:
    """It may be meant for another verb; and where make says what was typed, it confirms nothing."""
    environ = {"CONFIRM": "live", "RELEASE": "1a2b"}
    assert read(["remove", "live"], environ).confirm == "live"  # a script, which takes its words from there
    assert read(["remove", "live"], environ | {"GIVEN": "ENV"}).confirm is None
    assert read(["remove", "live"], environ | {"GIVEN": "CONFIRM ENV"}).confirm == "live"


def test_refusal_names_the_verb_that_is_meant() -> None:
    """As far as there is one."""
    with pytest.raises(DeployError) as refusal:
        read(["deploy", "dev", "RELEASE=1a2b"], {})
    assert refusal.value.hint == "rollback does"


def test_refusal_names_the_three_environments() -> None:
    """Whoever mistypes sees what exists."""
    with pytest.raises(DeployError) as refusal:
        read(["deploy", "prod"], {})
    assert all(name in refusal.value.hint for name in ("dev", "staging", "live"))


def test_ssh_options_are_split_as_a_shell_would() -> None:
    """Quotes hold words together, and a tilde is the home directory."""
    request = read(["status"], {"SSH_OPTIONS": "-F '/a b/config' -i ~/key", "HOME": str(Path.home())})
    assert request.ssh_options == ("-F", "/a b/config", "-i", str(Path.home() / "key"))


def test_variables_may_stand_among_the_arguments() -> None:
    """As make takes them; there live counts as named."""
    request = read(["rollback", "ENV=live", "RELEASE=1a2b", "SOAK=0.5"], {"RELEASE": "other"})
    assert (request.environment, request.release, request.soak) == ("live", "1a2b", 0.5)


def test_plan_takes_the_variables_of_its_verb() -> None:
    """With the defaults of that verb; a plan of a deploy needs none."""
    request = read(["plan", "live", "VERB=rollback", "RELEASE=1a2b", "CONFIG=current"], {})
    assert (request.verb, request.change, request.release, request.config) == (
        *("plan", "rollback", "1a2b"),
        "current",
    )
    assert request.soak == 0.0
    assert read(["rollback", "live"], {"VERB": "stop"}).change == "rollback"
    assert read(["plan", "dev"], {}).change == "plan"


@pytest.mark.parametrize(
    ("verb", "soak"), [("deploy", 3.0), ("plan", 3.0), ("rollback", 0.0), ("restore", 3.0)]
)
def test_what_is_new_soaks(verb: str, soak: float) -> None:
    """What has proven itself before does not, unless it is asked for."""
    assert read([verb, "dev"], {"BACKUP": "x"}).soak == soak
    assert read([verb, "dev"], {"BACKUP": "x", "SOAK": "1"}).soak == 1.0


def test_each_environment_has_its_own_default_node(tmp_path: Path) -> None:
    """NODE wins over the project's table."""
    (tmp_path / "pyproject.toml").write_text('[tool.helionyx.nodes]\nlive = "elsewhere"\n')
    assert read(["restart", "live"], {}, tmp_path).node == "elsewhere"
    assert read(["restart", "dev"], {}, tmp_path).node == "node1"
    assert read(["restart", "live"], {"NODE": "local"}, tmp_path).node == "local"


def test_every_verb_has_a_script_and_a_target() -> None:
    """`make X`, `scripts/deploy/X.sh` and the program's X are one noun."""
    makefile = (ROOT / "Makefile").read_text()
    exported = next(line for line in makefile.splitlines() if line.startswith("VARIABLES := "))
    assert set(exported.split()) >= set(table.VARIABLES)
    scripts = (ROOT / "scripts" / "deploy").iterdir()
    assert {script.stem for script in scripts} == set(table.VERBS)
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY: ")).split()
    assert set(phony) >= set(table.VERBS)
    for verb in table.VERBS:
        script = ROOT / "scripts" / "deploy" / f"{verb}.sh"
        assert script.resolve() == ROOT / "scripts" / "verb.sh"
        assert script.stat().st_mode & 0o111
        assert f"\n{verb}: ## " in makefile


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        (["RELASE=x"], "RELASE"),
        (["ENV=dev", "env=dev", "LINE=3"], "env LINE"),
        (["RELEASE=x", "ENV=dev", "NODE=a b"], ""),
    ],
)
def test_make_refuses_what_is_misspelt(words: list[str], unknown: str) -> None:
    """Else a rollback to a certain release would be one to the release before."""
    command = ["make", "-n", "rollback", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode != 0) == bool(unknown)
    found = done.stdout.splitlines()[0].partition("unknown variable ")[2]
    assert sorted(found.split()) == sorted(unknown.split())
