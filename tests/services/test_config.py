"""The configuration: what it may be, and that nobody ever sees its secrets."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import pytest

from services.config import Config
from services.config_keys import KEYS
from services.config_sources import ConfigError
from services.env_file import parse

TOKEN = "hunter2-hunter2-hunter2"
BOT_TOKEN = "123456789:hunter2_hunter2"
MINIMAL = {
    "API_TOKEN": TOKEN,
    "EVENT_STORE_PATH": "/srv/x/events",
    "PROJECTIONS_DB_PATH": "/srv/x/p/helionyx.db",
}


def lines(**keys: str | None) -> bytes:
    """A usable file, with these keys changed, added or (None) taken out."""
    merged = {**MINIMAL, **keys}
    return "".join(f"{key}={value}\n" for key, value in merged.items() if value is not None).encode()


def of(data: bytes) -> Config:
    return Config.of("dev", parse(data), "a file")


def problems(data: bytes) -> dict[str | None, str]:
    """What is wrong with a file, by key."""
    with pytest.raises(ConfigError) as caught:
        of(data)
    return {problem.key: problem.message for problem in caught.value.problems}


def test_defaults() -> None:
    """What need not be said has a default."""
    config = of(lines())
    assert (config.api_host, config.api_port, config.log_level, config.timezone) == (
        "0.0.0.0",
        8000,
        "INFO",
        "UTC",
    )
    assert (config.telegram_bot_token, config.telegram_chat_id, config.telegram_bot_username) == (
        None,
        None,
        None,
    )
    assert config.telegram_api_url == "https://api.telegram.org"


def test_every_key_is_read() -> None:
    """Each key reaches its field."""
    config = of(
        lines(
            API_HOST="::1",
            API_PORT="8002",
            LOG_LEVEL="DEBUG",
            TELEGRAM_BOT_TOKEN=BOT_TOKEN,
            TELEGRAM_CHAT_ID="-100200300",
            TELEGRAM_BOT_USERNAME="helionyx_bot",
            TELEGRAM_API_URL="https://bots.example.org/api",
            TELEGRAM_QUIET_HOURS="21:30-07:00",
            TELEGRAM_SUMMARY_AT="07:15",
            TRUSTED_PROXIES="127.0.0.1,10.0.0.0/8",
            CORS_ORIGINS="'https://My.Page:443, http://localhost:3000,http://[::1]:80'",
            TLS_CERT_FILE="/srv/tls/fullchain.pem",
            TLS_KEY_FILE="/srv/tls/privkey.pem",
            MEMORY_LIMIT="1G",
            TASKS_LIMIT="64",
            CPU_WEIGHT="10000",
            IO_WEIGHT="1",
        )
    )
    assert config == Config(
        "dev", "::1", 8002, Path("/srv/x/events"), Path("/srv/x/p/helionyx.db"), "DEBUG", "UTC", TOKEN,
        BOT_TOKEN, -100200300, "helionyx_bot", "https://bots.example.org/api",
        ("21:30", "07:00"), "07:15", ("127.0.0.1", "10.0.0.0/8"),
        ("https://my.page", "http://localhost:3000", "http://[::1]"),
        Path("/srv/tls/fullchain.pem"), Path("/srv/tls/privkey.pem"), "1G", 64, 10_000, 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("API_HOST", "localhost", "an IPv4 or IPv6 address, found 'localhost'"),
        ("API_HOST", "127.1", "an IPv4 or IPv6 address"),
        ("API_HOST", "fe80::1%eth0", "an IPv4 or IPv6 address"),
        ("API_PORT", "0", "1 to 65535, found '0'"),
        ("API_PORT", "65536", "1 to 65535"),
        ("API_PORT", "08000", "1 to 65535"),
        ("API_PORT", "http", "1 to 65535"),
        ("API_TOKEN", "hunter2", "at least 16 characters, found 7"),
        ("API_TOKEN", "'hunter2 hunter2 hunter2'", "without spaces"),
        ("API_TOKEN", "'hunter2hunter2hunter2ü'", "visible ASCII"),
        ("EVENT_STORE_PATH", "data/events", "absolute path"),
        ("EVENT_STORE_PATH", "/srv/../etc", "without `..`"),
        ("EVENT_STORE_PATH", "/", "without `..`"),
        ("PROJECTIONS_DB_PATH", "/srv/x/", "without a / at its end"),
        ("PROJECTIONS_DB_PATH", "/srv/x/events/p.db", "outside EVENT_STORE_PATH"),
        ("LOG_LEVEL", "info", "DEBUG, INFO, WARNING, ERROR, found 'info'"),
        ("TELEGRAM_BOT_TOKEN", "hunter2", "found 7 characters of another shape"),
        ("TELEGRAM_BOT_TOKEN", "123456789:the-token-from-BotFather", "the placeholder of a guide"),
        ("TELEGRAM_BOT_TOKEN", "123456789:YOUR_BOT_TOKEN", "the placeholder of a guide"),
        ("TELEGRAM_BOT_TOKEN", "123456789:token", "the placeholder of a guide"),
        ("TELEGRAM_BOT_TOKEN", "CHANGE_ME_the_token_from_BotFather", "CHANGE_ME"),
        ("TELEGRAM_CHAT_ID", "1.5", "a whole number"),
        ("TELEGRAM_BOT_USERNAME", "@helionyx_bot", "without an @"),
        ("TELEGRAM_BOT_USERNAME", "helionyx", "ends in `bot`"),
        ("TELEGRAM_API_URL", "api.telegram.org", "http:// or https://"),
        ("TELEGRAM_API_URL", "ftp://localhost", "http:// or https://"),
        ("TELEGRAM_API_URL", "https://api.telegram.org/", "without a / at its end"),
        ("TELEGRAM_API_URL", "https://ada:hunter2@example.org", "http:// or https://"),
        ("TELEGRAM_API_URL", "'https://example.org/?a=hunter2'", "http:// or https://"),
        ("TELEGRAM_API_URL", "'https://example.org#a'", "http:// or https://"),
        ("TELEGRAM_API_URL", "https://example.org:65536", "http:// or https://"),
        ("TELEGRAM_API_URL", "'https://[::1'", "http:// or https://"),
        ("TELEGRAM_API_URL", "http://example.org", "unencrypted"),
        ("TELEGRAM_API_URL", "http://localhost.org", "unencrypted"),
        ("TELEGRAM_API_URL", "http://8.8.8.8:8081", "unencrypted"),
        ("TELEGRAM_QUIET_HOURS", "22-8", "two times of day or `off`"),
        ("TELEGRAM_QUIET_HOURS", "22:00", "two times of day or `off`"),
        ("TELEGRAM_QUIET_HOURS", "22:00-24:00", "two times of day or `off`"),
        ("TELEGRAM_QUIET_HOURS", "08:00-08:00", "two times of day or `off`"),
        ("TELEGRAM_SUMMARY_AT", "8:00", "a time of day or `off`"),
        ("TELEGRAM_SUMMARY_AT", "never", "a time of day or `off`"),
        ("TIMEZONE", "Nowhere/Nothing", "an IANA time zone"),
        ("TRUSTED_PROXIES", "localhost", "addresses or networks"),
        ("CORS_ORIGINS", "https://my.page/", "without a / at its end"),
        ("TLS_CERT_FILE", "'/srv/my tls/cert.pem'", "letters, digits and . _ + @ : -"),
        ("TLS_KEY_FILE", "tls/privkey.pem", "absolute path"),
        ("TLS_KEY_FILE", "/srv/%h/privkey.pem", "letters, digits and . _ + @ : -"),
        ("MEMORY_LIMIT", "127M", "a size from 128M on, in M or G, found '127M'"),
        ("MEMORY_LIMIT", "256", "a size from 128M on"),
        ("MEMORY_LIMIT", "256m", "a size from 128M on"),
        ("MEMORY_LIMIT", "0G", "a size from 128M on"),
        ("MEMORY_LIMIT", "infinity", "a size from 128M on"),
        ("MEMORY_LIMIT", "50%", "a size from 128M on"),
        ("TASKS_LIMIT", "63", "a whole number from 64 to 4096, found '63'"),
        ("TASKS_LIMIT", "4097", "a whole number from 64 to 4096"),
        ("CPU_WEIGHT", "0", "a whole number from 1 to 10000"),
        ("CPU_WEIGHT", "idle", "a whole number from 1 to 10000"),
        ("IO_WEIGHT", "10001", "a whole number from 1 to 10000"),
        ("IO_WEIGHT", "1.5", "a whole number from 1 to 10000"),
        ("TRUSTED_PROXIES", "127.0.0.1,", "addresses or networks"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "addresses or networks"),
        ("TIMEZONE", "../etc/passwd", "an IANA time zone"),
        ("LOG_LEVEL", "", "the value is empty"),
        ("API_TOKEN", "CHANGE_ME_and_more_than_16", "CHANGE_ME"),
    ],
)
def test_a_value_that_a_key_cannot_have(key: str, value: str, expected: str) -> None:
    """A bad value is refused under its key, with what was expected and what was found."""
    other = {"TLS_CERT_FILE": "TLS_KEY_FILE", "TLS_KEY_FILE": "TLS_CERT_FILE"}.get(key)
    found = problems(lines(**{key: value, **({other: "/srv/tls.pem"} if other else {})}))
    assert list(found) == [key]
    assert expected in found[key]


@pytest.mark.parametrize("keys", [("TLS_CERT_FILE", "TLS_KEY_FILE"), ("TLS_KEY_FILE", "TLS_CERT_FILE")])
def test_a_certificate_needs_its_key(keys: tuple[str, str]) -> None:
    """Both or neither, also where the value of the one is bad."""
    given, other = keys
    assert problems(lines(**{given: "/srv/tls.pem"})) == {other: f"is missing beside {given}"}
    found = problems(lines(**{given: "tls.pem"}))
    assert "absolute path" in found[given]
    assert found[other] == f"is missing beside {given}"


@pytest.mark.parametrize("key", ["EVENT_STORE_PATH", "PROJECTIONS_DB_PATH"])
def test_required(key: str) -> None:
    """Where the data lies has no default."""
    assert problems(lines(**{key: None})) == {key: "is missing; there is no default"}


def test_all_problems_at_once() -> None:
    """Grammar, values, unknown, duplicate and missing keys are told together: one go mends a file."""
    data = b"API_PORT=x\nexport A=1\nAPI_TOKN=1\nLOG_LEVEL=INFO\nLOG_LEVEL=INFO\nAPI_HOST=::\n"
    with pytest.raises(ConfigError) as caught:
        of(data)
    told = [(problem.line, problem.key) for problem in caught.value.problems]
    assert sorted(told, key=str) == sorted(
        [(None, "EVENT_STORE_PATH"), (None, "PROJECTIONS_DB_PATH"), (None, "API_TOKEN"), (1, "API_PORT"),
         (2, None), (3, "API_TOKN"), (5, "LOG_LEVEL")], key=str,
    )  # fmt: skip
    assert all(str(problem) in str(caught.value) for problem in caught.value.problems)
    assert caught.value.exit_code == 78


def test_a_line_that_cannot_be_read_is_not_missing_as_well() -> None:
    """A key whose line is broken gets one problem, and not a second one for having no value."""
    data = lines(EVENT_STORE_PATH=None, API_TOKEN=None) + b"EVENT_STORE_PATH=$HOME/x\nAPI_TOKEN=$X\n"
    with pytest.raises(ConfigError) as caught:
        of(data)
    assert [problem.key for problem in caught.value.problems] == ["EVENT_STORE_PATH", "API_TOKEN"]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("TELEGRAM_TOKEN", "the nearest that exists is TELEGRAM_BOT_TOKEN"),
        ("FOO", ".env.template explains every key"),
    ],
)
def test_unknown_keys_name_the_nearest(key: str, hint: str) -> None:
    """A slip of the pen is told with what was probably meant, if anything that exists looks like it."""
    with pytest.raises(ConfigError) as caught:
        of(lines(**{key: "1"}))
    assert caught.value.problems[0].hint == hint


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_needs_no_token(host: str) -> None:
    """Without a token the service may listen for the host itself."""
    assert of(lines(API_HOST=host, API_TOKEN=None)).api_token is None


@pytest.mark.parametrize("host", [None, "0.0.0.0", "::", "192.0.2.1", "::ffff:127.0.0.1"])
def test_no_token_for_everybody(host: str | None) -> None:
    """Without a token the service refuses any other address."""
    message = problems(lines(API_HOST=host, API_TOKEN=None))["API_TOKEN"]
    assert "No API_TOKEN with a non-loopback address: the service refuses" in message


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org:8443/bot-api",
        "http://localhost:8081",
        "http://127.0.0.1:8081",
        "http://[::1]:8081",
        "http://10.213.0.1",
        "http://[fd00::1]:8081/a/b",
    ],
)
def test_a_bot_api_of_ones_own(url: str) -> None:
    """Anywhere by https, and in clear where no public network is crossed."""
    quoted = f"'{url}'"  # an unquoted value cannot have brackets
    assert of(lines(TELEGRAM_API_URL=quoted)).telegram_api_url == url


def test_the_hours_of_the_bot() -> None:
    """At night it is quiet, and in the morning it sums up; both can be switched off."""
    config = of(lines())
    assert (config.telegram_quiet_hours, config.telegram_summary_at) == (("22:00", "08:00"), "08:00")
    config = of(lines(TELEGRAM_QUIET_HOURS="off", TELEGRAM_SUMMARY_AT="off"))
    assert (config.telegram_quiet_hours, config.telegram_summary_at) == (None, None)


def test_time_zones() -> None:
    """Any IANA name that this system knows is taken."""
    assert of(lines(TIMEZONE="Europe/Vienna")).timezone == "Europe/Vienna"


def test_without_a_time_zone_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no database, UTC is known, and the message says why nothing else is."""
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    monkeypatch.setattr(zoneinfo, "ZoneInfo", _unknown_zone)
    assert of(lines(TIMEZONE="UTC")).timezone == "UTC"
    assert "no time zone database" in problems(lines(TIMEZONE="Europe/Vienna"))["TIMEZONE"]


