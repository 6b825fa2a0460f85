"""The hands: one function per verb of a plan, with no policy of its own.

Every one of them can be repeated: a transaction that was killed anywhere goes through them again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import install, observe, releases, systemd, verify
from .errors import StepFailed
from .locks import host_lock
from .model import Environment, Layout, Log, Manifest
from .plan import Step
from .run import run


@dataclass(frozen=True)
class Work:
    """What the steps of one plan work on."""

    layout: Layout
    environment: Environment
    staged: Path
    release: Manifest | None
    log: Log | None
    deployed: bool  # else the release is one that was kept


def perform(work: Work, step: Step) -> str:
    """Do one step; the answer is a remark worth showing, or nothing.

    Raises `StepFailed`, also for what the disk has to say: full, read-only, broken.
    """
    try:
        return STEPS[step.verb](work, *step.target) or ""
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise StepFailed(f"{step.title}: {error.strerror or error}{where}.") from error


def create_user(work: Work, user: str) -> None:
    home = work.layout.data(work.environment)
    run(["systemd-sysusers", "--inline", f'u {user} - "Helionyx {work.environment.name}" {home}'])


def create_directories(work: Work, *wrong: str) -> None:
    owner = observe.user_id(work.environment)
    for path, owned, mode in observe.wanted_directories(work.layout, work.environment):
        if str(path) not in wrong:
            continue
        install.directory(path, owner if owned and owner is not None else 0, mode)


def install_layer(work: Work, digest: str) -> str:
    return install.layer(work.layout, work.staged, digest)


def install_release(work: Work, release: str) -> str:
    return install.release(work.layout, work.environment, work.staged, release)


def check_release(work: Work, _: str) -> str:
    return verify.configuration(work.layout, work.environment, _wanted(work))


def install_units(work: Work, release: str, *names: str) -> None:
    source = work.layout.releases(work.environment) / release / "units"
    for name in names:
        install.publish(work.layout.unit_file(name), (source / name).read_bytes(), 0o644)


def remove_units(work: Work, *names: str) -> None:
    for name in names:
        work.layout.unit_file(name).unlink(missing_ok=True)


def turn_current(work: Work, release: str) -> None:
    install.point(work.layout.current(work.environment), Path("releases") / release)


def reload_systemd(_: Work) -> None:
    systemd.systemctl("daemon-reload")


def restart_journal(_: Work, namespace: str) -> None:
    systemd.systemctl("restart", f"systemd-journald@{namespace}.service")


def enable_units(_: Work, *names: str) -> None:
    systemd.systemctl("enable", "--quiet", *names)


def disable_units(_: Work, *names: str) -> None:
    systemd.systemctl("disable", "--quiet", *names)


def stop_units(work: Work, *names: str) -> None:
    # One job: with the socket still open, the next caller would start the service again.
    systemd.systemctl("stop", *names)
    systemd.forget_failure(work.environment)


def close_socket(work: Work, _: str) -> None:
    stop_units(work, work.environment.socket, work.environment.service)


def open_socket(work: Work, socket: str) -> str:
    systemd.systemctl("start", socket)
    return f"listens on {_wanted(work).listen}"


def restart_service(work: Work, _: str) -> None:
    systemd.start_service(work.environment)


def verify_release(work: Work, _: str) -> str:
    remark = verify.serving(work.layout, work.environment, _wanted(work), work.log)
    mark = work.layout.verified(work.environment) / _wanted(work).id
    if work.deployed or not mark.exists():  # going back does not make an old release the newest
        mark.touch(mode=0o644)
    return remark


def prune_releases(work: Work, *names: str) -> str:
    for name in names:
        install.discard(work.layout.releases(work.environment) / name)
        (work.layout.verified(work.environment) / name).unlink(missing_ok=True)
    return f"{len(names)} removed"


def prune_layers(work: Work, *digests: str) -> str:
    with host_lock(work.layout):  # another environment may have begun to use one since the plan was made
        unused = set(digests) - releases.layers_used(work.layout)
        for digest in unused:
            install.discard(work.layout.layers / digest)
    return f"{len(unused)} removed"


def remove_releases(work: Work, environment: str) -> None:
    install.discard(work.layout.opt / environment)


def remove_user(work: Work, user: str) -> None:
    """Planned only where its directory holds nothing that was said: what was said stays, with its owner."""
    data = work.layout.data(work.environment)
    if data.is_dir() and not data.is_symlink():
        shutil.rmtree(data)
    run(["userdel", user])


def _wanted(work: Work) -> Manifest:
    assert work.release is not None, "a plan that installs or verifies is about a release"
    return work.release


STEPS: dict[str, Callable[..., str | None]] = {
    "create-user": create_user,
    "create-directories": create_directories,
    "install-layer": install_layer,
    "install-release": install_release,
    "check-release": check_release,
    "install-units": install_units,
    "remove-units": remove_units,
    "turn-current": turn_current,
    "reload-systemd": reload_systemd,
    "restart-journal": restart_journal,
    "enable-units": enable_units,
    "disable-units": disable_units,
    "stop-units": stop_units,
    "close-socket": close_socket,
    "open-socket": open_socket,
    "restart-service": restart_service,
    "verify": verify_release,
    "prune-releases": prune_releases,
    "prune-layers": prune_layers,
    "remove-releases": remove_releases,
    "remove-user": remove_user,
}
