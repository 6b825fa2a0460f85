"""The configuration of one environment, and `python -m services.config check`. Standard library only.

`check` tells whether a configuration can be used, and what it says without its secrets. The shape of its
`--json` is a contract: the deployment reads that, and never an `.env` file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from services.config_keys import KEYS, PLACEHOLDER, TELEGRAM, TLS_KEYS, InvalidError, Key
from services.config_sources import ConfigError, environment_problems, load, read_file
from services.env_file import Entry, EnvFile, Problem, parse
from services.formats import READS, TABLE_VERSION, WRITES, by_type

REFUSED = 2
"""The exit code of `check` for a configuration that cannot be used."""

ROOT = Path(__file__).resolve().parent.parent
"""The checkout or the release that this file lies in."""


@dataclass(frozen=True)
class Config:
    """One environment's settings, checked. Its repr holds no secret."""

    environment: str
    api_host: str
    api_port: int
    event_store_path: Path
    """The directory of the event log."""
    projections_db_path: Path
    """The stem of the projections' file: a/b.db lives in a/b-<schema>.db."""
    log_level: str
    timezone: str
    api_token: str | None = field(default=None, repr=False)
    telegram_bot_token: str | None = field(default=None, repr=False)
    telegram_chat_id: int | None = None
    telegram_bot_username: str | None = None
    telegram_api_url: str = TELEGRAM
    """The address of the Bot API, without a / at the end."""
    telegram_quiet_hours: tuple[str, str] | None = None
    """The hours without reminders, such as 22:00 to 08:00."""
    telegram_summary_at: str | None = None
    """The time of the summary of the day."""
    trusted_proxies: tuple[str, ...] = ()
    """The addresses and networks whose X-Forwarded-For is believed."""
    cors_origins: tuple[str, ...] = ()
    """The origins whose pages may call the API from a browser."""
    tls_cert_file: Path | None = None
    """The certificate with its chain, in PEM format. On a node, a file of root's: the service has a copy."""
    tls_key_file: Path | None = None
    memory_limit: str | None = None
    """This and the next three are for the unit of the service, and nothing to itself."""
    tasks_limit: int | None = None
    cpu_weight: int | None = None
    io_weight: int | None = None
    public_url: str | None = None
    """The address of the pages, as browsers reach them, without a / at the end."""

    @classmethod
    def from_env(
        cls, environment: str | None, *, variables: Mapping[str, str] | None = None, root: Path | None = None
    ) -> Config:
        """The configuration of `environment` (dev, staging or live), from where this process is to take it.

        `variables` are the OS's by default, `root` the checkout that this file lies in. Raises ConfigError.
        """
        given = os.environ if variables is None else variables
        source, file = load(environment, given, ROOT if root is None else root)
        return cls.of(environment, file, source)

    @classmethod
    def of(cls, environment: str | None, file: EnvFile, source: str) -> Config:
        """The configuration that `file` holds. `source` is named in the ConfigError that this raises."""
        values, problems = _read(file) if file.is_read else ({}, ())
        problems = (*environment_problems(environment), *file.problems, *problems)
        if problems:
            raise ConfigError(tuple(sorted(problems, key=lambda problem: problem.line or 0)), source)
        named = {name.lower(): value for name, value in values.items()}
        return cls(environment=cast(str, environment), **named)  # type: ignore[arg-type]


def _read(file: EnvFile) -> tuple[dict[str, object], tuple[Problem, ...]]:
    values: dict[str, object] = {}
    problems = [_unknown(name, entry) for name, entry in file.entries.items() if name not in KEYS]
    mentioned = set(file.entries) | {problem.key for problem in file.problems}
    for key in KEYS.values():
        entry = file.entries.get(key.name, Entry(key.default) if key.default is not None else None)
        if entry is None:
            if key.required and key.name not in mentioned:
                problems.append(Problem("is missing; there is no default", key.name))
            continue
        try:
            values[key.name] = _value(key, entry.value)
        except InvalidError as invalid:
            problems.append(Problem(invalid.message, key.name, entry.line, invalid.hint))
    return values, (*problems, *_contradictions(values, mentioned))


def _contradictions(values: Mapping[str, object], mentioned: Collection[str | None]) -> Iterator[Problem]:
    """The problems of values that do not go together."""
    if _inside(values.get("PROJECTIONS_DB_PATH"), values.get("EVENT_STORE_PATH")):
        message = "expected a path outside EVENT_STORE_PATH: projections may be deleted, events never"
        yield Problem(message, "PROJECTIONS_DB_PATH")
    for name, other in (TLS_KEYS, TLS_KEYS[::-1]):
        if name in mentioned and other not in mentioned:
            yield Problem(f"is missing beside {name}", other, hint="HTTPS needs the certificate and its key")
    if "API_TOKEN" not in mentioned and not _loopback(values.get("API_HOST")):
        yield _no_token(values.get("API_HOST"))


