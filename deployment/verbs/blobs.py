"""The data that a change sends to the node: a release and its layer, built for that node, or a log."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from ..build import configuration, layer, release, source
from ..build.release import Release
from ..build.source import Source
from ..errors import DeployError
from ..host.values.digests import sha256
from ..host.values.layout import Environment
from ..host.values.promoted import Promoted
from ..remote.connection import Connection
from ..remote.messages import Hello
from ..settings import Settings
from ..ui.output import Output
from .copies import Copy

CACHE = ".cache"  # in the checkout


@dataclass(frozen=True)
class Prepared:
    """The parts of a release that do not depend on the node."""

    source: Source
    configuration: configuration.Configuration
    packages: layer.Dependencies
    promoted: Promoted | None = None  # the release that has the same code, and runs elsewhere


@dataclass(frozen=True)
class Built:
    """A release for one node, and its parts."""

    parts: Prepared
    target: layer.Target
    release: Release

    def to_json(self) -> dict[str, object]:
        """The members of a request for this release."""
        promoted = self.parts.promoted
        members = {"promoted": vars(promoted)} if promoted else {}
        return {"release": self.release.manifest.to_json(), **members}


def prepare(settings: Settings) -> Prepared:
    """Read the committed tree, the configuration and the lock. Raises `DeployError`."""
    code, cache = source.read(settings.root, settings.environment), settings.root / CACHE
    accepted = configuration.read(settings.env_dir, settings.environment, code, cache)
    return Prepared(code, accepted, layer.dependencies(code, cache))


def build(settings: Settings, output: Output, parts: Prepared, node: Hello) -> Built:
    """Build the release for the node that has said hello. Raises `DeployError`."""
    target = layer.target_of(node.python, node.machine, node.libc, pinned=node.pinned)
    started, environment = time.monotonic(), Environment(settings.environment)
    built = release.build(environment, parts.source, parts.configuration, parts.packages, target)
    output.done("build release", time.monotonic() - started, f"{len(built.entries)} files")
    return Built(parts, target, built)


def send(
    settings: Settings, output: Output, connection: Connection, kinds: Sequence[str], data: Built | Copy
) -> None:
    """Send what the node needs of a release, or a log. Raises `DeployError`."""
    for kind in kinds:
        with _blob(settings, output, kind, data) as (file, size, digest):
            started, title = time.monotonic(), f"upload {kind}"
            with output.upload(title, size) as sent:
                connection.blob(file, size, digest, sent)
            output.done(title, time.monotonic() - started, f"{size / 1e3:,.0f} kB")


@contextmanager
def _blob(
    settings: Settings, output: Output, kind: str, data: Built | Copy
) -> Iterator[tuple[IO[bytes], int, str]]:
    """The bytes to send, their number and their digest."""
    if isinstance(data, Copy):
        try:
            file = data.path.open("rb")
        except OSError as error:
            message = f"{data.path} was there when it was looked at: {error.strerror}."
            raise DeployError(message, "nothing was touched; give a backup that stays") from error
        with file:
            yield file, data.size, data.sha256
        return
    content = data.release.archive if kind == "release" else _layer(settings, output, data)
    yield io.BytesIO(content), len(content), sha256(content)


def _layer(settings: Settings, output: Output, built: Built) -> bytes:
    output.begin("build layer")
    started, target = time.monotonic(), built.target
    content = layer.build(built.parts.packages, target, settings.root / CACHE)
    output.done("build layer", time.monotonic() - started, f"Python {target.python}, {target.platform}")
    return content
