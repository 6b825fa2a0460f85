"""The facts of one look at an environment, by noun: its user, releases, units, address, and neighbours."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..event_log import room
from ..node import (
    accounts,
    dropins,
    files,
    jobs,
    probe,
    processes,
    socket_options,
    sockets,
    systemd,
)
from ..node.systemd import Unit
from ..releases import certificate, releases
from ..values import exposure
from ..values.desired import Absent, Desired, Stopped
from ..values.layout import Environment, Layout
from ..values.manifest import BOT, Manifest
from ..values.observed import Observed
from . import activation
from .directories import is_home, user_id

PATIENCE = 5.0  # seconds that a running service may take until it answers
PATIENCE_UNREADY = 0.5  # seconds to wait for a service that READY was sent for, but that answers not ready


@dataclass(frozen=True)
class Look:
    """The values that more than one fact of a look at an environment is made of."""

    environment: Environment
    desired: Desired | None
    current: str | None
    manifest: Manifest | None  # of the current release
    service: Unit
    socket: Unit
    journald: Unit
    listeners: list[sockets.Listener]

    @classmethod
    def at(
        cls,
        environment: Environment,
        desired: Desired | None,
        current: str | None,
        manifest: Manifest | None,
    ) -> Look:
        """Ask systemd and the kernel. `current` is the current release, and `manifest` its manifest."""
        names = (environment.service, environment.socket, environment.journald)
        units = systemd.show(list(names))
        service, socket, journald = (units[name] for name in names)
        listeners = sockets.listeners()
        return cls(environment, desired, current, manifest, service, socket, journald, listeners)

    @property
    def release(self) -> Manifest | None:
        """The release of the desired state."""
        return self.desired.release if self.desired else None

    @property
    def listen(self) -> str | None:
        """The address of the open socket."""
        return self.socket.listen if self.socket.active == "active" else None

    def facts(self, *, with_options: bool) -> Observed:
        """All facts but those about what lies in the environment's data."""
        observed = self._releases(self._account(Observed(answers=self._answers())))
        return self._environments(self._address(self._units(observed), with_options=with_options))

    def _answers(self) -> dict[str, Any] | None:
        """Ask the service. A probe of an idle socket would start it: only one that runs is asked.

        One that is to end is not asked.
        """
        is_asked = not isinstance(self.desired, Stopped | Absent)
        is_running = self.service.active == "active" and not processes.is_stopped(self.service.pid)
        if not is_asked or not is_running or self.listen is None:
            return None
        return _answer(self.listen, self.service.pid)

    def _account(self, observed: Observed) -> Observed:
        """Add the facts about the environment's user."""
        environment = self.environment
        account = accounts.of(environment)
        return replace(
            observed,
            user=account is not None,
            unmarked=account is not None and not accounts.is_as_created(account, environment),
            strays=processes.of(environment, user_id(environment)),
            lingers=processes.lingers(environment),
            jobs=jobs.of(environment, account.uid if account else None),
        )

    def _releases(self, observed: Observed) -> Observed:
        """Add the facts about releases and layers."""
        layout, environment, manifest = self.environment.layout, self.environment, self.manifest
        root = environment.releases.parent
        examined = {self.current, self.release.id if self.release else None} if self.desired else None
        return replace(
            observed,
            layers=releases.layers(layout),
            layers_elsewhere=tuple(sorted(releases.layers_used(layout, without=environment))),
            releases=releases.on_disk(environment, examined),
            current=self.current,
            previous=releases.previous(environment),
            table=int(manifest.log.get("table", 0)) if manifest else 0,
            reads=manifest.log.get("reads", {}) if manifest else {},
            can_bridge=manifest is not None and manifest.can_bridge,
            opt=is_home(root) or files.gone(root).exists(),
            noexec=room.noexec(layout.layers),
            certificate=certificate.state(environment, self.release or manifest),
            # No plan depends on it.
            certificate_end=certificate.end(environment, manifest) if self.desired is None else None,
        )

    def _units(self, observed: Observed) -> Observed:
        """Add the facts about the environment's units."""
        layout, environment = self.environment.layout, self.environment
        return replace(
            observed,
            units=releases.unit_files(environment),
            dropins=dropins.named(environment),
            stale=self.service.stale or self.socket.stale,
            journal=self.journald.pid != 0,
            journal_stale=_is_older(self.journald, layout.unit_file(environment.journal)),
            enabled=_enabled(environment),
            socket=self.socket.active,
            service=self.service.active,
            pid=self.service.pid,
            runs=activation.release_of(environment, self.service),
            rehearsal=any(path.exists() for path in dropins.rehearsal_places(environment)),
            bridge=any(path.exists() for path in dropins.bridge_places(environment)),
        )

    def _address(self, observed: Observed, *, with_options: bool) -> Observed:
        """Add the facts about the address of the environment, and who listens there."""
        release, listen = self.release, self.listen
        return replace(
            observed,
            listening=tuple(item.address for item in self.listeners),
            listen=listen,
            altered=socket_options.altered(self.environment, self.listeners, listen) if with_options else (),
            holder=_stranger(self.listeners, listen, release or self.manifest),
            beside=sockets.beside(self.listeners, listen),
            bindable=release is None or sockets.is_local(str(release.config["api_host"])),
        )

    def _environments(self, observed: Observed) -> Observed:
        """Add the facts about all environments of this node, and about those beside this one."""
        manifests = _current(self.environment.layout)
        others = {name: release for name, release in manifests.items() if name != self.environment.name}
        return replace(
            observed,
            neighbours={name: release.listen for name, release in others.items()},
            bots={name: release.digests[BOT] for name, release in others.items() if BOT in release.digests},
            projects={name: release.project for name, release in manifests.items()},
            tokens={name: exposure.token_of(release.digests) for name, release in manifests.items()},
        )


def _answer(listen: str, pid: int) -> dict[str, Any] | None:
    return probe.ask_until_ready(listen, PATIENCE, PATIENCE_UNREADY, pid)


def _stranger(opened: list[sockets.Listener], listen: str | None, release: Manifest | None) -> str | None:
    """The program on the port of a release; None for this environment's own socket."""
    if release is None:
        return None
    port = int(release.config["api_port"])
    if listen is not None and int(listen.rsplit(":", 1)[1]) == port:
        return None
    held = [item for item in opened if item.port == port]
    return sockets.holder(held[0].inode) if held else None


def _is_older(unit: Unit, configuration: Path) -> bool:
    """Whether the process of a unit has started before its configuration was written.

    A file from the future was written before the clock was set back, and says nothing about that.
    """
    if not unit.pid or not configuration.exists():
        return False
    now, age = time.time(), time.monotonic() - unit.started
    return now - age < configuration.stat().st_mtime <= now


def _enabled(environment: Environment) -> bool:
    system = environment.layout.unit_file(environment.service).parent
    return (system / "multi-user.target.wants" / environment.service).is_symlink() and (
        system / "sockets.target.wants" / environment.socket
    ).is_symlink()


def _current(layout: Layout) -> dict[str, Manifest]:
    """The current release of each environment, running or not."""
    manifests = {}
    for environment in layout.environments:
        manifest = releases.read_manifest(environment, releases.current(environment))
        if manifest is not None:
            manifests[environment.name] = manifest
    return manifests
