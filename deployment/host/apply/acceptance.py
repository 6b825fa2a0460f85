"""Try a release on a copy of the log: it records there, in the sandbox of its own unit, as its own user.

The unit differs from the service's: the copy is mounted in place of the environment's data, which it does not
see, and it has no network. A release without `services.acceptance` is older, and not tried.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..event_log import log_commands, room
from ..node import files, reading, shares, systemd
from ..node.run import run
from ..observe import directories
from ..releases import releases
from ..values.errors import Refused, StepFailed, last_word
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from ..values.words import count
from . import variants

PROGRAM = "services/acceptance.py"
# Bytes and events of a log that is copied. Measured on two busy cores for 100,000 events (61 MB): 12 s.
LARGEST, MOST = 64 << 20, 100_000
TIMES = 4  # times the size of the log: the copy, its read models, and those built again
COPYING = 60.0  # seconds for the copy
SECONDS, STOP = 60, 5  # seconds for the acceptance, and for its end
ANSWER = 1 << 16  # bytes of its answer

DIFFERENCES = """
# What an acceptance does otherwise than the service.
[Unit]
Description=Helionyx {name}: a release on a copy of the log

[Service]
Type=oneshot
ExecStart=
ExecStart={command}
StandardOutput=truncate:{answer}
StandardError=journal
SyslogIdentifier={unit}
RestrictAddressFamilies=
RestrictAddressFamilies=AF_UNIX
UnsetEnvironment=HELIONYX_LAST_HEAD
Restart=no
WatchdogSec=0
TimeoutStartSec={seconds}
TimeoutStopSec={stop}
{shares}"""


def units(environment: Environment, release: Manifest) -> dict[Path, bytes]:
    """The unit file of the acceptance, made from the release's own service unit, and its drop-ins.

    Empty for a release without an acceptance, and for one whose unit does not show the data.
    """
    root = environment.releases / release.id
    mount = f"BindPaths=-{environment.data}\n"
    if not (root / PROGRAM).is_file() or mount not in (root / "units" / environment.service).read_text():
        return {}
    replaced = {
        environment.socket: environment.rehearsal_files[0].name,
        mount: f"BindPaths={environment.log_copy}:{environment.data}\n",
    }
    differences = _differences(environment, release)
    return variants.units(environment, release, environment.acceptance_file, replaced, differences)


def _differences(environment: Environment, release: Manifest) -> str:
    """The lines behind the service unit's own, by which the unit is that of an acceptance."""
    command = releases.command(environment, release, "services.acceptance", "run", "--json")
    return DIFFERENCES.format(
        name=environment.name,
        unit=environment.rehearsal_stem,
        command=" ".join((*command, "--in", str(environment.data))),
        answer=_answer_file(environment),
        seconds=SECONDS,
        stop=STOP,
        shares=shares.REHEARSAL,
    )


def attempt(environment: Environment, release: Manifest, log: Log | None) -> str:
    """Try the release on a copy of its log, and remove the copy; return a remark, "" without an acceptance.

    Raises `StepFailed` where the release has a fault. Where no copy can be made, the remark has the reason.
    """
    if not environment.acceptance_file.exists():
        return ""
    start = time.monotonic()
    try:
        _copy(environment, release, log)
        requests = _run(environment, release)
    except _Skipped as error:
        return f"not tried on a copy of the log: {error}"
    finally:
        clear(environment)
    return f"{requests} requests on a copy of the log in {time.monotonic() - start:.2f} s"


def clear(environment: Environment) -> None:
    """End what there is of an acceptance, and remove the copy."""
    unit = environment.acceptance_file
    if unit.exists() and systemd.show([unit.name])[unit.name].active != "inactive":
        systemd.end(unit.name)
    variants.remove(environment, unit)
    shutil.rmtree(environment.log_copy, ignore_errors=True)
    _answer_file(environment).unlink(missing_ok=True)


class _Skipped(Exception):
    """The release is not tried: the reason lies in the node or in the log."""


def _copy(environment: Environment, release: Manifest, log: Log | None) -> None:
    """Make the directory for the acceptance, with a copy of the log. Raises `_Skipped`."""
    store, directory = log_commands.path_of(release), environment.log_copy
    size = sum(path.st_size for path in _parts(store))
    if size > LARGEST or (log is not None and log.length > MOST):
        events = f" with {count(log.length)}" if log else ""
        raise _Skipped(f"it has {size / 1e6:.0f} MB{events}")
    owner = directories.user_id(environment)
    try:
        room.refuse_little(room.of(directory.parent), room.Need(TIMES * size + log_commands.SPARE))
        if owner is None:
            raise _Skipped(f"there is no user {environment.user}")
        shutil.rmtree(directory, ignore_errors=True)
        files.directory(directory, owner, 0o700)
        words = ("services.acceptance", "copy", "--store", str(store), "--to", str(directory))
        log_commands.ask(environment, release, *words, timeout=COPYING)
    except Refused as error:
        raise _Skipped(error.message.rstrip(".")) from error
    except StepFailed as error:
        raise _Skipped(last_word(error)) from error
    except OSError as error:
        raise _Skipped(f"{directory}: {error.strerror}") from error


def _parts(store: Path) -> list[Any]:
    """The facts about the files of a log."""
    parts = []
    for suffix in log_commands.SUFFIXES:
        with suppress(OSError):
            parts.append((store / f"{log_commands.LOG_FILE}{suffix}").lstat())
    return parts


def _run(environment: Environment, release: Manifest) -> int:
    """Start the unit and wait for its end; return the number of requests. Raises `StepFailed`, `_Skipped`."""
    unit, mark = environment.acceptance_service, systemd.now()
    try:
        systemd.systemctl("start", unit)
    except StepFailed as error:
        result = run(["systemctl", "show", "--value", "--property=Result", unit]).strip()
        if result == "timeout":
            raise _Skipped(f"no end after {SECONDS} s") from error
        _skip_full_disk(environment.log_copy)
        problem = _answer(environment).get("problem") or f"its acceptance ended with {result}"
        raise StepFailed(
            f"release {release.id} failed on a copy of the log: {str(problem)[:400]}.",
            f"make logs ENV={environment.name} FOLLOW=0 has more",
            systemd.last_words(environment, mark, unit),
        ) from error
    requests = _answer(environment).get("requests")
    if not isinstance(requests, int):
        raise StepFailed(f"release {release.id} did not answer what it did on a copy of the log.")
    return requests


def _skip_full_disk(copy: Path) -> None:
    """Raise `_Skipped` where the disk of the copy is full: a release without a fault fails there too."""
    try:
        room.refuse_little(room.of(copy), room.Need(room.SERVICE))
    except Refused as error:
        raise _Skipped(error.message.rstrip(".")) from error


def _answer(environment: Environment) -> dict[str, Any]:
    with suppress(OSError):
        text = reading.text(_answer_file(environment), ANSWER)
        return log_commands.object_in(text) or {}
    return {}


def _answer_file(environment: Environment) -> Path:
    return environment.layout.locks / f"{environment.name}-acceptance.json"
