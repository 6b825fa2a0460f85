"""A group in which everything is said that Telegram can carry, and what of it has to be in the log."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from tests.services.telegram.bot import Bot, Json

MOST_WAITING = 25
"""How many updates may wait: what is said is to be taken meanwhile, and not only to pile up."""

UNREADABLE: tuple[Json, ...] = (
    {"reply_to_message": {"message_id": "x", "poll": {"options": None}}},
    {"reply_to_message": 7},
    {"from": "Ada"},
    {"date": "yesterday"},
    {"entities": {"type": 5}},
    {"entities": [None, {"type": "text_link", "offset": "a"}]},
    {"forward_origin": {"type": "user", "sender_user": 5, "date": 10**30}},
    {"photo": "cow"},
    {"media_group_id": 5},
    {"sender_chat": []},
    {"quote": {"text": {"a": 1}}},
)
"""Parts of a message of which a reader that wants them in their shape can make nothing."""


class Crowd(threading.Thread):
    """Says so many things, each with words of its own, and then is done."""

    def __init__(self, bot: Bot, group: int, supergroup: int, count: int, chance: random.Random) -> None:
        super().__init__()
        self.texts: list[str] = []
        """What the log has to hold, in this order and each once."""
        self.answers = 0
        """How many answers are owed."""
        self.count = 0
        """How many updates there were."""
        self.over = threading.Event()
        self._bot = bot
        self._chat = group
        self._supergroup = supergroup
        self._until = count
        self._chance = chance
        self._said: list[Json] = []
        self._ways: dict[Callable[[], None], int] = {
            self._say: 40,
            self._unreadable: 10,
            self._edit: 8,
            self._album: 6,
            self._wordless: 8,
            self._topic: 8,
            self._forward: 5,
            self._command: 5,
            self._command_of_another: 4,
            self._stranger: 4,
            self._event: 4,
            self._press: 4,
        }

    def run(self) -> None:
        """Speak, and move in the middle of it."""
        ways, weights = list(self._ways), list(self._ways.values())
        while self.count < self._until and not self.over.is_set():
            with self._bot.changed:
                self._bot.changed.wait_for(lambda: len(self._bot.pending) < MOST_WAITING, 5)
            if self._chat != self._supergroup and self.count >= self._until // 2:
                self._migrate()
            self._chance.choices(ways, weights)[0]()
        self.over.set()

    def _words(self, form: str = "{}") -> str:
        return form.format(f"word{len(self.texts)}")

    def _keep(self, text: str, **content: Any) -> Json:
        """Say it, with what else a message holds: it has to be kept, and answered."""
        message = self._bot.say(self._chat, "" if "caption" in content else text, user=5, **content)
        self.texts.append(text)
        self.count += 1
        self.answers += 1
        return message

    def _say(self) -> None:
        form = self._chance.choice(
            ["{}", "todo: {} due tomorrow #home", "note: {}", "track: weight: {}", "decide: {} because so"]
        )
        self._said.append(self._keep(self._words(form)))

    def _unreadable(self) -> None:
        self._keep(self._words(), **self._chance.choice(UNREADABLE))

    def _edit(self) -> None:
        here = [message for message in self._said[-20:] if message["chat"]["id"] == self._chat]
        if here:
            text = self._words("{} in other words")
            self._bot.correct(self._chance.choice(here), text)
            self.texts.append(text)
            self.count += 1
            self.answers += 1

    def _album(self) -> None:
        captions = [
            self._words() + str(part) if self._chance.random() < 0.4 else ""
            for part in range(self._chance.randint(2, 4))
        ]
        self._bot.album(self._chat, *captions, user=5)
        self.texts += [caption or "(photo)" for caption in captions]
        self.count += len(captions)
        self.answers += 1

    def _wordless(self) -> None:
        text = self._words()
        kind, content, stub = self._chance.choice(
            [
                ("voice", {"file_id": "v", "duration": 1}, "(voice)"),
                ("location", {"latitude": 48.2, "longitude": 16.4}, "(location) 48.2 16.4"),
                ("poll", {"question": text, "options": [{"text": "yes"}]}, f"(poll) {text} yes"),
                ("document", {"file_id": "d", "file_name": text}, f"(document) {text}"),
                ("hologram", {"title": text}, f"(hologram) {text}"),
            ]
        )
        said: Json = {kind: content}
        self._bot.say(self._chat, user=5, **said)
        self.texts.append(stub)
        self.count += 1
        self.answers += 1

    def _topic(self) -> None:
        thread = self._chance.randint(2, 4)
        topic = {"message_id": thread, "forum_topic_created": {"name": "Home"}}
        self._keep(self._words(), message_thread_id=thread, is_topic_message=True, reply_to_message=topic)

    def _forward(self) -> None:
        origin = {"type": "hidden_user", "sender_user_name": "Charles", "date": 1_770_000_000}
        link = {"type": "text_link", "offset": 0, "length": 4, "url": "https://example.org/"}
        self._keep(self._words(), forward_origin=origin, entities=[link])

    def _command(self) -> None:
        self._keep(self._words(self._chance.choice(["/search {}", "/todos {}", "/done {}", "/nothing {}"])))

    def _command_of_another(self) -> None:
        self._keep(self._words("/done@other_bot {}"))
        self.answers -= 1

    def _stranger(self) -> None:
        """A message of a strange chat, which the bot ignores."""
        self._bot.say(self._chance.choice([99, -98, -1_000_000_000_097]), "a stranger's word", user=6)
        self.count += 1

    def _event(self) -> None:
        """Nobody has said that."""
        self._bot.say(self._chat, user=5, new_chat_title="a title")
        self.count += 1

    def _press(self) -> None:
        with self._bot.changed:
            sent = next((sent for sent in reversed(self._bot.sent) if sent.buttons), None)
            if sent is not None:
                self._bot.press(sent, sent.buttons[0])
                self.count += 1

    def _migrate(self) -> None:
        """Told in both chats, late, or never."""
        way = self._chance.choice(["told", "late", "never"])
        group, self._chat = self._chat, self._supergroup
        if way == "late":
            self._bot.moved[group] = self._supergroup
            self._say()
        self._bot.migrate(group, self._supergroup, silent=way == "never")
