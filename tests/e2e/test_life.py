"""Restart, stop, start, logs and the node's own reboot."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from .operator import PORTS, Operator

BASHRC = "/home/deploy/.bashrc"


def test_restart_is_clean_and_refuses_nobody(settled: Operator) -> None:
    """A new process, the same release; another one answers meanwhile, and nobody is turned away."""
    pid, release = settled.pid("dev"), settled.health("dev")["release"]
    answers: list[int | str] = []
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set() and len(answers) < 2000:
            try:
                answers.append(settled.ask("dev", "/health")[0])
            except OSError as error:  # refused, reset, timed out: all of them would be a lost call
                answers.append(str(error))
            time.sleep(0.005)

    caller = threading.Thread(target=call)
    caller.start()
    time.sleep(0.2)
    result = settled.change("restart", "dev")
    time.sleep(0.2)
    stop.set()
    caller.join()
    assert len(answers) > 20
    assert set(answers) == {200}
    assert result["callers"] == "nothing"
    assert settled.pid("dev") != pid
    assert settled.health("dev")["release"] == release


def test_stop_and_start(settled: Operator) -> None:
    """Stopped means stopped, for callers and over a reboot; start brings all of it back."""
    settled.tell("dev", ["before the stop"])
    events = settled.events("dev")
    settled.change("stop", "dev")
    assert settled.change("stop", "dev")["outcome"] == "nothing"
    settled.node.reboot()
    assert settled.status("dev")["state"] == "stopped"
    with pytest.raises(OSError, match="refused"):
        settled.health("dev")
    settled.change("start", "dev")
    assert settled.events("dev") == events
    assert settled.change("start", "dev")["outcome"] == "nothing"


def test_deploy_starts_what_was_stopped(settled: Operator) -> None:
    """Whoever deploys wants it to run."""
    settled.change("stop", "dev")
    result = settled.deploy("dev")
    assert result["outcome"] == "done"
    assert settled.status("dev")["state"] == "running"


def test_reboot_brings_all_three_back_with_their_data(three: Operator) -> None:
    """Nobody has to log in after a reboot, nor after a power cut."""
    for environment in PORTS:
        three.tell(environment, [f"said to {environment}"])
    events = {environment: three.events(environment) for environment in PORTS}
    for restart in (three.node.reboot, three.node.power_cut):
        restart()
        for environment in PORTS:
            three.await_ready(environment)
            assert three.events(environment) == events[environment]
            assert f"said to {environment}".encode() in events[environment]
    status = json.loads(three.script("status", "--json").stdout)["environments"]
    assert [item["state"] for item in status] == ["running"] * 3
    assert three.deploy("live")["outcome"] == "nothing"


def test_logs_show_a_crash_with_its_last_words(settled: Operator) -> None:
    """The service's own lines, and what systemd said when it died."""
    pid = settled.pid("dev")
    settled.on_node("systemctl", "restart", "helionyx-dev.service")  # which begins to count anew
    settled.await_restart("dev", pid)
    pid = settled.pid("dev")
    settled.on_node("kill", "-SEGV", str(pid))
    settled.await_restart("dev", pid)
    text = settled.script("logs", "dev", FOLLOW="0").stdout
    assert "Fatal Python error: Segmentation fault" in text
    # The sandbox ends a process that signals itself, as Python does once it has logged where it was.
    assert "Main process exited, code=killed, status=31/SYS" in text
    assert ": started env=dev release=" in text
    status = settled.status("dev")
    assert status["notes"] == ["crashed and restarted once"]
    assert status["state"] == "running"


def test_a_stuck_service_is_replaced(settled: Operator) -> None:
    """Its watchdog ends it, and it has said where it was stuck; callers wait for the next one."""
    pid = settled.pid("dev")
    settled.on_node("kill", "-STOP", str(pid))
    settled.await_restart("dev", pid)
    text = settled.script("logs", "dev", FOLLOW="0", LINES="200").stdout
    assert "Watchdog timeout (limit 10s)!" in text
    assert "Fatal Python error: Aborted" in text
    assert settled.status("dev")["state"] == "running"


