"""What each method of the Bot API does with a bot, as https://core.telegram.org/bots/api says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from tests.services.telegram.bot import Bot, Json, Keyboard, Sent, Version
from tests.services.telegram.faults import ApiError

LONGEST_TEXT = 4096
LONGEST_ANSWER = 200
LONGEST_DATA = 64  # bytes
LONGEST_POLL = 50  # seconds; who asks for more is answered by then

WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
    "webhook first"
)
CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
UNCHANGED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


def bad(what: str) -> ApiError:
    """What was asked for cannot be."""
    return ApiError(400, f"Bad Request: {what}")


def get_me(bot: Bot, _: Json) -> Any:
    return bot.whoami() | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def get_updates(bot: Bot, given: Json) -> Any:
    """Confirm all before `offset`, then wait for what comes. A newer call ends this one with 409."""
    limit = min(max(_number(given, "limit", 100), 1), 100)
    until = time.monotonic() + min(max(_number(given, "timeout", 0), 0), LONGEST_POLL)
    if "allowed_updates" in given:
        bot.allowed = frozenset(_structure(given["allowed_updates"]))
    if bot.webhook:
        raise ApiError(409, WEBHOOK)
    _confirm(bot, _number(given, "offset", 0))
    bot.newest_poll += 1
    mine = bot.newest_poll
    bot.polling += 1
    bot.changed.notify_all()
    try:
        left = max(until - time.monotonic(), 0)
        bot.changed.wait_for(lambda: bot.pending or bot.newest_poll != mine or bot.revoked, left)
    finally:
        bot.polling -= 1
    if bot.newest_poll != mine:
        raise ApiError(409, WEBHOOK if bot.webhook else CONFLICT)
    if bot.revoked:
        raise ApiError(401, "Unauthorized")
    return list(islice(bot.pending, limit))


def _confirm(bot: Bot, offset: int) -> None:
    """What is before `offset` is forgotten; a negative one counts from the end."""
    while bot.pending and (
        bot.pending[0]["update_id"] < offset if offset >= 0 else len(bot.pending) > -offset
    ):
        bot.pending.popleft()


def _writable(bot: Bot, given: Json) -> int:
    """The chat that is to be written to. Raises ApiError where it cannot be."""
    chat = _number(given, "chat_id")
    if chat in bot.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if chat in bot.moved:
        moved = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, moved, migrate_to_chat_id=bot.moved[chat])
    return chat


def send_chat_action(bot: Bot, given: Json) -> Any:
    """Show that the bot is typing."""
    _writable(bot, given)
    return True


def send_message(bot: Bot, given: Json) -> Any:
    """Send it; into a topic that is gone, nothing can be sent."""
    chat = _writable(bot, given)
    thread = _number(given, "message_thread_id") if "message_thread_id" in given else None
    if thread in bot.closed:
        raise bad("message thread not found")
    version = Version(_text(given, "message is too long"), _keyboard(given))
    reply_to = _structure(given.get("reply_parameters", "{}")).get("message_id")
    silent = str(given.get("disable_notification", "")).lower() == "true"
    sent = Sent(chat, next(bot.numbers), [version], reply_to, thread, silent)
    bot.sent.append(sent)
    return bot.shown(sent)


def edit_message_text(bot: Bot, given: Json) -> Any:
    """Without a keyboard in the call, the message loses the one that it had."""
    return _edited(bot, given, Version(_text(given, "MESSAGE_TOO_LONG"), _keyboard(given)))


def edit_message_reply_markup(bot: Bot, given: Json) -> Any:
    return _edited(bot, given, Version(_found(bot, given).text, _keyboard(given)))


def _edited(bot: Bot, given: Json, version: Version) -> Any:
    sent = _found(bot, given)
    if version == sent.versions[-1]:
        raise ApiError(400, UNCHANGED)
    sent.versions.append(version)
    return bot.shown(sent) | {"edit_date": int(time.time())}


def _found(bot: Bot, given: Json) -> Sent:
    wanted = _number(given, "chat_id"), _number(given, "message_id")
    for sent in bot.sent:
        if (sent.chat, sent.number) == wanted:
            return sent
    raise bad("message to edit not found")


def answer_callback_query(bot: Bot, given: Json) -> Any:
    query, text = str(given.get("callback_query_id", "")), str(given.get("text", ""))
    if query not in bot.queries:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if len(text) > LONGEST_ANSWER:
        raise bad("MESSAGE_TOO_LONG")
    bot.answers[query] = text
    return True


def set_my_commands(bot: Bot, given: Json) -> Any:
    bot.commands = _structure(given.get("commands", "[]"))
    return True


def delete_webhook(bot: Bot, given: Json) -> Any:
    """Let polls have the updates again; what waits may be dropped."""
    bot.webhook = ""
    if str(given.get("drop_pending_updates", "")).lower() == "true":
        bot.pending.clear()
    return True


def set_webhook(bot: Bot, given: Json) -> Any:
    """Send updates to an address, and answer no poll; an empty one is none."""
    bot.webhook = str(given.get("url", ""))
    bot.newest_poll += 1
    return True


def get_webhook_info(bot: Bot, _: Json) -> Any:
    return {"url": bot.webhook, "has_custom_certificate": False, "pending_update_count": len(bot.pending)}


def _number(given: Json, name: str, default: int | None = None) -> int:
    value = given.get(name, default)
    try:
        return int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise bad("chat not found" if name == "chat_id" else f"{name} must be a number") from None


def _structure(value: Any) -> Any:
    """An array or an object: in a form it is written as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise bad("object expected as JSON") from None


def _text(given: Json, too_long: str) -> str:
    text = str(given.get("text", "")).strip()
    if given.get("parse_mode"):
        raise bad("unsupported parse_mode")  # the real one knows some; here, text is text
    if not text:
        raise bad("message text is empty")
    # In UTF-16, as offsets are counted: the stricter of the two ways to read "characters".
    if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
        raise bad(too_long)
    return text


def _keyboard(given: Json) -> Keyboard:
    rows: Keyboard = _structure(given.get("reply_markup", "{}")).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if not button.get("text"):
            raise bad("inline keyboard button text must be non-empty")
        if "url" in button:
            continue
        if not 1 <= len(button.get("callback_data", "").encode()) <= LONGEST_DATA:
            raise bad("BUTTON_DATA_INVALID")
    return [row for row in rows if row]


METHODS: dict[str, Callable[[Bot, Json], Any]] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "sendMessage": send_message,
    "editMessageText": edit_message_text,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "answerCallbackQuery": answer_callback_query,
    "setMyCommands": set_my_commands,
    "deleteWebhook": delete_webhook,
    "setWebhook": set_webhook,
    "getWebhookInfo": get_webhook_info,
    "sendChatAction": send_chat_action,
}
"""The methods that there are here, by name."""

NAMES = {name.lower(): name for name in METHODS}
"""As the Bot API reads names: capital letters do not matter."""
