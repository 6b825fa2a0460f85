"""A release: code, dependencies, configuration and units, under one id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from ..host.releases.releases import MANIFEST
from ..host.values.digests import sha256
from ..host.values.layout import Environment
from ..host.values.manifest import Manifest
from . import layer, units
from .archive import Entry, pack
from .configuration import LAUNCHER, Configuration
from .layer import Dependencies, Target
from .source import Source

COMMAND = """\
#!/bin/sh
# The command line, for the environment of this release and as its unit starts it: sudo .../helionyx VERB
# Root opens the configuration. The code of the release runs as {user}, without root's terminal.
release=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || exec /usr/bin/python{python} -IS "$release/run.py" services.cli "$@"
exec 3<"$release/.env.{name}"
export HELIONYX_CONFIGURATION=3 HELIONYX_TLS_FILE=/opt/helionyx/{name}/tls.pem HOME=/
exec setsid --fork --wait \\
    setpriv --reuid={user} --regid={user} --init-groups --no-new-privs --pdeathsig=TERM -- \\
    /usr/bin/python{python} -IS "$release/run.py" services.cli "$@"
"""


def command(environment: Environment, python: str) -> bytes:
    """The command line of a release, as a program of its own."""
    return COMMAND.format(python=python, user=environment.user, name=environment.name).encode()


@dataclass(frozen=True)
class Release:
    """The files put on the node: the manifest and everything but the layer."""

    manifest: Manifest
    entries: list[Entry]
    units: dict[str, bytes]

    @cached_property
    def archive(self) -> bytes:
        """The entries as one archive, which most requests do not need."""
        return pack(self.entries)


def build(
    environment: Environment,
    source: Source,
    configuration: Configuration,
    packages: Dependencies,
    target: Target,
) -> Release:
    """Put it together. The same inputs give the same id and the same bytes."""
    rendered = units.render(environment, target.python, configuration.facts)
    entries = _entries(environment, source, configuration, target, rendered)
    files = {entry.path: sha256(entry.content) for entry in sorted(entries, key=lambda item: item.path)}
    manifest = Manifest(
        environment=environment.name,
        commit=source.commit,
        dirty=source.dirty,
        subject=source.subject,
        python=target.python,
        platform=target.platform,
        layer=layer.digest(packages, target),
        files=files,
        units={name: sha256(data) for name, data in sorted(rendered.items())},
        config=configuration.facts,
        digests=configuration.digests,
        project=source.project,
        log=configuration.log,
    )
    manifest = replace(manifest, id=manifest.expected_id)
    return Release(manifest, [*entries, Entry(MANIFEST, manifest.text, 0o600)], rendered)


def _entries(
    environment: Environment,
    source: Source,
    configuration: Configuration,
    target: Target,
    rendered: dict[str, bytes],
) -> list[Entry]:
    """The files of a release beside its manifest."""
    return [
        *(Entry(path, data, 0o755 if runs else 0o644) for path, (data, runs) in _code(source).items()),
        *(Entry(f"units/{name}", data) for name, data in rendered.items()),
        Entry("run.py", LAUNCHER),
        Entry("helionyx", command(environment, target.python), 0o755),
        Entry(f".env.{environment.name}", configuration.content, 0o600),
    ]


def _code(source: Source) -> dict[str, tuple[bytes, bool]]:
    return {path: item for path, item in source.files.items() if path.startswith("services/")}
