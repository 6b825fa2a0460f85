"""Verify a bot token: ask the Bot API for its bot, and check that the environment may have that bot.

Standard library only, and light to import: a deploy asks on the node, before it touches anything.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

CONVENTIONAL = {"dev": "helionyx_dev_bot", "staging": "helionyx_staging_bot", "live": "helionyx_bot"}
"""The bot that each environment has unless its configuration names another; nobody else may have it."""

SECONDS = 5.0  # for all of an answer, names and handshakes included
LONGEST = 65536  # bytes of an answer that are read
REFUSALS = (401, 404)  # of a token that is nobody's, and of one that has not even the shape of one

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True)
class Answer:
    """The answer of the Bot API: the bot's name, an invalid token, or the reason why neither is known."""

    username: str | None = None
    refused: bool = False
    trouble: str = ""

    @property
    def reached(self) -> bool:
        """Whether the Bot API has said anything about the token."""
        return self.refused or self.username is not None


@dataclass(frozen=True)
class Verdict:
    """The verdict on a token: ok, none, other_bot, refused_token or unreachable."""

    verdict: str
    message: str
    hint: str = ""

    @property
    def refused(self) -> bool:
        """Whether nothing should be started with it."""
        return self.verdict in ("other_bot", "refused_token")


def judge(environment: str, expected: str | None, answer: Answer | None) -> Verdict:
    """Pure. `expected` is the name that the configuration gives; without a token there is no `answer`."""
    if answer is None:
        return Verdict("none", "TELEGRAM_BOT_TOKEN is not set: no bot")
    others = {name: other for other, name in CONVENTIONAL.items() if other != environment}
    own = CONVENTIONAL[environment] if expected is None or expected.lower() in others else expected
    hint = f"give TELEGRAM_BOT_TOKEN in .env.{environment} the token that @BotFather shows for @{own}"
    if answer.refused:
        unknown = f"the Bot API does not know the token of {environment}: it is mistyped, or was revoked."
        return Verdict("refused_token", unknown, hint)
    if answer.username is None:
        return Verdict("unreachable", f"could not verify the bot token: {answer.trouble}")
    username, message = answer.username.lower(), f"the token of {environment} is that of @{answer.username}"
    if username in others:
        return Verdict("other_bot", f"{message}, the bot of {others[username]}.", hint)
    if expected is not None and expected.lower() != username:
        more = f"{hint}, or TELEGRAM_BOT_USERNAME the other name"
        return Verdict("other_bot", f"{message}, not that of @{expected}.", more)
    return Verdict("ok", f"the token is that of @{answer.username}")


def ask(url: str, token: str, seconds: float = SECONDS) -> Answer:
    """Ask the Bot API at `url` whose the token is, for `seconds` at the longest. Raises nothing."""
    answers: list[Answer] = []
    # In a thread: no time limit of a socket holds for the look-up of a name, which can take half a minute.
    asking = threading.Thread(target=lambda: answers.append(_asked(url, token, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    return answers[0] if answers else Answer(trouble=f"no answer within {seconds:g} s")


def _asked(url: str, token: str, seconds: float) -> Answer:
    try:
        return _read(*_called(f"{url}/bot{token}/getMe", seconds))
    except Exception as error:  # noqa: BLE001  whatever it is, its text may hold the address, and so the token
        return Answer(trouble=_trouble(error))


def _called(address: str, seconds: float) -> tuple[int, bytes]:
    """The status and the body of whatever is answered there."""
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        """A token is taken nowhere else."""

        def redirect_request(self, *_: object) -> None:
            return None

    handlers: list[urllib.request.BaseHandler] = [Stay()]
    if address.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=_trust()))
    try:
        with urllib.request.build_opener(*handlers).open(address, timeout=seconds) as answer:
            return answer.status, answer.read(LONGEST)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(LONGEST)


def _trust() -> ssl.SSLContext:
    """Whom the bot itself trusts: a minimal node has no certificates, and the layer brings some."""
    import ssl

    try:
        import certifi
    except ImportError:
        return ssl.create_default_context()
    return ssl.create_default_context(cafile=certifi.where())


def _read(status: int, body: bytes) -> Answer:
    """Parse an answer; one that is not of the Bot API's form is no answer."""
    try:
        decoded = json.loads(body)
    except ValueError:
        decoded = None
    if not isinstance(decoded, dict) or "ok" not in decoded:
        return Answer(trouble=f"the answer (status {status}) is not from a Bot API")
    if status in REFUSALS and decoded["ok"] is False:
        return Answer(refused=True)
    result = decoded.get("result")
    name = result.get("username") if isinstance(result, dict) else None
    if status == 200 and isinstance(name, str) and _NAME.fullmatch(name):
        return Answer(username=name)
    return Answer(trouble=f"it answered with status {status}")


def _trouble(error: Exception) -> str:
    """The reason of a failure, without the text of the exception."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or type(reason).__name__
