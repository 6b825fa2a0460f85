"""Changes that are cancelled before their switch: what was there serves on, and nothing is left."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployment.host.values.step import Step, before_switch

from .faults import fault
from .operator import LIMIT, Operator
from .test_matrix import LEFT, STAGING, ended, phases, prepare, words_of

SECONDS = 30  # for a cancel: half of the soak that it cuts short


@contextmanager
def stopped(operator: Operator, words: str) -> Iterator[None]:
    """Stop the processes of the next transaction as soon as its record says `words`."""
    program = (Path(__file__).parent / "shooter.py").read_text()
    argv = ["python3", "-c", program, words, str(int(signal.SIGSTOP))]
    command = [*operator.node.ssh_command(), shlex.join(argv)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as shooter:
        assert shooter.stdout is not None
        assert shooter.stdout.readline() == "waiting\n"
        yield
        assert shooter.wait(LIMIT) == 0, f"no record said {words}"


def go_on(operator: Operator) -> None:
    """Let the transaction go on, once its record has the cancel."""
    records = "/var/lib/helionyx-deploy/transactions/*/record.jsonl"
    last = f"tail --quiet --lines=1 $(ls -t {records} | head -1)"
    operator.on_node("timeout", "20", "sh", "-c", f"until {last} | grep -q '\"cancel\"'; do sleep 0.02; done")
    operator.on_node("sh", "-c", "systemctl kill --signal=CONT 'helionyx-deploy-*.service'")


def reason(operator: Operator, environment: str) -> str:
    """The reason of the last change in the history of an environment."""
    change = json.loads(operator.script("history", environment, "--json").stdout)["changes"][-1]
    assert change["outcome"] == "failed"
    return str(change["reason"])


def test_soak_is_cancelled_at_once(settled: Operator) -> None:
    """The deploy says who cancelled it; the release that ran serves on, with the same process."""
    settled.commit("services/changed.py", "CANCELLED = True\n")
    pid = settled.pid("dev")
    with settled.start("scripts/deploy/deploy.sh", "dev", SOAK="60") as deploy:
        assert deploy.stdout is not None
        assert any(line.startswith("  rehearse ") for line in deploy.stdout)
        begun = time.monotonic()
        cancelled = settled.change("cancel", "dev")
        shown = deploy.stdout.read()
    assert time.monotonic() - begun < SECONDS
    (change,) = cancelled["changes"]
    assert change["message"].startswith("cancelled by ")
    assert change["message"].endswith(" before the switch.")
    assert deploy.returncode == 3, shown
    assert f"error: {settled.environ['NODE']}: {change['message']}" in shown
    assert "  soak 60 s: cancelled\n" in shown
    assert settled.await_outcome()["reason"] == change["message"]
    assert settled.pid("dev") == pid
    assert settled.on_node("sh", "-c", LEFT) == ""


def before(change: str) -> Iterator[object]:
    """The phases of a change before its switch."""
    names = phases(change)
    steps = tuple(Step(verb) for verb in names[1:])
    for phase in names[: 1 + before_switch(steps)]:
        yield fault(change, phase, name=f"{change}-{phase}")


@pytest.mark.parametrize(
    ("change", "phase"),
    [case for name in ("first deploy", "update", "rollback", "restore") for case in before(name)],
)
def test_a_change_is_cancelled_in_each_phase(settled: Operator, change: str, phase: str) -> None:
    """The step at hand ends, and the change is taken back; then the same change goes through."""
    environment = "staging" if change in STAGING else "dev"
    argv, environ = prepare(settled, change)
    status = settled.status(environment)
    script = [f"scripts/deploy/{argv[0]}.sh", argv[1]]
    with stopped(settled, words_of(phase)):
        client = settled.start(*script, stdin=subprocess.DEVNULL, **environ)
    with client, settled.start("scripts/deploy/cancel.sh", environment) as cancel:
        go_on(settled)
        shown, said = client.communicate(timeout=LIMIT)[0], cancel.communicate(timeout=LIMIT)[0]
    assert (client.returncode, cancel.returncode) == (3, 0), shown + said
    assert "before the switch" in reason(settled, environment)
    after = ended(settled, environment)
    assert (after["state"], after["release"], after["pid"]) == (
        status["state"],
        status["release"],
        status["pid"],
    )
    assert settled.on_node("sh", "-c", LEFT) == ""
    again = settled.script(*argv, **environ) if change != "rollback" else settled.script("deploy", "dev")
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.faults
@pytest.mark.parametrize("phase", ["start-bridge", "turn-current", "verify"])
def test_switch_that_has_begun_is_not_cancelled(settled: Operator, phase: str) -> None:
    """The refusal names the way back, and the deploy goes on to its end."""
    argv, _ = prepare(settled, "update")
    with stopped(settled, words_of(phase)):
        client = settled.start(f"scripts/deploy/{argv[0]}.sh", "dev")
    with client:
        refused = settled.change("cancel", "dev", code=2)
        settled.on_node("sh", "-c", "systemctl kill --signal=CONT 'helionyx-deploy-*.service'")
        shown = client.communicate(timeout=LIMIT)[0]
    assert f"is past its switch ({Step(phase).title}" in refused["message"]
    assert "make rollback ENV=dev" in refused["hint"]
    assert client.returncode == 0, shown


@pytest.mark.faults
def test_killed_transaction_is_cancelled(settled: Operator) -> None:
    """Its next attempt finds the cancel."""
    argv, _ = prepare(settled, "update")
    with stopped(settled, words_of("soak")):
        client = settled.start(f"scripts/deploy/{argv[0]}.sh", "dev", SOAK="60")
    with client, settled.start("scripts/deploy/cancel.sh", "dev") as cancel:
        settled.on_node("sh", "-c", "systemctl kill --signal=KILL 'helionyx-deploy-*.service'")
        shown, said = client.communicate(timeout=LIMIT)[0], cancel.communicate(timeout=LIMIT)[0]
    assert (client.returncode, cancel.returncode) == (3, 0), shown + said
    assert settled.change("cancel", "dev")["outcome"] == "nothing"
    assert "this is its attempt 2" in shown
    assert "before the switch" in reason(settled, "dev")


@pytest.mark.faults
def test_change_that_waits_is_cancelled(settled: Operator) -> None:
    """Both are: the one that soaks, and the one that waits for it."""
    argv, _ = prepare(settled, "update")
    with settled.start(f"scripts/deploy/{argv[0]}.sh", "dev", SOAK="60") as first:
        assert first.stdout is not None
        assert any(line.startswith("  rehearse ") for line in first.stdout)
        with settled.start("scripts/deploy/restart.sh", "dev", WAIT="60") as second:
            assert second.stdout is not None
            assert any(line.startswith("waiting for 60 s") for line in second.stdout)
            assert settled.change("cancel", "staging")["changes"] == []
            cancelled = settled.change("cancel", "dev")
            shown = second.stdout.read()
        assert {change["verb"] for change in cancelled["changes"]} == {"deploy", "restart"}
        assert second.wait(LIMIT) == 2, shown
        assert "before it began" in shown
        first.stdout.read()
    assert first.returncode == 3
