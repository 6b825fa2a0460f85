"""A whole bot, as the library runs it, on the Bot API of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from tests.services.telegram.bot import Bot
from tests.services.telegram.bot_api import BotApi
from tests.services.telegram.conftest import CHAT
from tests.services.telegram.faults import broken

DONE = InlineKeyboardMarkup([[InlineKeyboardButton("Done", callback_data="done:1")]])


async def answer_text(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Say what was heard, with a button."""
    assert update.message is not None
    await update.message.reply_text(f"heard {update.message.text}", reply_markup=DONE)


async def answer_press(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Take the button away."""
    assert update.callback_query is not None
    await update.callback_query.answer("noted")
    await update.callback_query.edit_message_text("done")


def application(api: BotApi, bot: Bot) -> Application[Any, Any, Any, Any, Any, Any]:
    """A whole bot as the library runs it."""
    built = Application.builder().token(bot.token).base_url(f"{api.url}/bot").build()
    built.add_handler(CommandHandler("list", answer_text))
    built.add_handler(MessageHandler(filters.TEXT, answer_text))
    built.add_handler(CallbackQueryHandler(answer_press))
    return built


async def run_while(app: Application[Any, Any, Any, Any, Any, Any], people: Callable[[], None]) -> None:
    """Poll for as long as the people have something to do."""
    async with app:
        await app.bot.set_my_commands([("list", "what is open")])
        assert app.updater is not None
        await app.updater.start_polling(timeout=20)
        await app.start()
        await asyncio.to_thread(people)
        await app.updater.stop()
        await app.stop()


def test_a_whole_bot_talks_to_its_people_over_an_outage_and_a_restart(api: BotApi, bot: Bot) -> None:
    """It polls, answers, and reads each update once."""

    def first() -> None:
        bot.say(CHAT, "/list")
        sent = bot.wait_sent("heard /list")
        query = bot.press(sent, "done:1")
        bot.wait(lambda: sent.text == "done" and bot.answers == {query: "noted"})
        bot.fail("getUpdates", broken())
        bot.say(CHAT, "buy milk")
        bot.wait_sent("heard buy milk", 20)

    def second() -> None:
        bot.wait_sent("heard said between")

    asyncio.run(run_while(application(api, bot), first))
    assert bot.commands == [{"command": "list", "description": "what is open"}]
    bot.say(CHAT, "said between")
    asyncio.run(run_while(application(api, bot), second))
    assert [sent.text for sent in bot.sent] == ["done", "heard buy milk", "heard said between"]
    assert not bot.pending
