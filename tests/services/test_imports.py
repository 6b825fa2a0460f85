"""What is loaded, and what is not: imports are most of the time that a start takes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from services.config import ROOT
from services.event_log.sqlite.log import SqliteLog
from tests.services.instance import configure, listener, starting

LOADED = "print('loaded:', *sorted(sys.modules), file=sys.stderr, flush=True)"

# The service, which tells on a signal what it has loaded.
SERVICE = f"""
import signal, sys
signal.signal(signal.SIGUSR1, lambda *_: {LOADED})
from services.api.runner import main
sys.exit(main())
"""

# One module of a release, which tells at its end what it has loaded.
PROGRAM = f"""
import atexit, runpy, sys
atexit.register(lambda: {LOADED})
sys.path[:0] = [sys.argv.pop(1), *sys.argv.pop(1).split(":")]
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def found(output: str, names: str) -> set[str]:
    """Which of `names` are among the modules that `output` tells."""
    loaded = output.partition("loaded: ")[2].split("\n")[0].split()
    assert "sys" in loaded
    return set(names.split()) & set(loaded)


def modules_of(root: Path, *words: str, text: str = "") -> str:
    """What a module of the release in `root` tells, run without this machine's site-packages."""
    layer = ":".join(entry for entry in sys.path if entry.endswith("site-packages"))
    argv = [sys.executable, "-IS", "-c", PROGRAM, str(root), layer, *words]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_service_without_a_bot_loads_what_it_needs_to_be_ready(tmp_path: Path) -> None:
    """Neither the bot's library, nor what describes it to Prometheus, nor what reads dates and arguments."""
    command = [sys.executable, "-c", SERVICE]
    with listener() as sock, starting(configure(tmp_path), command, sock=sock) as service:
        service.wait_ready()
        service.process.send_signal(signal.SIGUSR1)
        code, told = service.stop()
        assert code == 0
        needless = (
            "telegram httpx httpcore h11 certifi dateutil prometheus_client urllib.request urllib.error"
            " argparse difflib sqlite3 tomllib unittest services.api.exposition services.telegram.bot_runner"
            " services.telegram.whose services.event_log.sqlite.backup services.event_log.transfer"
            " services.cli services.event_log.sqlite.rewriting services.event_redaction services.snooze"
            " services.calendar services.export csv starlette.middleware.cors jinja2 markupsafe services.web"
            " services.certificate services.api.renewal services.api.tls"
        )
        assert found(told, needless) == set()


def test_the_end_of_a_log_is_told_without_the_rest_of_it(tmp_path: Path) -> None:
    """It is asked for several times in each deploy, each time by a process of its own."""
    SqliteLog.open(tmp_path).close()
    needless = (
        "msgspec dataclasses inspect asyncio logging hashlib threading ssl socket http.client email click"
        " starlette uvicorn services.config services.event_codec services.domain services.event_log.log"
        " services.event_log.records services.event_log.reading services.event_log.sqlite.writing"
        " services.event_log.sqlite.log services.event_log.sqlite.pages"
    )
    for more in ((), ("--at", "0")):
        told = modules_of(ROOT, "services.event_log", "head", "--store", str(tmp_path), "--json", *more)
        assert found(told, needless) == set()
        assert found(told, "services.event_log.sqlite.summary") != set()


def test_a_configuration_is_checked_with_the_modules_beside_that_of_the_check(tmp_path: Path) -> None:
    """The deployment copies no other, and installs nothing."""
    place = tmp_path / "services"
    place.mkdir()
    for path in (ROOT / "services").glob("*.py"):
        (place / path.name).write_bytes(path.read_bytes())
    settings = {"EVENT_STORE_PATH": tmp_path / "e", "PROJECTIONS_DB_PATH": tmp_path / "p.db"}
    content = "API_HOST=127.0.0.1\n" + "".join(f"{key}={value}\n" for key, value in settings.items())
    words = ("services.config", "check", "--env", "dev", "--file", "-", "--json")
    told = modules_of(tmp_path, *words, text=content)
    needless = "asyncio logging ssl socket http email msgspec apsw click starlette uvicorn difflib threading"
    assert found(told, needless) == set()
