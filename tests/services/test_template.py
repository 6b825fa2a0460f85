"""The template and the configuration know the same keys."""

from __future__ import annotations

import re

import pytest

from services.config import ROOT, Config
from services.config_keys import KEYS, PLACEHOLDER
from services.config_sources import ConfigError
from services.env_file import parse

TEMPLATE = (ROOT / ".env.template").read_text()
EVERYTHING = re.sub(r"^#(?=[A-Z_]+=)", "", TEMPLATE, flags=re.MULTILINE)


def test_it_has_every_key_and_no_other() -> None:
    """In the configuration's order, optional ones commented out."""
    assert list(parse(EVERYTHING.encode()).entries) == list(KEYS)
    optional = set(KEYS) - set(parse(TEMPLATE.encode()).entries)
    assert optional == {
        "TELEGRAM_BOT_TOKEN",
        "TELEGRAM_CHAT_ID",
        "TELEGRAM_BOT_USERNAME",
        "TELEGRAM_API_URL",
        "TRUSTED_PROXIES",
        "CORS_ORIGINS",
        "TLS_CERT_FILE",
        "TLS_KEY_FILE",
        "PUBLIC_URL",
        "MEMORY_LIMIT",
        "TASKS_LIMIT",
        "CPU_WEIGHT",
        "IO_WEIGHT",
    }


@pytest.mark.parametrize("text", [TEMPLATE, EVERYTHING], ids=["as it is", "with the optional keys"])
def test_only_placeholders_are_wrong_with_it(text: str) -> None:
    """Whoever fills in what is marked has a usable configuration."""
    file = parse(text.encode())
    with pytest.raises(ConfigError) as caught:
        Config.of("dev", file, "the template")
    marked = [key for key, entry in file.entries.items() if entry.value.startswith(PLACEHOLDER)]
    assert [problem.key for problem in caught.value.problems] == marked
    assert all(PLACEHOLDER in problem.message for problem in caught.value.problems)


def test_it_can_be_filled_in_line_by_line() -> None:
    """Replacing what stands behind `KEY=` is enough to make another environment's file of it."""
    text = TEMPLATE
    for key, value in {
        "API_PORT": "8002",
        "API_TOKEN": "0123456789abcdef",
        "EVENT_STORE_PATH": "/var/lib/helionyx/live/events",
        "PROJECTIONS_DB_PATH": "/var/lib/helionyx/live/projections/helionyx.db",
    }.items():
        text, count = re.subn(f"^{key}=.*$", f"{key}={value}", text, flags=re.MULTILINE)
        assert count == 1
    assert Config.of("live", parse(text.encode()), "the template").api_port == 8002