def test_logs_are_chosen_by_lines_pattern_time_and_form(settled: Operator) -> None:
    """LINES, GREP and SINCE narrow them down; --json gives one object per line."""
    assert len(settled.script("logs", "dev", FOLLOW="0", LINES="3").stdout.splitlines()) == 3
    grep = settled.script("logs", "dev", FOLLOW="0", GREP='"message":"started"').stdout.splitlines()
    assert grep
    assert all(": started env=dev" in line for line in grep)
    settled.on_node("cp", "-p", BASHRC, "/root/bashrc")
    settled.on_node("sed", "-i", "1i echo sudo: unable to resolve host terminal >&2", BASHRC)
    never = settled.script("logs", "dev", FOLLOW="0", GREP="a word that nobody has said")
    assert (never.returncode, never.stdout, never.stderr) == (0, "", "no matching log lines\n")
    refused = settled.script("logs", "dev", FOLLOW="0", SINCE="noon-ish")
    settled.on_node("mv", "/root/bashrc", BASHRC)
    assert refused.returncode == 2
    assert "Failed to parse timestamp: noon-ish" in refused.stderr
    every = settled.script("logs", "dev", FOLLOW="0", SINCE="2000-01-01").stdout.splitlines()
    assert (
        settled.script("logs", "dev", FOLLOW="0", SINCE="2000-01-01", LINES="2").stdout.splitlines()
        == every[-2:]
    )
    last = settled.script(
        "logs", "dev", FOLLOW="0", GREP='"message":"started"', LINES="2"
    ).stdout.splitlines()
    assert last == grep[-2:], "oldest first, as everywhere"
    lines = settled.script("logs", "dev", "--json", FOLLOW="0", LINES="10").stdout.splitlines()
    entries = [json.loads(line) for line in lines]
    assert len([entry for entry in entries if entry["_BOOT_ID"]]) == 10
    own = [entry["MESSAGE"] for entry in entries if entry["MESSAGE"].startswith("{")]  # others are systemd's
    assert any(json.loads(message)["level"] == "info" for message in own)


@pytest.mark.parametrize("shell", ["/bin/tcsh", "/bin/dash"])
def test_login_shell_of_any_kind(settled: Operator, shell: str) -> None:
    """Every login shell reads the command line in the same way."""
    settled.on_node("usermod", "--shell", shell, "deploy")
    assert settled.status("dev")["state"] == "running"
    settled.on_node("usermod", "--shell", "/bin/bash", "deploy")


def test_logs_follow(settled: Operator) -> None:
    """What happens now is seen now."""
    with settled.start("make", "logs", LINES="0") as follower:
        assert follower.stdout is not None
        time.sleep(1.0)  # it has nothing to say by which one could know that it follows
        settled.change("restart", "dev")
        seen = ""
        for line in follower.stdout:
            seen += line
            if ": started env=dev" in seen and "Started helionyx-dev.service" in seen:
                break
        os.killpg(follower.pid, signal.SIGTERM)