def _unknown_zone(key: str) -> None:
    raise zoneinfo.ZoneInfoNotFoundError(key)


def test_token_with_the_letters_of_a_placeholder_is_taken() -> None:
    """A real token is made of random letters."""
    token = "123456789:AAFtokenxQTOKEN9-_abcdefghijklmnopq"
    assert of(lines(TELEGRAM_BOT_TOKEN=token)).telegram_bot_token == token


def test_no_secret_in_the_repr() -> None:
    """A configuration can be printed."""
    assert "hunter2" not in repr(of(lines(TELEGRAM_BOT_TOKEN=BOT_TOKEN)))


@pytest.mark.parametrize("key", [key for key in KEYS if not KEYS[key].secret])
def test_a_secret_under_the_wrong_key_is_not_shown(key: str) -> None:
    """Values as long as a token are not shown, whatever key they got under."""
    with pytest.raises(ConfigError) as caught:
        of(lines(**{key: f"{BOT_TOKEN}%"}))
    assert "hunter2" not in str(caught.value)


def test_half_a_secret_before_an_equals_sign_is_not_shown() -> None:
    """What ends in `=` and looks like a key need not be one."""
    with pytest.raises(ConfigError) as caught:
        of(lines() + b"JBSWY3DPEHPK3PXP=\n")
    assert "JBSW" not in str(caught.value)
