"""One bot as the Bot API sees it: updates that wait, messages that were sent; and what its people do."""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Condition
from typing import Any

from tests.services.telegram.faults import Fault

Json = dict[str, Any]
Keyboard = list[list[Json]]
"""The rows of an inline keyboard."""

SECONDS = 10.0  # that a test waits for something, unless it says otherwise


@dataclass(frozen=True)
class Version:
    """A message as it was at one time."""

    text: str
    keyboard: Keyboard


@dataclass
class Sent:
    """A message that the bot has sent, with all its versions: the first as sent, each later one an edit."""

    chat: int
    number: int
    versions: list[Version]
    reply_to: int | None = None
    thread: int | None = None
    silent: bool = False

    @property
    def text(self) -> str:
        """What it says now."""
        return self.versions[-1].text

    @property
    def buttons(self) -> list[str]:
        """The data of the buttons that it has now, row by row."""
        return [button.get("callback_data", "") for row in self.versions[-1].keyboard for button in row]

    @property
    def labels(self) -> list[str]:
        """What is written on its buttons now, row by row."""
        return [button["text"] for row in self.versions[-1].keyboard for button in row]


@dataclass
class Bot:
    """A bot with its token. All of it is guarded by `changed`, which is notified of whatever happens."""

    token: str
    username: str
    changed: Condition
    sent: list[Sent] = field(default_factory=list)
    pending: deque[Json] = field(default_factory=deque)  # updates that nobody has confirmed
    calls: Counter[str] = field(default_factory=Counter)  # that came in, by method, also those that failed
    answers: dict[str, str] = field(default_factory=dict)  # to callback queries, by their id
    commands: list[Json] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)  # chats that the bot may not write to
    allowed: frozenset[str] = frozenset()  # kinds of updates; none named: all
    moved: dict[int, int] = field(default_factory=dict)  # groups that became supergroups
    closed: set[int] = field(default_factory=set)  # topics that are gone
    webhook: str = ""  # where updates go instead of to polls
    revoked: bool = False
    polling: int = 0  # how many wait for updates right now
    newest_poll: int = 0
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    queries: set[str] = field(default_factory=set)  # callback queries that can be answered
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self._updates = itertools.count(self.id % 1000 * 1_000_000 + 1)
        self._ids = itertools.count(1)

    @property
    def id(self) -> int:
        """The number before the colon of its token."""
        return int(self.token.partition(":")[0])

    def say(self, chat: int, text: str = "", *, user: int | None = None, **content: Any) -> Json:
        """Somebody writes in a chat (a negative one is a group); returns the message.

        `content` is whatever else it holds, such as `photo=[...]` in place of a text.
        """
        with self.changed:
            message = self._message(chat, user) | ({"text": text} if text else {}) | content
            if text.startswith("/"):
                length = len(text.split(maxsplit=1)[0])
                message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
            self._update("message", message)
        return message

    def album(self, chat: int, *captions: str, **content: Any) -> str:
        """Somebody sends pictures together, each with a caption or none: messages with one id in common."""
        album = str(self.id * 1000 + next(self._ids))
        for number, caption in enumerate(captions):
            sizes = [
                {"file_id": f"{album}-{number}-{size}", "file_unique_id": "u", "width": size, "height": size}
                for size in (90, 800)
            ]
            said: Json = {"caption": caption} if caption else {}
            self.say(chat, **said | {"photo": sizes, "media_group_id": album} | content)
        return album

    def migrate(self, group: int, supergroup: int, *, silent: bool = False) -> None:
        """A group becomes a supergroup. Both chats are told, unless nobody was there to hear of it."""
        with self.changed:
            self.moved[group] = supergroup
            if not silent:
                self._update("message", self._message(group, 1) | {"migrate_to_chat_id": supergroup})
                self._update("message", self._message(supergroup, 1) | {"migrate_from_chat_id": group})

    def correct(self, message: Json, text: str) -> Json:
        """Somebody edits what they have said; returns the message as it is now."""
        with self.changed:
            now = message | {"text": text, "edit_date": int(time.time())}
            self._update("edited_message", now)
        return now

    def press(self, sent: Sent, data: str, *, user: int | None = None, stale: bool = False) -> str:
        """Somebody presses a button of a message; returns the id of the callback query.

        Only a `stale` screen still shows a button that the message has no more.
        """
        with self.changed:
            assert stale or data in sent.buttons, f"{data!r} is not among {sent.buttons} of {sent.text!r}"
            query = str(self.id * 1000 + next(self._ids))
            self.queries.add(query)
            message = self.shown(sent)
            who = self._message(sent.chat, user)["from"]
            self._update(
                "callback_query",
                {"id": query, "from": who, "message": message, "chat_instance": str(sent.chat), "data": data},
            )
        return query

    def fail(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next `times` calls of `method` go wrong; after those that were switched on before."""
        with self.changed:
            self.faults.setdefault(method, deque()).extend([fault] * times)

    def revoke(self) -> None:
        """Let the token be nobody's from now on, as @BotFather does on /revoke."""
        with self.changed:
            self.revoked = True
            self.changed.notify_all()

    def wait(self, holds: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Wait until `holds()` is true; returns what it says. Raises AssertionError after `seconds`."""
        with self.changed:
            found = self.changed.wait_for(holds, seconds)
            assert found, f"not within {seconds:g} s; sent until then: {[sent.text for sent in self.sent]}"
            return found

    def wait_sent(self, text: str, seconds: float = SECONDS, *, after: int = 0) -> Sent:
        """Wait for a message with `text` in it, among those behind the first `after` ones; returns it."""

        def found() -> Sent | None:
            return next((sent for sent in self.sent[after:] if text in sent.text), None)

        return self.wait(found, seconds)  # type: ignore[no-any-return]

    def whoami(self) -> Json:
        """The bot as a user."""
        return {"id": self.id, "is_bot": True, "first_name": self.username, "username": self.username}

    def shown(self, sent: Sent) -> Json:
        """A message of the bot's, as the Bot API describes it."""
        message = self._message(sent.chat, None) | {"message_id": sent.number, "from": self.whoami()}
        message["text"] = sent.text
        if sent.versions[-1].keyboard:
            message["reply_markup"] = {"inline_keyboard": sent.versions[-1].keyboard}
        return message

    def _message(self, chat: int, user: int | None) -> Json:
        who = user or abs(chat)
        kind: Json = {"type": "supergroup" if chat < -(10**12) else "group", "title": "A group"}
        if chat > 0:
            kind = {"type": "private", "first_name": "Ada"}
        return {
            "message_id": next(self.numbers),
            "from": {"id": who, "is_bot": False, "first_name": "Ada"},
            "chat": {"id": chat} | kind,
            "date": int(time.time()),
        }

    def _update(self, kind: str, content: Json) -> None:
        if not self.allowed or kind in self.allowed:
            self.pending.append({"update_id": next(self._updates), kind: content})
        self.changed.notify_all()
