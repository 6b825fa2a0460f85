"""The settings of the bot, and the reason why this process does not run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

from services.config import Config
from services.config_sources import ConfigError
from services.env_file import Problem
from services.telegram.schedule import Hours

VARIABLE = "TELEGRAM"
"""In a checkout, 1 starts the bot: by default a trial does not end the polls of a node."""


@dataclass(frozen=True)
class Settings:
    """Of one environment. Its repr holds no secret."""

    environment: str
    token: str = field(repr=False)
    chat: int | None
    """The one that is listened to; None: it is not known yet."""
    username: str | None
    """The name that the bot is to have; None: that of the environment."""
    api: str
    """The address of the Bot API."""
    state: Path
    """The directory of the environment's data."""
    hours: Hours


def settings_of(
    config: Config, variables: Mapping[str, str], *, rehearsal: bool, bridge: bool
) -> tuple[Settings | None, str | None]:
    """(What the bot has to know, None), or (None, why there is none). Raises ConfigError."""
    asked = variables.get(VARIABLE) or "0"
    if asked not in ("0", "1"):
        raise ConfigError((Problem(f"expected 0 or 1, found {asked!r}", VARIABLE),), "OS variables")
    if config.telegram_bot_token is None:
        return None, "TELEGRAM_BOT_TOKEN is not set"
    if rehearsal:
        return None, "a rehearsal does not contact Telegram"
    if bridge:
        return None, "a bridge leaves the bot to the service"
    if not variables.get("CREDENTIALS_DIRECTORY") and asked == "0":
        return None, f"off in a checkout; {VARIABLE}=1 turns it on"
    return (
        Settings(
            config.environment,
            config.telegram_bot_token,
            config.telegram_chat_id,
            config.telegram_bot_username,
            config.telegram_api_url,
            config.event_store_path.parent,
            _hours(config),
        ),
        None,
    )


def _hours(config: Config) -> Hours:
    quiet, summary = config.telegram_quiet_hours, config.telegram_summary_at
    return Hours(
        ZoneInfo(config.timezone),
        None if quiet is None else (time.fromisoformat(quiet[0]), time.fromisoformat(quiet[1])),
        None if summary is None else time.fromisoformat(summary),
    )
