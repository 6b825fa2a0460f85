"""`python -m services.config check`: the command that the deployment asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.config import ROOT, digest
from services.formats import READS, WRITES
from tests.services.test_config import BOT_TOKEN, MINIMAL, lines


def check(*arguments: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a release does, without anything but the standard library."""
    code = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module({!r}, run_name='__main__')"
    )
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        code.format("services.config"),
        str(ROOT),
        "check",
        *arguments,
    ]
    return subprocess.run(
        command, input=stdin, capture_output=True, check=False, env={"PATH": os.defpath, **variables}
    )


def versions(formats: tuple[tuple[str, int], ...]) -> dict[str, list[int]]:
    """As the deployment reads them: today there is one of each type."""
    return {type_: [version] for type_, version in formats}


def test_check_says_what_the_deployment_wants_to_know() -> None:
    """The whole shape of `--json` for a usable configuration: a contract."""
    more = {"API_HOST": "127.0.0.1", "TELEGRAM_BOT_TOKEN": BOT_TOKEN, "TELEGRAM_CHAT_ID": "-5"}
    more |= {"MEMORY_LIMIT": "256M", "TASKS_LIMIT": "128", "CPU_WEIGHT": "100"}
    given = {**MINIMAL, **more}
    done = check("--env", "dev", "--file", "-", "--json", stdin=lines(**more))
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {
        "ok": True,
        "environment": "dev",
        "problems": [],
        "facts": {
            "api_host": "127.0.0.1",
            "api_port": 8000,
            "event_store_path": "/srv/x/events",
            "projections_db_path": "/srv/x/p/helionyx.db",
            "log_level": "INFO",
            "timezone": "UTC",
            "telegram_bot_username": None,
            "telegram_api_url": "https://api.telegram.org",
            "telegram_chat_id_set": True,
            "memory_limit": "256M",
            "tasks_limit": 128,
            "cpu_weight": 100,
            "io_weight": None,
            "tls_cert_file": None,
            "tls_key_file": None,
            "has_api_token": True,
            "has_telegram_token": True,
        },
        "digests": {key: digest(key, value) for key, value in given.items()},
        "log": {"table": 1, "reads": versions(READS), "writes": versions(WRITES), "bridge": True},
    }
    assert b"hunter2" not in done.stdout


def test_check_tells_problems_as_json() -> None:
    """The whole shape of `--json` for a configuration that cannot be used, and exit code 2."""
    done = check("--env", "dev", "--file", "-", "--json", stdin=lines(API_TOKEN="hunter2", LOG_LEVEL="x"))
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert set(found) == {"ok", "environment", "problems"}
    assert (found["ok"], found["environment"]) == (False, "dev")
    assert [set(problem) for problem in found["problems"]] == [{"key", "line", "message", "hint"}] * 2
    assert [(problem["key"], problem["line"]) for problem in found["problems"]] == [
        ("API_TOKEN", 1),
        ("LOG_LEVEL", 4),
    ]
    assert b"hunter2" not in done.stdout


def test_check_tells_people(tmp_path: Path) -> None:
    """Without `--json` the same as text."""
    path = tmp_path / "x.env"
    path.write_bytes(lines())
    good = check("--env", "live", "--file", str(path))
    assert (good.returncode, good.stdout.splitlines()[0].decode()) == (0, f"ok: live, {path}")
    path.write_bytes(lines(API_PORT="x"))
    bad = check("--env", "live", "--file", str(path))
    assert bad.returncode == 2
    assert b"API_PORT: expected a port" in bad.stdout
    assert b"hunter2" not in good.stdout + bad.stdout


@pytest.mark.parametrize(
    "arguments", [["--env", "prod", "--file", "-"], ["--env", "dev", "--file", "/nonexistent"]]
)
def test_check_keeps_its_shape_for_any_failure(arguments: list[str]) -> None:
    """A wrong environment and an unreadable file are problems like any other."""
    done = check(*arguments, "--json", stdin=lines())
    assert done.returncode == 2
    assert json.loads(done.stdout)["ok"] is False


def test_check_reads_exactly_the_file() -> None:
    """With `--file`, neither variables nor the checkout's paths have a say."""
    done = check("--env", "dev", "--file", "-", "--json", stdin=lines(), API_PORT="9", EVENT_STORE_PATH="/y")
    facts = json.loads(done.stdout)["facts"]
    assert (facts["api_port"], facts["event_store_path"]) == (8000, "/srv/x/events")


def test_digests() -> None:
    """16 hex digits of SHA-256 over exactly these bytes, computed once elsewhere."""
    assert digest("API_TOKEN", "hunter2-hunter2-hunter2") == "616853948f1db7c1"


def test_digests_tell_values_apart() -> None:
    """The same value under another key has another digest, so that digests cannot be matched across keys."""
    assert len({digest("A", "x"), digest("B", "x"), digest("A", "y"), digest("A", "x")}) == 3


def test_importing_the_configuration_is_cheap() -> None:
    """It is run on every deploy: none of what costs time is imported."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import services.config; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT)], capture_output=True, check=True, text=True
    )
    costly = {
        "asyncio",
        "datetime",
        "logging",
        "zoneinfo",
        "difflib",
        "socket",
        "subprocess",
        "apsw",
        "msgspec",
        "typing_extensions",
    }
    assert not costly & set(done.stdout.split())
