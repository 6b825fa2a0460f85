"""The three environments, the names they go by on the node, and where everything lies there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ENVIRONMENTS = ("dev", "staging", "live")
UNIT_SUFFIXES = (".socket", ".service", ".path")


@dataclass(frozen=True)
class Layout:
    """The paths on the node. `root` is `/`, except in tests of single steps."""

    root: Path = Path("/")

    @property
    def opt(self) -> Path:
        """Code and dependencies: owned by root, read by the services."""
        return self.root / "opt/helionyx"

    @property
    def state(self) -> Path:
        """The deployment's own state: transactions and the audit."""
        return self.root / "var/lib/helionyx-deploy"

    @property
    def transactions(self) -> Path:
        """One directory per transaction: its request, staged inputs and record."""
        return self.state / "transactions"

    @property
    def audit(self) -> Path:
        """The hash-chained history of all changes."""
        return self.state / "deployments.jsonl"

    @property
    def locks(self) -> Path:
        """Lock files; flock, never unlinked, gone with a reboot."""
        return self.root / "run/helionyx-deploy"

    @property
    def layers(self) -> Path:
        """Dependencies, one directory per digest, shared by the environments."""
        return self.opt / "layers"

    @property
    def host_halves(self) -> Path:
        """The zipapps that ran transactions here."""
        return self.opt / "host"

    def unit_file(self, name: str) -> Path:
        """The installed path of a file of a release's `units/`."""
        systemd = self.root / "etc/systemd"
        return systemd / "system" / name if name.endswith(UNIT_SUFFIXES) else systemd / name

    @property
    def environments(self) -> tuple[Environment, ...]:
        """All environments, deployed or not."""
        return tuple(map(self.of, ENVIRONMENTS))

    def of(self, name: str) -> Environment:
        """The environment of that name on this node."""
        return Environment(name, self)


@dataclass(frozen=True)
class Environment:
    """An environment on a node: its names there, and the paths of all that belongs to it."""

    name: str
    layout: Layout = Layout()

    @property
    def unit(self) -> str:
        """The stem of its units: `helionyx` for live, `helionyx-dev` and `helionyx-staging` beside it."""
        return "helionyx" if self.name == "live" else f"helionyx-{self.name}"

    @property
    def user(self) -> str:
        """The system user that the service runs as; it bears the unit's name."""
        return self.unit

    @property
    def namespace(self) -> str:
        """The journald namespace that holds the service's own lines."""
        return self.unit

    @property
    def service(self) -> str:
        """The service unit."""
        return f"{self.unit}.service"

    @property
    def socket(self) -> str:
        """The socket unit: it stays open while the service restarts."""
        return f"{self.unit}.socket"

    @property
    def shutdown(self) -> str:
        """The unit that limits how long a shutdown of the node waits for the service."""
        return f"{self.unit}-shutdown.service"

    @property
    def tls_service(self) -> str:
        """The unit that copies the certificate and its key for the service."""
        return f"{self.unit}-tls.service"

    @property
    def tls_path(self) -> str:
        """The unit that starts the copying when the certificate or its key changes."""
        return f"{self.unit}-tls.path"

    @property
    def certificate(self) -> Path:
        """The copy of the certificate and its key, in one file that the service can read."""
        return self.layout.opt / self.name / "tls.pem"

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The names of the files in a release's `units/`; those for TLS are only in some."""
        return (self.socket, self.service, self.shutdown, self.journal, self.tls_service, self.tls_path)

    @property
    def rehearsal_stem(self) -> str:
        """The stem of the units that a release is rehearsed in."""
        return f"{self.unit}-rehearsal"

    @property
    def acceptance_service(self) -> str:
        """The unit in which a release is tried on a copy of the log."""
        return f"{self.unit}-acceptance.service"

    @property
    def bridge_service(self) -> str:
        """The unit of a second process that serves while the service restarts."""
        return f"{self.unit}-next.service"

    @property
    def journald(self) -> str:
        """The unit of the journald that serves the namespace."""
        return f"systemd-journald@{self.namespace}.service"

    @property
    def journal(self) -> str:
        """The configuration file of the journald namespace."""
        return f"journald@{self.namespace}.conf"

    @property
    def last_head(self) -> Path:
        """The last known head of an environment's event log: it stays when the environment is removed."""
        return self.layout.opt / "heads" / f"{self.name}.json"

    @property
    def history(self) -> Path:
        """The copy of its history that an environment's service may read."""
        return self.layout.opt / self.name / "history.json"

    @property
    def releases(self) -> Path:
        """The releases that are kept for an environment."""
        return self.layout.opt / self.name / "releases"

    @property
    def current(self) -> Path:
        """The link to the release that the units start."""
        return self.layout.opt / self.name / "current"

    @property
    def activation(self) -> Path:
        """The note of the last turn of `current`."""
        return self.layout.opt / self.name / "activation.json"

    @property
    def verified(self) -> Path:
        """One file per release that came up here, as old as its last deploy."""
        return self.layout.opt / self.name / "verified"

    @property
    def sandbox(self) -> Path:
        """The directory that a service sees as its root: its unit mounts into it what the service needs.

        It is in none of the directories that may be links: systemd cannot mount into it behind a link.
        """
        return self.layout.root / "var/lib/helionyx-sandbox" / self.name

    @property
    def copies(self) -> Path:
        """The place in the environment's data where its user makes copies of the log; none of them stays."""
        return self.data / ".backup"

    @property
    def data(self) -> Path:
        """The data of the service. A deploy changes owners, and removes read models that no release uses."""
        return self.layout.root / "var/lib/helionyx" / self.name

    @property
    def rehearsal_files(self) -> tuple[Path, Path]:
        """The unit files of a rehearsal, socket and service: in /run, so that none outlives a reboot."""
        system = self.layout.root / "run/systemd/system"
        return system / f"{self.rehearsal_stem}.socket", system / f"{self.rehearsal_stem}.service"

    @property
    def acceptance_file(self) -> Path:
        """The unit file of an acceptance, in /run too."""
        return self.layout.root / "run/systemd/system" / self.acceptance_service

    @property
    def rehearsal_units(self) -> tuple[Path, ...]:
        """The unit files of a rehearsal and of its acceptance."""
        return (*self.rehearsal_files, self.acceptance_file)

    @property
    def bridge_file(self) -> Path:
        """The unit file of a bridge, in /run too."""
        return self.layout.root / "run/systemd/system" / self.bridge_service

    @property
    def transient_units(self) -> tuple[Path, ...]:
        """The unit files of rehearsal, acceptance and bridge."""
        return (*self.rehearsal_units, self.bridge_file)

    @property
    def log_copy(self) -> Path:
        """The directory of a copy of the log on which a release is tried; none outlives that.

        Its parent is root's: nothing that an environment runs can put a link in its place.
        """
        return self.sandbox.with_name(f"{self.name}.copy")

    @property
    def archived_logs(self) -> Path:
        """Event logs that were put aside for another one, or are about to take a place, by name."""
        return self.data / "kept"
