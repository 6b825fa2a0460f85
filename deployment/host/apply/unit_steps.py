"""Steps that change the units of an environment, and start and stop them."""

from __future__ import annotations

from ..node import files, reserve, socket_options, sockets, systemd
from ..values.desired import Stopped
from ..values.errors import StepFailed
from . import users
from .work import Work


def install_units(work: Work, release: str, *names: str) -> None:
    source = work.environment.releases / release / "units"
    for name in names:
        content = (source / name).read_bytes()
        files.publish(
            work.environment.layout.unit_file(name), content, 0o644, reserve.places(work.environment.layout)
        )


def remove_units(work: Work, *names: str) -> None:
    paths = [name for name in names if name.endswith(".path")]
    if paths:  # it would watch on without its file
        systemd.stop(*paths)
    for name in names:
        work.environment.layout.unit_file(name).unlink(missing_ok=True)


def reload_systemd(_: Work) -> None:
    systemd.systemctl("daemon-reload")


def restart_journal(work: Work, _: str) -> None:
    systemd.systemctl("restart", work.environment.journald)


def enable_units(_: Work, *names: str) -> None:
    systemd.systemctl("enable", "--quiet", "--no-reload", *names)  # a step of its own reloads


def disable_units(_: Work, *names: str) -> None:
    systemd.systemctl("disable", "--quiet", "--no-reload", *names)


def stop_units(work: Work, *names: str) -> None:
    # One job: with the socket still open, the next caller would start the service again.
    systemd.stop(*names)
    systemd.forget_failure(*names)
    if isinstance(work.desired, Stopped):
        users.doubt_strays(work)


def close_socket(work: Work, _: str) -> None:
    stop_units(work, work.environment.socket, work.environment.service)


def open_socket(work: Work, socket: str) -> str:
    systemd.systemctl("start", socket)
    return f"listens on {work.chosen.listen}"


def restart_service(work: Work, service: str) -> None:
    failure = None
    try:
        systemd.start_service(work.environment, service)
    except StepFailed as error:
        failure = error
    # Up to its end the process of before could change the socket.
    listening, socket = work.chosen.listen, work.environment.socket
    changed = socket_options.altered(work.environment, sockets.listeners(), listening)
    if changed:
        close_socket(work, socket)
        open_socket(work, socket)
        systemd.start_service(work.environment, service)
        work.doubts.append(f"{socket} was changed ({', '.join(changed)}), and was opened anew")
    elif failure:
        raise failure
