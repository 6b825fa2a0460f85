"""The manifest of a release: its contents, and its id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .digests import canonical

BOT = "TELEGRAM_BOT_TOKEN"  # two pollers of one token end each other's polls for ever
ACCESS = "API_TOKEN"  # whoever is on the node can use a service that has none
SECRETS = (ACCESS, BOT)  # somebody else has to know of a change of one


@dataclass(frozen=True)
class Manifest:
    """The contents of a release. Its id is the commit and a digest of all the rest."""

    environment: str
    commit: str
    dirty: bool
    subject: str
    python: str
    platform: str
    layer: str
    files: Mapping[str, str]
    units: Mapping[str, str]
    config: Mapping[str, Any]
    digests: Mapping[str, str]
    project: str = "helionyx"
    log: Mapping[str, Any] = field(
        default_factory=dict
    )  # which table, events and versions it reads and writes
    format: int = 1
    id: str = ""

    @property
    def listen(self) -> str:
        """The address of the environment's socket, as systemd writes it."""
        return listen_address(str(self.config["api_host"]), int(self.config["api_port"]))

    @property
    def certificate(self) -> tuple[Path, Path] | None:
        """The files of its certificate and key on the node; None without HTTPS."""
        certificate, key = self.config.get("tls_cert_file"), self.config.get("tls_key_file")
        return (Path(certificate), Path(key)) if certificate and key else None

    @property
    def knows_its_bot(self) -> bool:
        """Whether it has a bot and can ask whose that is, which those that say where they ask can."""
        return bool(self.config.get("has_telegram_token")) and "telegram_api_url" in self.config

    @property
    def can_bridge(self) -> bool:
        """Whether it can serve beside another process, as releases that say so can."""
        return bool(self.log.get("bridge"))

    def differs_in_commit_alone(self, other: Manifest) -> bool:
        """Whether another release has all the same contents, from another commit."""
        one, two = (replace(item, commit="", subject="", id="") for item in (self, other))
        return one == two and self.commit != other.commit

    @property
    def expected_id(self) -> str:
        """The id that these contents must bear."""
        return id_of(self.to_json())

    @property
    def text(self) -> bytes:
        """The contents of its file in the release."""
        return json.dumps(self.to_json(), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Manifest:
        """Read it back; keys that a later deployment added are left aside."""
        known = {item.name for item in fields(cls)}
        return cls(**{key: item for key, item in value.items() if key in known})


def id_of(manifest: Mapping[str, Any]) -> str:
    """The id that a manifest must bear, from its plain values: one of another version may have other keys."""
    digest = hashlib.sha256(canonical({**manifest, "id": ""}).encode()).hexdigest()
    return f"{manifest['commit'][:12]}{'-dirty' if manifest['dirty'] else ''}-{digest[:12]}"


def listen_address(host: str, port: int) -> str:
    """`host:port` with the brackets that an IPv6 literal needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
