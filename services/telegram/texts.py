"""The texts of the bot: pure functions, plain text without markup, so that nothing has to be escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.domain.due import day_of, is_day, is_overdue
from services.domain.items import DECISION, TODO, Item
from services.telegram.schedule import Hours

LONGEST = 4096
"""Of a message, as Telegram counts: in UTF-16 units."""

LONGEST_LINE = 200
"""The most characters of an item in a list."""

Button = tuple[str, str]
"""The label of a button, and its data: a verb, a number and a list, such as `done:12`."""


@dataclass(frozen=True)
class Reply:
    """A message of the bot, with the buttons below it."""

    text: str
    buttons: tuple[Button, ...] = ()
    secret: str = ""
    """A last line that is sent and not recorded."""


BUTTONS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    (TODO, "open"): (("Done", "done"), ("Cancel", "cancel")),
    (DECISION, "proposed"): (("Accept", "accept"), ("Reject", "reject")),
}
"""The buttons of an item of a kind in a state."""

COMMANDS = (
    ("todos", "list open todos"),
    ("decisions", "list proposed decisions"),
    ("notes", "list the newest notes"),
    ("tracks", "list running tracks"),
    ("search", "words: search all texts"),
    ("done", "number: complete a todo"),
    ("due", "number and time: set when a todo is due, or none"),
    ("snooze", "number and time: postpone a todo, by default until tomorrow"),
    ("stop", "number: stop a track"),
    ("tag", "number and tags: add tags to an item"),
    ("untag", "number and tags: remove tags from an item"),
    ("stats", "count messages, items and events"),
    ("status", "show the environment, its release and its log"),
    ("login", "get a link that logs a browser in, once"),
    ("help", "show this help"),
)
"""The commands with their help, as Telegram offers them after a slash."""

HELP = "\n".join(
    (
        "Every message is recorded, word for word. These also become items:",
        "",
        "todo: buy milk due friday #home",
        "note: the key is under the stone #garden",
        "track: weight: 82.1 kg",
        "decide: take the train because it is quiet #travel",
        "",
        *(f"/{name} {what}" for name, what in COMMANDS),
        "/cancel, /reopen, /accept and /reject take a number as well; /show 12 shows an item.",
    )
)

RECORDED = "recorded"
LOGIN = "This link logs one browser in, within five minutes:"
NO_ADDRESS = "PUBLIC_URL is not set in the environment's .env file: log in with the API_TOKEN."
EDIT_RECORDED = "edit recorded; items made from the first wording stay as they are"
NOTHING_FOUND = "nothing found"


def cut(text: str, longest: int = LONGEST) -> str:
    """`text`, or as much of its beginning as a message can hold."""
    encoded = text.encode("utf-16-le", "replace")
    if len(encoded) <= 2 * longest:
        return text
    return encoded[: 2 * (longest - 1)].decode("utf-16-le", "ignore") + "…"


def standing(item: Item, hours: Hours, now: datetime) -> Reply:
    """The reply that shows an item, with its buttons."""
    state = "" if item.state in ("open", "kept", "running") else f" ({item.state})"
    because = f"\nbecause {item.rationale}" if item.rationale else ""
    if item.reason:
        because += f"\n{'opened again' if item.state == 'proposed' else item.state} because {item.reason}"
    buttons = BUTTONS.get((item.kind, item.state), ())
    return Reply(
        f"{item.kind} {described(item, hours, now, longest=LONGEST)}{state}{because}",
        tuple((label, f"{verb}:{item.position}") for label, verb in buttons),
    )


def undated(reply: Reply, words: str) -> Reply:
    """The answer to a todo of which no time was understood from `due` on."""
    why = f"\nrecorded as a todo without a due time: did not understand {words!r}"
    return Reply(cut(reply.text, LONGEST - len(why)) + why, reply.buttons)


def entered(track: Item, text: str) -> Reply:
    """The text about a track entry."""
    return Reply(f"track {track.text}, entry {track.entries}: {text}")


def reminder(todo: Item, hours: Hours, now: datetime) -> Reply:
    """It is time for that."""
    reply = standing(todo, hours, now)
    return Reply(f"reminder: {reply.text}", reply.buttons)


def stats(standing: Mapping[str, Mapping[str, int]], counts: Mapping[str, int]) -> Reply:
    """The text with the numbers of items of each kind and state, and of events."""
    lines = [count(counts.get("MessageRecorded", 0), "message", "messages")]
    for kind, states in standing.items():
        lines.append(f"{kind}s: " + ", ".join(f"{count} {state}" for state, count in states.items()))
    return Reply("\n".join((*lines, f"{count(sum(counts.values()), 'event', 'events')} in all")))


def status(
    who: Mapping[str, str], head: int, perhaps: Sequence[tuple[str, str]], hours: Hours, started: datetime
) -> Reply:
    """The text about the process, the end of its log, and the (about, text) of uncertain sendings."""
    shown = hours.local(started)
    lines = [
        f"environment {who['environment']}",
        f"release {who['release']}",
        f"since {day_words(shown.date(), shown.date())} {shown:%H:%M}",
        f"{count(head, 'event', 'events')} in the log",
    ]
    if perhaps:
        lines += ["", "may have been sent, and will not be sent again:"]
        lines += [f"{about}: {short(text)}" for about, text in perhaps]
    return Reply("\n".join(lines))


def unset_chat(chat: int) -> Reply:
    """The hint to set the environment's chat."""
    return Reply(
        f"The id of this chat is {chat}. Put TELEGRAM_CHAT_ID={chat} into the environment's .env file and"
        " deploy: then I listen to this chat, and to no other."
    )


