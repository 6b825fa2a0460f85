"""Whose bot a token is: what the Bot API says, and whether that is a bot that the environment may have.

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
    """What came of asking: the bot's name, or that the token is nobody's, or else why neither is known."""

    username: str | None = None
    refused: bool = False
    trouble: str = ""

    @property
    def reached(self) -> bool:
        """Whether the Bot API has said anything about the token."""
        return self.refused or self.username is not None


@dataclass(frozen=True)
class Verdict:
    """Whether an environment may have that bot: ok, none, other_bot, refused_token or unreachable."""

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
        return Verdict("none", "there is no TELEGRAM_BOT_TOKEN, and so no bot")
    others = {name: other for other, name in CONVENTIONAL.items() if other != environment}
    own = CONVENTIONAL[environment] if expected is None or expected.lower() in others else expected
    hint = f"give TELEGRAM_BOT_TOKEN in .env.{environment} the token that @BotFather shows for @{own}"
    if answer.refused:
        unknown = f"the Bot API does not know the token of {environment}: it is mistyped, or was revoked."
        return Verdict("refused_token", unknown, hint)
    if answer.username is None:
        return Verdict("unreachable", f"the Bot API did not say whose the token is: {answer.trouble}")
    found, said = answer.username.lower(), f"the token of {environment} is that of @{answer.username}"
    if found in others:
        return Verdict("other_bot", f"{said}, the bot of {others[found]}.", hint)
    if expected is not None and expected.lower() != found:
        more = f"{hint}, or TELEGRAM_BOT_USERNAME the other name"
        return Verdict("other_bot", f"{said}, and not of @{expected}.", more)
    return Verdict("ok", f"the token is that of @{answer.username}")


def ask(url: str, token: str, seconds: float = SECONDS) -> Answer:
    """Ask the Bot API at `url` whose the token is, for `seconds` at the longest. Raises nothing."""
    found: list[Answer] = []
    # In a thread: no time limit of a socket holds for the look-up of a name, which can take half a minute.
    asking = threading.Thread(target=lambda: found.append(_asked(url, token, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    return found[0] if found else Answer(trouble=f"no answer within {seconds:g} s")


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
    """What an answer says; whatever does not speak as the Bot API does has said nothing."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or "ok" not in said:
        return Answer(trouble=f"what answers there (status {status}) is no Bot API")
    if status in REFUSALS and said["ok"] is False:
        return Answer(refused=True)
    result = said.get("result")
    name = result.get("username") if isinstance(result, dict) else None
    if status == 200 and isinstance(name, str) and _NAME.fullmatch(name):
        return Answer(username=name)
    return Answer(trouble=f"it answered with status {status}")


def _trouble(error: Exception) -> str:
    """What went wrong, without the text of the exception itself."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or type(reason).__name__
