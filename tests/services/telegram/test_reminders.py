"""What the bot says by itself: with a real log and a Bot API, and a clock that the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.domain.commands import AddTodo, CompleteTodo, ProposeDecision, RecordMessage
from services.event_log.sqlite.backend import SqliteBackend
from services.service import Service
from services.telegram.backoff import Stop
from services.telegram.calls import bot_of
from services.telegram.chats import Chats
from services.telegram.outbox import Outbox
from services.telegram.reminders import Reminders
from services.telegram.schedule import Hours
from services.telegram.status import Status
from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.telegram.faults import UNANSWERED, refused
from tests.services.telegram.served import serving, texts

VIENNA = ZoneInfo("Europe/Vienna")
HOURS = Hours(VIENNA, (time(22), time(8)), time(8))


@dataclass
class Environment:
    """One, with a clock of its own. `later` is another process with the same log."""

    directory: Path
    api: BotApi
    bot: Bot
    now: datetime = field(default_factory=lambda: datetime(2026, 2, 10, 14, tzinfo=VIENNA))

    def run(self, what: Callable[[Service, Reminders], Awaitable[Any]]) -> Any:
        """Do something with a service that is open, and with what it says by itself."""

        async def inside() -> Any:
            clock = lambda: self.now.astimezone(UTC)  # noqa: E731
            service = Service(
                SqliteBackend(self.directory / "e"), self.directory / "p" / "x.db", clock, zone=VIENNA
            )
            await service.open()
            library = bot_of(self.bot.token, self.api.url)
            status, stop = Status(), Stop()
            chats = Chats(service, CHAT)
            outbox = Outbox(library, service, status, stop, chats)
            try:
                return await what(service, Reminders(service, outbox, status, stop, HOURS, chats, clock))
            finally:
                await library.request.shutdown()
                await service.close()

        return asyncio.run(inside())

    def look(self, when: str) -> list[str]:
        """What is said when it is looked at that time, by a process that has just been started."""
        self.now = datetime.fromisoformat(when).replace(tzinfo=VIENNA)
        before = len(self.bot.sent)
        self.run(lambda _, reminders: reminders.look())
        return texts(self.bot)[before:]

    def record(self, *commands: Any) -> list[int]:
        """Carry commands out; their positions."""

        async def all_of(service: Service, _: Reminders) -> list[int]:
            return [(await service.record(command)).position for command in commands]

        found: list[int] = self.run(all_of)
        return found


def todo(text: str, due: str) -> AddTodo:
    return AddTodo(text, due, source="test")


def test_a_reminder_is_sent_once_for_ever(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """When it is time, by whichever process; one that was not done is in the summary of the next day."""
    here = Environment(tmp_path, api, bot)
    milk, call = here.record(todo("buy milk", "2026-02-11"), todo("call Ada", "2026-02-11T16:00:00Z"))
    assert here.look("2026-02-11T07:59") == []
    summary, reminder = here.look("2026-02-11T08:00")
    assert reminder == f"reminder: todo {milk}: buy milk, due Wednesday 11 Feb"
    assert bot.sent[-1].buttons == [f"done:{milk}", f"cancel:{milk}"]
    assert f"due today:\n{milk}: buy milk" in summary
    assert here.look("2026-02-11T16:59") == []
    assert here.look("2026-02-11T17:00") == [f"reminder: todo {call}: call Ada, due Wednesday 11 Feb 17:00"]
    assert here.look("2026-02-11T17:00") == []
    here.record(CompleteTodo(call, source="test"))
    (summary,) = here.look("2026-02-12T08:00")
    assert f"overdue:\n{milk}: buy milk" in summary
    assert "call Ada" not in summary
    assert here.look("2026-02-12T09:00") == []


def test_what_was_missed_is_said_on_the_same_day(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """And not on the next one, but in its summary."""
    here = Environment(tmp_path, api, bot)
    milk, bread = here.record(todo("buy milk", "2026-02-11"), todo("buy bread", "2026-02-12"))
    assert here.look("2026-02-12T21:00")[1:] == [f"reminder: todo {bread}: buy bread, due Thursday 12 Feb"]
    assert f"overdue:\n{milk}: buy milk" in bot.sent[0].text


def test_the_summary_counts_yesterday(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """From midnight to midnight, as the clocks show it."""
    here = Environment(tmp_path, api, bot)
    here.record(*(RecordMessage(f"a {number}", source="test") for number in range(3)))
    here.now = datetime(2026, 2, 11, 0, 30, tzinfo=VIENNA)
    here.record(RecordMessage("b", source="test"), ProposeDecision("take the train", source="test"))
    (summary,) = here.look("2026-02-11T08:30")
    assert summary.splitlines()[0] == "Wednesday 11 Feb"
    assert summary.endswith("yesterday: 3 messages")
    assert "to decide:" in summary
    (summary,) = here.look("2026-02-12T08:30")
    assert summary.endswith("yesterday: 1 message, 1 decision proposed")


def test_a_day_with_nothing_to_say(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """Has no summary."""
    assert Environment(tmp_path, api, bot).look("2026-02-11T08:00") == []


def test_what_perhaps_went_out_is_not_said_again(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """What certainly did not is, an hour later, or by the next process."""
    here = Environment(tmp_path, api, bot)
    here.record(todo("buy milk", "2026-02-11T16:00:00Z"))
    bot.fail("sendMessage", UNANSWERED)  # the summary, since it is due today
    bot.fail("sendMessage", refused(403, "Forbidden: bot was blocked by the user"))

    async def twice(_: Service, reminders: Reminders) -> None:
        await reminders.look()
        await reminders.look()

    here.now = datetime(2026, 2, 11, 17, tzinfo=VIENNA)
    here.run(twice)
    assert [text.splitlines()[0] for text in texts(bot)] == ["Wednesday 11 Feb"]
    assert bot.calls["sendMessage"] == 2
    assert len(here.look("2026-02-11T17:05")) == 1
    assert here.look("2026-02-11T17:05") == []


def test_a_running_service_reminds(tmp_path: Path, api: BotApi, bot: Bot) -> None:
    """Within seconds of when it is due."""

    async def add() -> None:
        other = Service(
            SqliteBackend(tmp_path / "events"), tmp_path / "p2" / "x.db", lambda: datetime.now(UTC)
        )
        await other.open()
        soon = datetime.now(UTC) + timedelta(seconds=3)
        await other.record(todo("buy milk", soon.strftime("%Y-%m-%dT%H:%M:%SZ")))
        await other.close()

    with serving(tmp_path, api, bot, TELEGRAM_QUIET_HOURS="off"):
        asyncio.run(add())
        assert bot.wait_sent("reminder: todo", 20).labels == ["Done", "Cancel"]
