"""The keys of the configuration: what each may be, and how its text is read. Standard library only."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PLACEHOLDER = "CHANGE_ME"
"""The beginning of a value that nobody has filled in."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SHORTEST_TOKEN = 16
LEAST_MEMORY = 128  # MiB

TLS_KEYS = ("TLS_CERT_FILE", "TLS_KEY_FILE")
"""The files of HTTPS: both, or neither."""

OFF = "off"
"""The value for no time at all."""

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PLACEHOLDER_TOKEN = re.compile("(?<![a-z0-9])token(?![a-z0-9])|botfather", re.IGNORECASE)
_BOT_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
TELEGRAM = "https://api.telegram.org"
"""Telegram's own Bot API."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[1-9][0-9]{0,4}))?(/[A-Za-z0-9._~-]+)*"
)
_BOT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,28}bot", re.IGNORECASE)


class InvalidError(Exception):
    """A value that a key cannot have: what was expected and found, and a hint. Never quotes a secret."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Key:
    """One key: how its text becomes a value, and what holds when it is absent."""

    name: str
    read: Callable[[str], object]
    default: str | None = None
    required: bool = False
    secret: bool = False
    exclusive: bool = False
    """Whether it belongs to one environment alone: in a checkout no OS variable replaces it."""


def _found(text: str) -> str:
    # As long as a token, a value is not shown: it may be a secret that got under the wrong name.
    return repr(text) if len(text) < SHORTEST_TOKEN else f"a value of {len(text)} characters"


