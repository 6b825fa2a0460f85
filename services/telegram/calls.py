"""Calls of the Bot API: how they are made, and what it means that one fails.

No text of an error on the way is passed on: it may hold the address, and each address has the token in it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from services.redaction import Redactor
from services.telegram.fields import Raw, number, part

ANSWER_SECONDS = 10.0
"""The time limit of an answer, without the wait of a long poll."""

CONNECTIONS = 4

LONGEST_PAUSE_SECONDS = 24 * 3600
"""Telegram keeps no update for longer."""

_BEFORE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""The errors before anything was sent."""

_REFUSALS = (BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter)
"""The errors of a clear refusal. After any other the call may have been carried out."""


class Request(HTTPXRequest):
    """The library's, which takes every answer that it does not know for a trouble on the way."""

    def __init__(self) -> None:
        super().__init__(CONNECTIONS, ANSWER_SECONDS, ANSWER_SECONDS, ANSWER_SECONDS, ANSWER_SECONDS)

    async def do_request(self, *given: Any, **more: Any) -> tuple[int, bytes]:
        """As the library's; a refusal of whatever number is a refusal, so that nothing was done.

        What is no answer of the Bot API, such as the page of a proxy, is a trouble on the way. Raises
        RetryAfter.
        """
        code, payload = await super().do_request(*given, **more)
        answer = _answer_in(payload)
        if code == 429:
            asked = number(part(answer, "parameters"), "retry_after") or 0
            raise RetryAfter(min(max(asked, 0), LONGEST_PAUSE_SECONDS))
        if answer is None or (code < 300 and "result" not in answer):
            return (502 if 400 <= code < 500 else code), b""
        known = code in (400, 401, 403, 404, 409)
        return (400 if 400 <= code < 500 and not known else code), payload


def _answer_in(payload: bytes) -> Raw | None:
    try:
        answer = json.loads(payload)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def bot_of(token: str, api: str) -> Bot:
    """The bot with that token, at the Bot API that is there. Nothing is asked yet."""
    request = Request()  # one for polls and for the rest: each would load the certificates anew
    return Bot(token, f"{api}/bot", f"{api}/file/bot", request=request, get_updates_request=request)


def is_certain(error: TelegramError) -> bool:
    """Whether what was asked for has certainly not been done."""
    return isinstance(error, _REFUSALS) or isinstance(error.__cause__, _BEFORE)


def may_pass(error: TelegramError) -> bool:
    """Whether the same call may go well later on."""
    lasting = (BadRequest, Forbidden, InvalidToken, ChatMigrated)
    return isinstance(error, NetworkError | RetryAfter | Conflict) and not isinstance(error, lasting)


def is_webhook(error: TelegramError) -> bool:
    """Whether a poll is refused because a webhook is set for the bot."""
    return isinstance(error, Conflict) and "webhook" in error.message.casefold()


def wait_of(error: TelegramError) -> float | None:
    """The seconds that Telegram asks to wait; None or 0: it asks for none."""
    if not isinstance(error, RetryAfter):
        return None
    asked = error.retry_after
    return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)


def reason_of(error: TelegramError) -> str:
    """The reason of an error as text, without the text of the exception."""
    if isinstance(error, RetryAfter):
        return "Telegram limits the rate of requests"
    if isinstance(error, InvalidToken):
        return "Telegram rejects the token"
    if isinstance(error, Forbidden):
        return "the bot may not write to this chat"
    if isinstance(error, BadRequest | ChatMigrated):
        return f"Telegram refuses: {Redactor()(error.message)[:200]}"
    if is_webhook(error):
        return "a webhook is set for this bot: Telegram sends its updates there"
    if isinstance(error, Conflict):
        return "another process polls for this bot"
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPError):
        return f"Telegram cannot be reached: {type(cause).__name__}"
    return f"Telegram answers with an error: {type(error).__name__}"
