"""A release proves itself beside the one that serves, before anything of that one is touched.

It runs as its own service unit says: its user, sandbox, configuration and log. What differs is the unit's
name, the path (the release itself in place of `current`), a private socket in place of the environment's, and
the variable by which the service knows that it is a rehearsal: it records nothing and speaks to nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..node import dropins, shares, systemd
from ..values.errors import StepFailed
from ..values.layout import Environment
from ..values.log import Log
from ..values.manifest import Manifest
from . import acceptance, variants, verify

STOP = 10  # seconds that it may take to stop: it has nobody to finish with
LONGEST = 900  # seconds after which systemd ends a rehearsal that everybody has forgotten

SOCKET = """\
[Unit]
Description=Helionyx {name}: the private socket of a rehearsal

[Socket]
ListenStream={address}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes
"""

DIFFERENCES = """
# What a rehearsal does otherwise than the service.
[Unit]
Description=Helionyx {name}: the rehearsal of a release

[Service]
Environment=HELIONYX_REHEARSAL=1
SyslogIdentifier={unit}
RuntimeDirectory=
RuntimeDirectory={unit}
Restart=no
TimeoutStopSec={stop}
RuntimeMaxSec={longest}
{shares}"""


def install(environment: Environment, release: Manifest) -> None:
    """Install the units of a rehearsal, and of an acceptance where the release has one."""
    accepting = acceptance.units(environment, release)
    variants.install({**units(environment, release), **accepting}, *environment.rehearsal_units)


def begin(environment: Environment, release: Manifest, before: Log | None) -> str:
    """Start the release on its private socket and ask who it is. Raises `StepFailed` with its last words."""
    started = time.monotonic()
    try:
        systemd.start_service(environment, _service(environment))
    except StepFailed as error:
        message = f"release {release.id} did not come up in its rehearsal."
        raise StepFailed(message, error.hint, error.details) from error
    took = time.monotonic() - started
    return f"ready in {took:.2f} s, {_ask(environment, release, before)}"


def soak(
    environment: Environment, release: Manifest, log: Log | None, seconds: float, check: Callable[[], None]
) -> str:
    """Let it run for a while and ask again. Raises `StepFailed` if it dies meanwhile, or answers no more."""
    where = _address(environment), _service(environment)
    return verify.staying(environment, release, log, seconds, *where, check=check)


def finish(environment: Environment) -> None:
    """Stop it as the service would be stopped. Raises `StepFailed` if it does not stop, or not cleanly."""
    mark = systemd.now()
    result = clear(environment)
    if result == "success":
        return
    how = f"does not stop: it was killed after {STOP} s" if result == "timeout" else f"stops with {result}"
    words = systemd.last_words(environment, mark, _service(environment))
    raise StepFailed(f"the release {how}.", details=words)


def clear(environment: Environment) -> str:
    """End whatever there is of a rehearsal and leave nothing of it; the answer is how its service ended."""
    acceptance.clear(environment)
    paths = environment.rehearsal_files
    result = systemd.end(*(path.name for path in paths))
    variants.remove(environment, *paths)
    return result


def units(environment: Environment, release: Manifest) -> dict[Path, bytes]:
    """The unit files of a rehearsal, made from the release's own service unit, and their drop-ins."""
    socket, service = environment.rehearsal_files
    replaced = {environment.socket: socket.name}
    values = {
        "name": environment.name,
        "unit": environment.rehearsal_stem,
        "stop": STOP,
        "longest": LONGEST,
    } | {"shares": shares.REHEARSAL}
    differences = DIFFERENCES.format(**values)
    private = SOCKET.format(name=environment.name, address=_address(environment))
    # Drop-ins are read behind the unit: what differs has to stand behind them once more.
    alone = private.replace("ListenStream=", "ListenStream=\nListenStream=")
    return {
        socket: private.encode(),
        **dropins.for_rehearsal(environment.layout, environment.socket, socket.name, alone, replaced),
        **variants.units(environment, release, service, replaced, differences),
    }


def _ask(environment: Environment, release: Manifest, before: Log | None) -> str:
    address, unit = _address(environment), _service(environment)
    return verify.answering(environment, release, before, address, unit).remark


def _service(environment: Environment) -> str:
    return environment.rehearsal_files[1].name


def _address(environment: Environment) -> str:
    return str(environment.layout.locks / f"{environment.name}-rehearsal.sock")