def _host(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError("a zone")
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidError(
            f"expected an IPv4 or IPv6 address, found {_found(text)}",
            "names are refused: 0.0.0.0 is every IPv4 address, 127.0.0.1 this machine alone",
        ) from None


def _port(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > 65535:
        raise InvalidError(f"expected a port from 1 to 65535, found {_found(text)}")
    return int(text)


def _networks(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        try:
            ipaddress.ip_network(name)
        except ValueError:
            raise InvalidError(
                f"expected addresses or networks with commas between them, found {_found(name)}",
                "such as 127.0.0.1,10.0.0.0/8",
            ) from None
    return names


def _origins(text: str) -> tuple[str, ...]:
    return tuple(_origin(origin.strip().lower()) for origin in text.split(","))


def _origin(text: str) -> str:
    url = _URL.fullmatch(text)
    if not url or text.count("/") > 2 or int(url["port"] or 443) > 65535:
        raise InvalidError(
            "expected origins with commas between them, each https://, a host, and perhaps a port, without"
            f" a / at its end; found {_found(text)}",
            "such as https://my.page,http://localhost:3000; a * would let every page in",
        )
    if url["scheme"] == "http" and not _near(url["host"]):
        raise InvalidError(
            f"expected https:// for {_found(url['host'])}, found http://: its pages could be forged",
            "http:// is for localhost and for loopback and private addresses",
        )
    # A browser leaves out the port that the scheme has by itself.
    return text.removesuffix(":443" if url["scheme"] == "https" else ":80")


def _api_token(text: str) -> str:
    if not all("!" <= character <= "~" for character in text):
        raise InvalidError("expected visible ASCII characters without spaces, found another character")
    if len(text) < SHORTEST_TOKEN:
        raise InvalidError(
            f"expected at least {SHORTEST_TOKEN} characters, found {len(text)}",
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one",
        )
    return text


def _path(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise InvalidError(f"expected an absolute path, found {_found(text)}", "it begins with /")
    if ".." in path.parts or len(path.parts) < 2 or text.endswith("/"):
        raise InvalidError(f"expected a path without `..` and without a / at its end, found {_found(text)}")
    return path


def _unit_path(text: str) -> Path:
    """A path that a unit file can name as it is."""
    if not re.fullmatch(r"[A-Za-z0-9._+@:/-]*", text):
        raise InvalidError(
            f"expected a path of letters, digits and . _ + @ : -, found {_found(text)}",
            "a link without other characters may lead to the file",
        )
    return _path(text)


def _log_level(text: str) -> str:
    if text not in LOG_LEVELS:
        raise InvalidError(f"expected one of {', '.join(LOG_LEVELS)}, found {_found(text)}")
    return text


def _bot_token(text: str) -> str:
    if _PLACEHOLDER_TOKEN.search(text):
        raise InvalidError("still the placeholder of a guide", "@BotFather shows the token of a bot")
    if not _BOT_TOKEN.fullmatch(text):
        raise InvalidError(
            f"expected digits, a colon and letters, found {len(text)} characters of another shape",
            "@BotFather shows the token of a bot",
        )
    return text


def _chat_id(text: str) -> int:
    if not re.fullmatch(r"-?[1-9][0-9]{0,18}", text):
        raise InvalidError(f"expected a whole number, found {_found(text)}", "the id of a group is negative")
    return int(text)


def _bot_name(text: str) -> str:
    if not _BOT_NAME.fullmatch(text):
        raise InvalidError(f"expected a name that ends in `bot`, without an @, found {_found(text)}")
    return text


def _quiet_hours(text: str) -> tuple[str, str] | None:
    if text == OFF:
        return None
    begin, _, end = text.partition("-")
    if not _CLOCK.fullmatch(begin) or not _CLOCK.fullmatch(end) or begin == end:
        raise InvalidError(
            f"expected two times of day or `{OFF}`, found {_found(text)}",
            "22:00-08:00 is over night, from the first minute up to the second",
        )
    return begin, end


def _summary_at(text: str) -> str | None:
    if text != OFF and not _CLOCK.fullmatch(text):
        raise InvalidError(f"expected a time of day or `{OFF}`, found {_found(text)}", "such as 08:00")
    return None if text == OFF else text


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,5}[MG]", text) or _mebibytes(text) < LEAST_MEMORY:
        raise InvalidError(
            f"expected a size from {LEAST_MEMORY}M on, in M or G, found {_found(text)}",
            "such as 256M or 1G; the service takes 60M when it does nothing",
        )
    return text


def _mebibytes(text: str) -> int:
    return int(text[:-1]) * (1024 if text.endswith("G") else 1)


def _between(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[1-9][0-9]{0,6}", text) or not low <= int(text) <= high:
            raise InvalidError(f"expected a whole number from {low} to {high}, found {_found(text)}")
        return int(text)

    return read


def _api_url(text: str) -> str:
    url = _URL.fullmatch(text)
    if not url or int(url["port"] or 443) > 65535:
        raise InvalidError(
            "expected http:// or https://, a host, and perhaps a port and a path without a / at its end, "
            f"found {_found(text)}",
            f"{TELEGRAM} is Telegram's own",
        )
    if url["scheme"] == "http" and not _near(url["host"]):
        raise InvalidError(
            f"expected https:// to {_found(url['host'])}, found http://: the token would be sent unencrypted",
            "http:// is for localhost and for loopback and private addresses",
        )
    return text


def _public_url(text: str) -> str:
    url = _URL.fullmatch(text)
    if not url or int(url["port"] or 443) > 65535:
        raise InvalidError(
            f"expected https://, a host, and perhaps a port, without a / at its end; found {_found(text)}",
            "such as https://notes.example.org",
        )
    return text


def _near(host: str) -> bool:
    """Whether a host is this machine, or an address that no public network has."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.lower() == "localhost"
    return address.is_loopback or address.is_private


def _timezone(text: str) -> str:
    if text == "UTC":
        return text
    import zoneinfo  # only where it is wanted: a check runs on every deploy

    try:
        zoneinfo.ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        if not any(Path(directory).is_dir() for directory in zoneinfo.TZPATH):
            raise InvalidError(
                f"this system has no time zone database, so that only UTC is known; found {_found(text)}",
                "install the package tzdata on this machine, or set TIMEZONE=UTC",
            ) from None
        raise InvalidError(
            f"expected the name of an IANA time zone, found {_found(text)}", "for example Europe/Vienna"
        ) from None
    return text


KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        Key("API_HOST", _host, default="0.0.0.0"),  # noqa: S104 - the address that the service is meant to have
        Key("API_PORT", _port, default="8000"),
        Key("API_TOKEN", _api_token, secret=True, exclusive=True),
        Key("EVENT_STORE_PATH", _path, required=True, exclusive=True),
        Key("PROJECTIONS_DB_PATH", _path, required=True, exclusive=True),
        Key("LOG_LEVEL", _log_level, default="INFO"),
        Key("TELEGRAM_BOT_TOKEN", _bot_token, secret=True, exclusive=True),
        Key("TELEGRAM_CHAT_ID", _chat_id, exclusive=True),
        Key("TELEGRAM_BOT_USERNAME", _bot_name, exclusive=True),
        Key("TELEGRAM_API_URL", _api_url, default=TELEGRAM),
        Key("TELEGRAM_QUIET_HOURS", _quiet_hours, default="22:00-08:00"),
        Key("TELEGRAM_SUMMARY_AT", _summary_at, default="08:00"),
        Key("TIMEZONE", _timezone, default="UTC"),
        Key("TRUSTED_PROXIES", _networks),
        Key("CORS_ORIGINS", _origins),
        *(Key(name, _unit_path) for name in TLS_KEYS),
        Key("PUBLIC_URL", _public_url, exclusive=True),
        Key("MEMORY_LIMIT", _memory),
        Key("TASKS_LIMIT", _between(64, 4096)),
        Key("CPU_WEIGHT", _between(1, 10_000)),
        Key("IO_WEIGHT", _between(1, 10_000)),
    )
}
"""Every key there is, in the order of the template."""