def _value(key: Key, text: str) -> object:
    if text.startswith(PLACEHOLDER):
        raise InvalidError(f"still the {PLACEHOLDER} placeholder", "set a real value")
    if not text:
        raise InvalidError("the value is empty", "give it a value, or comment the line out")
    return key.read(text)


def _inside(path: object, directory: object) -> bool:
    return isinstance(path, Path) and isinstance(directory, Path) and path.is_relative_to(directory)


def _loopback(host: object) -> bool:
    import ipaddress

    # A host that is not even an address has a problem of its own: it gets no second one.
    if not isinstance(host, str):
        return True
    address = ipaddress.ip_address(host)
    # Python 3.13 made ::ffff:127.0.0.1 a loopback address: the answer must not depend on the version.
    is_mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    return address.is_loopback and not is_mapped


def _no_token(host: object) -> Problem:
    return Problem(
        f"No API_TOKEN with a non-loopback address: the service refuses (API_HOST is {host})",
        "API_TOKEN",
        hint="set API_TOKEN, or API_HOST=127.0.0.1",
    )


def _unknown(name: str, entry: Entry) -> Problem:
    import difflib

    nearest = difflib.get_close_matches(name, KEYS, n=1)
    hint = f"the nearest that exists is {nearest[0]}" if nearest else ".env.template explains every key"
    # What does not read like a name is not shown: half a secret may end in `=` as well.
    shown = name if name.replace("_", "").isalpha() and len(name) <= 40 else None
    return Problem("no such key", shown, entry.line, hint)


def main(arguments: list[str] | None = None) -> int:
    """Check one environment's configuration. Exit code 0: it can be used; 2: it cannot."""
    import argparse  # not for the service, which imports this module as well

    parser = argparse.ArgumentParser(
        prog="python -m services.config", description="Check the configuration of one environment."
    )
    check = parser.add_subparsers(dest="verb", required=True).add_parser(
        "check", help="tell what is wrong with it"
    )
    check.add_argument("--env", required=True, help="dev, staging or live")
    check.add_argument("--file", help="exactly these bytes, without OS variables; - is standard input")
    check.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(arguments)
    try:
        source, file = find(options.env, options.file)
        config = Config.of(options.env, file, source)
    except ConfigError as error:
        _refused(error, options.env, options.json)
        return REFUSED
    _accepted(config, file, source, options.json)
    return 0


def find(environment: str | None, file: str | None) -> tuple[str, EnvFile]:
    """Find the configuration for a command: the bytes of `file` (`-` is standard input), or as `load` does.

    Raises ConfigError.
    """
    if file is None:
        return load(environment, os.environ, ROOT)
    if file == "-":
        return "standard input", parse(sys.stdin.buffer.read())
    return read_file(Path(file))


def _refused(error: ConfigError, environment: str, as_json: bool) -> None:
    if not as_json:
        print(error)
        return
    problems = [
        {"key": problem.key, "line": problem.line, "message": problem.message, "hint": problem.hint}
        for problem in error.problems
    ]
    print(json.dumps({"ok": False, "environment": environment, "problems": problems}))


def _accepted(config: Config, file: EnvFile, source: str, as_json: bool) -> None:
    facts = _facts(config)
    if as_json:
        digests = {key: digest(key, entry.value) for key, entry in file.entries.items()}
        result = {
            "ok": True,
            "environment": config.environment,
            "problems": [],
            "facts": facts,
            "digests": digests,
            "log": _log(),
        }
        print(json.dumps(result))
        return
    print(f"ok: {config.environment}, {source}")
    for name, value in facts.items():
        print(f"  {name}: {value}")


def _facts(config: Config) -> dict[str, object]:
    return {
        "api_host": config.api_host,
        "api_port": config.api_port,
        "event_store_path": str(config.event_store_path),
        "projections_db_path": str(config.projections_db_path),
        "log_level": config.log_level,
        "timezone": config.timezone,
        "telegram_bot_username": config.telegram_bot_username,
        "telegram_api_url": config.telegram_api_url,
        "telegram_chat_id_set": config.telegram_chat_id is not None,
        "memory_limit": config.memory_limit,
        "tasks_limit": config.tasks_limit,
        "cpu_weight": config.cpu_weight,
        "io_weight": config.io_weight,
        "tls_cert_file": _text(config.tls_cert_file),
        "tls_key_file": _text(config.tls_key_file),
        "has_api_token": config.api_token is not None,
        "has_telegram_token": config.telegram_bot_token is not None,
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _log() -> dict[str, object]:
    """The versions of an event log's table and events that this release reads and writes.

    `bridge` says that it serves beside another process where `HELIONYX_BRIDGE` is set.
    """
    reads, writes = by_type(READS), by_type(WRITES)
    return {"table": TABLE_VERSION, "reads": reads, "writes": writes, "bridge": True}


def digest(key: str, value: str) -> str:
    """16 hex digits that tell whether two values of `key` are the same, and not what they are."""
    return hashlib.sha256(f"helionyx-config\0{key}\0{value}".encode()).hexdigest()[:16]


if __name__ == "__main__":
    raise SystemExit(main())