def test_local_takes_the_same_path_without_ssh(settled: Operator) -> None:
    """On the node itself, from a copy there: NODE=local looks and acts as the connection does."""
    copy = subprocess.run(
        ["tar", "-c", "-C", str(settled.root), "deployment", "pyproject.toml"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    login = ["ssh", "-F", str(settled.node.ssh_config), f"{settled.node.name}-deploy"]
    subprocess.run([*login, "mkdir -p copy && tar -x -C copy"], input=copy, check=True, timeout=60)

    def there(words: str) -> dict[str, Any]:
        command = f"cd copy && NODE=local python3 -m deployment {words} --json"
        done = subprocess.run([*login, command], capture_output=True, text=True, check=True, timeout=60)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    before = there("status dev")["environments"][0]
    assert before["pid"] == settled.pid("dev")
    assert there("restart dev")["outcome"] == "done"
    assert settled.pid("dev") != before["pid"]


def test_colours_are_for_terminals(settled: Operator) -> None:
    """A pseudo-terminal sees them, unless NO_COLOR says no; a pipe never does."""
    assert "\x1b" not in settled.script("status", "dev").stdout
    for environ, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        shown = _on_a_terminal(
            settled, ["scripts/deploy/start.sh", "dev"], {"TERM": "xterm-256color", **environ}
        )
        assert "exit 0: done" in shown
        assert ("\x1b[32m" in shown) is coloured


def test_log_that_tells_the_same_is_left_where_it_is(dev: Operator, tmp_path: Path) -> None:
    """Also where the service is stopped: its own starts and stops are not the backup's, and no damage."""
    dev.tell("dev", ["what both of them say"])
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    dev.change("backup", "dev", TO=str(first))
    dev.change("restart", "dev")
    dev.change("backup", "dev", TO=str(second))
    dev.tell("dev", ["what no backup says"])
    dev.change("restore", "dev", BACKUP=str(first))
    events = dev.events("dev")
    again = dev.change("restore", "dev", BACKUP=str(second))
    assert (again["outcome"], again["summary"]) == ("nothing", "nothing to do, dev has that log already")
    dev.change("stop", "dev")
    result = dev.change("restore", "dev", BACKUP=str(second))
    assert result["outcome"] == "done"
    assert "switch log" not in str(result["steps"])
    assert result["steps"][-1]["remark"].endswith("history unchanged")
    assert dev.events("dev") == events


def _on_a_terminal(operator: Operator, argv: list[str], environ: dict[str, str]) -> str:
    """What a command writes to a pseudo-terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        argv, cwd=operator.root, env=operator.environ | environ, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # EIO is how a pseudo-terminal says that its other end is closed
            while data := os.read(ours, 4096):
                shown += data
    os.close(ours)
    return shown.decode()


def test_status_of_all_is_a_table(settled: Operator) -> None:
    """One line per environment, the exit code named last, no colours in a pipe."""
    done = settled.run("make", "status")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["environment", *PORTS]
    assert lines[-1].startswith("exit ")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("argv", [["status"], ["status", "dev"], ["history"]])
def test_terminal_that_is_narrow_breaks_no_line(settled: Operator, argv: list[str]) -> None:
    """What does not fit goes below, so that columns stay columns; a pipe has one line of each."""
    script = [f"scripts/deploy/{argv[0]}.sh", *argv[1:]]
    narrow = {"TERM": "xterm-256color", "COLUMNS": "80", "NO_COLOR": "1", "LINES": "20"}
    shown = _on_a_terminal(settled, script, narrow).replace("\r", "").split("\n")
    release = settled.status("dev")["release"]
    assert any(release[:12] in line for line in shown)
    assert [line for line in shown if len(line) > 80 and "\x1b" not in line] == []


def test_a_service_that_keeps_dying_is_in_trouble(settled: Operator) -> None:
    """However quickly systemd starts it again; with time, or by a restart, it is running again."""
    settled.script("restart", "dev")  # which begins to count anew
    for _ in range(3):
        pid = settled.pid("dev")
        settled.on_node("kill", "-KILL", str(pid))
        settled.await_restart("dev", pid)
    shown = settled.script("status", "dev", "--json")
    found = json.loads(shown.stdout)["environments"][0]
    assert shown.returncode == 4
    assert found["restarts"] == 3
    assert found["state"] == "degraded", found
    (problem,) = found["problems"]
    assert "helionyx-dev.service keeps dying: it was started again 3 x" in problem
    assert "keeps dying" in settled.script("doctor", "dev").stdout
    settled.script("restart", "dev")
    assert settled.status("dev")["state"] == "running"