def noted(kinds: Sequence[str]) -> Reply:
    """The answer to messages without words: their kinds, one for each part of an album."""
    counts = {kind: kinds.count(kind) for kind in kinds}
    shown = [
        kind.replace("_", " ") if count == 1 else f"{count} x {kind.replace('_', ' ')}"
        for kind, count in counts.items()
    ]
    return Reply(f"recorded: {', '.join(shown)}. Only text is stored, such as a caption, not the content.")


def migrated(chat: int) -> Reply:
    """The group has become a supergroup."""
    return Reply(
        f"This group has become a supergroup, and its id is {chat} now. I follow it. Put"
        f" TELEGRAM_CHAT_ID={chat} into the environment's .env file when you deploy the next time."
    )


def late(command: str, standing: Reply) -> Reply:
    """The answer to a command that was carried out or refused a while ago."""
    return Reply(f"late answer to {command}\nnow: {standing.text}", standing.buttons)


def when(due: str, hours: Hours, now: datetime) -> str:
    """A due date for people, such as `Friday 13 Feb` or `Friday 13 Feb 17:00`."""
    day = day_words(day_of(due, hours.zone), hours.local(now).date())
    return day if is_day(due) else f"{day} {hours.local(datetime.fromisoformat(due)):%H:%M}"


def day_words(day: date, today: date) -> str:
    """A day for people, with the year where it is another one."""
    return f"{day:%A} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


def described(
    item: Item, hours: Hours, now: datetime, longest: int = LONGEST_LINE, *, mark: bool = False
) -> str:
    """An item on one line; `mark` marks an overdue todo."""
    late = mark and item.due is not None and is_overdue(item.due, hours.local(now))
    due = f", {'overdue since' if late else 'due'} {when(item.due, hours, now)}" if item.due else ""
    tags = "".join(f" #{tag}" for tag in item.tags if f"#{tag}" not in item.text.lower())
    return f"{item.position}: {short(item.text, longest)}{due}{tags}"


def short(text: str, longest: int = LONGEST_LINE) -> str:
    """The text on one line of so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def count(number: int, one: str, many: str) -> str:
    """A number and what it counts."""
    return f"{number} {one if number == 1 else many}"
