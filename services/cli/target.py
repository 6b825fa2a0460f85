"""The service that a command calls: environment, address and token from its `.env` file.

A release on a node speaks to its own environment, wherever it is called from. A checkout speaks to dev,
unless another one is named; live has to be named each time.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from services.cli.errors import UsageError
from services.config import Config
from services.config_sources import read_file, read_opened

PREFIX = ".env."
OPENED = "HELIONYX_CONFIGURATION"
"""The variable with a descriptor: root opens a release's file, and starts this as another user."""


@dataclass(frozen=True)
class Target:
    """The address and the token of a service. Its repr holds no secret."""

    environment: str
    url: str
    """Without a `/` at its end."""
    given: bool
    """Whether somebody gave the URL: then it may lead to another environment than the one that was named."""
    source: str
    """The file that the token is from."""
    timezone: str
    token: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    """The file with the certificate that its own machine presents; None where the name in it counts."""


def find(environment: str | None, url: str | None, variables: Mapping[str, str], root: Path) -> Target:
    """The service that is meant. `environment` and `url` are as typed, `variables` the OS's.

    `root` is the checkout or the release. Raises UsageError, and ConfigError for a file that is no use.
    """
    if "HELIONYX_RELEASE" in variables:
        name, directory = _of_release(environment, root), root
        hint = "only root can read it: use sudo"
    else:
        name, directory = _of_checkout(environment, variables), root / variables.get("ENV_DIR", "")
        hint = f"make env ENV={name} writes one"
    path, opened = directory / f"{PREFIX}{name}", variables.get(OPENED)
    source, file = read_opened(opened, path) if opened else read_file(path, hint)
    config = Config.of(name, file, source)
    given = url or variables.get("HELIONYX_URL") or None
    if given:
        return Target(name, _checked(given), True, source, config.timezone, config.api_token)
    copy = variables.get("HELIONYX_TLS_FILE")
    certificate = Path(copy) if copy and config.tls_cert_file else config.tls_cert_file
    return Target(name, _own(config), False, source, config.timezone, config.api_token, certificate)


def _of_release(named: str | None, root: Path) -> str:
    environments = [path.name.removeprefix(PREFIX) for path in root.glob(f"{PREFIX}*")]
    if len(environments) != 1:
        raise UsageError(
            f"expected the configuration of one environment in {root}, found {len(environments)}"
        )
    if named not in (None, environments[0]):
        raise UsageError(
            f"this is a release of {environments[0]}, not of {named}.",
            f"/opt/helionyx/{named}/current/helionyx is the one of {named}",
        )
    return environments[0]


def _of_checkout(named: str | None, variables: Mapping[str, str]) -> str:
    # An ENV that merely stands in the shell may be something else altogether.
    standing = variables.get("ENV")
    if named is None and standing == "live":
        raise UsageError("ENV=live is set in the shell; live must be named each time.", "--env live")
    return named or (standing if standing in ("dev", "staging") else "dev")


def _own(config: Config) -> str:
    """The address of the service, as seen from its own machine."""
    address = ipaddress.ip_address(config.api_host)
    loopback = "127.0.0.1" if address.version == 4 else "::1"
    host = loopback if address.is_unspecified else config.api_host
    scheme = "http" if config.tls_cert_file is None else "https"
    return f"{scheme}://[{host}]:{config.api_port}" if ":" in host else f"{scheme}://{host}:{config.api_port}"


def _checked(url: str) -> str:
    # Not shown: who puts a password into it would find it in a log.
    problem = UsageError(
        "expected a URL such as http://192.0.2.10:8000, with its http:// or https://, and no user or query."
    )
    try:
        parts = urlsplit(url)
        fit = parts.port != 0 and parts.hostname and parts.scheme in ("http", "https")
    except ValueError:
        raise problem from None
    if not fit or parts.username is not None or parts.query or parts.fragment or not url.isascii():
        raise problem
    return url.rstrip("/")
