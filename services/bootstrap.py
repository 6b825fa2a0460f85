"""The composition root: the only place where the parts learn of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.types import ASGIApp

from services.api.app import build_app
from services.api.front import Pages
from services.config import Config
from services.config_sources import ConfigError
from services.env_file import Problem
from services.event_log.backends import backend_of
from services.identity import Identity
from services.login.secrets_file import SecretsFile
from services.login.sessions import Sessions
from services.service import Service
from services.telegram.bot import Telegram
from services.telegram.settings import settings_of


@dataclass(frozen=True)
class Application:
    """A service that is put together and not opened yet."""

    identity: Identity
    service: Service
    telegram: Telegram
    app: ASGIApp
    event_store: Path


def bootstrap(
    config: Config, variables: Mapping[str, str], certificate_end: Callable[[], datetime] | None = None
) -> Application:
    """Put the service together. Raises ConfigError.

    `variables` are the OS's: the release's id is `$HELIONYX_RELEASE`, and `$HELIONYX_REHEARSAL` makes it a
    rehearsal, in which nothing is recorded and nobody else is spoken to. `$HELIONYX_BRIDGE` makes it the
    bridge of a switch: it serves beside the service, without a bot, and does not note its own start and stop.
    `$HELIONYX_LAST_HEAD` is the file in which the node notes the last head of the log. `certificate_end`
    returns the end of the certificate in use, where the service speaks HTTPS.
    """
    identity = _identity(config, variables)
    rehearsal, bridge = identity.rehearsal, _flag("HELIONYX_BRIDGE", variables)
    node_head = variables.get("HELIONYX_LAST_HEAD")
    service = Service(
        backend_of(config.event_store_path),
        config.projections_db_path,
        lambda: datetime.now(UTC),
        release=None if bridge else identity.release,
        rehearsal=rehearsal,
        shared=bridge,
        zone=ZoneInfo(config.timezone),
        node_head=Path(node_head) if node_head else None,
    )
    sessions = _sessions(config)
    telegram = Telegram(
        *settings_of(config, variables, rehearsal=rehearsal, bridge=bridge),
        service,
        identity,
        lambda: datetime.now(UTC),
        lambda: sessions.address(config.public_url),
    )
    app = build_app(
        service,
        identity,
        config.api_token,
        telegram.status,
        _pages(service, identity, sessions, telegram),
        config.trusted_proxies,
        config.cors_origins,
        certificate_end,
    )
    return Application(identity, service, telegram, app, config.event_store_path)


def _identity(config: Config, variables: Mapping[str, str]) -> Identity:
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    release = variables.get("HELIONYX_RELEASE") or "checkout"
    rehearsal = _flag("HELIONYX_REHEARSAL", variables)
    return Identity("helionyx", config.environment, release, started_at, rehearsal)


def _sessions(config: Config) -> Sessions:
    """The browsers that are logged in. Their secrets lie beside the read models: see SecretsFile."""
    secrets = SecretsFile(config.projections_db_path.with_name("sessions.json"))
    return Sessions(secrets, config.api_token, config.environment)


def _pages(service: Service, identity: Identity, sessions: Sessions, telegram: Telegram) -> Pages:
    """The pages of the service."""

    def load() -> ASGIApp:
        # Templates and their library come with the first visit: each start is quick and small.
        from services.web.app import build_pages
        from services.web.site import Site

        return build_pages(Site(service, identity, sessions, telegram.status))

    return Pages(sessions, load)


def _flag(name: str, variables: Mapping[str, str]) -> bool:
    value = variables.get(name) or "0"
    if value not in ("0", "1"):
        # It may well mean yes: taken for a no, it would let a rehearsal record.
        raise ConfigError((Problem(f"expected 0 or 1, found {value!r}", name),), "OS variables")
    return value == "1"
