"""The arguments of all commands."""

from __future__ import annotations

import argparse
import re

from services.config_sources import ENVIRONMENTS

LARGEST = 2**63 - 1

DEFAULT_LIMIT = 100

EPILOG = """\
It talks to dev unless --env names another environment; on a node, a release talks to its own.
Address and token come from .env.ENV; HELIONYX_URL=http://192.0.2.10:8000 names another address.
"""


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    made = argparse.ArgumentParser(
        prog="helionyx",
        description="Record messages and read what was recorded.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    # Before the verb or behind it: what is not given behind it leaves alone what was given before it.
    _common(made, None)
    verbs = made.add_subparsers(dest="verb", required=True, metavar="VERB")
    say = _verb(verbs, "say", "record a message; without TEXT, or with -, standard input")
    say.add_argument("text", nargs="*", metavar="TEXT")
    _items(verbs)
    _todos(verbs)
    _decisions(verbs)
    _looks(verbs)
    return made


def _items(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, what in (
        ("todos", "list open todos"),
        ("notes", "list notes"),
        ("tracks", "list running tracks"),
        ("decisions", "list decisions"),
    ):
        verb = _verb(verbs, name, f"{what}, or show the one with NUMBER")
        verb.add_argument("number", nargs="?", type=_number, metavar="NUMBER")
        verb.add_argument("--all", action="store_true", help="in any state")
        verb.add_argument("--state", action="append", help="in this state; can be given several times")
        verb.add_argument("--tag", type=lambda text: text.removeprefix("#"), help="with this tag")
        _limit(verb)


def _todos(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, what in (
        ("done", "complete todos"),
        ("reopen", "reopen todos"),
        ("cancel", "cancel todos"),
    ):
        _verb(verbs, name, what).add_argument("numbers", nargs="+", type=_number, metavar="NUMBER")
    stop = _verb(verbs, "stop", "stop tracks; the next entry starts a track again")
    stop.add_argument("numbers", nargs="+", type=_number, metavar="NUMBER")
    for name, what in (("tag", "add tags to an item"), ("untag", "remove tags from an item")):
        verb = _verb(verbs, name, what)
        verb.add_argument("number", type=_number, metavar="NUMBER")
        verb.add_argument("tags", nargs="+", metavar="TAG")
    due = _verb(verbs, "due", "set when a todo is due")
    due.add_argument("number", type=_number, metavar="NUMBER")
    due.add_argument(
        "when", nargs="+", metavar="WHEN", help="2026-02-11, friday at 17, in 3 days and so on; or none"
    )
    snooze = _verb(verbs, "snooze", "postpone a todo")
    snooze.add_argument("number", type=_number, metavar="NUMBER")
    snooze.add_argument(
        "when", nargs="*", metavar="WHEN", help="1h, evening, weekend, next week and so on; tomorrow"
    )


def _decisions(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, what in (
        ("accept", "accept a decision"),
        ("reject", "reject a decision"),
        ("revisit", "reopen a decision"),
    ):
        verb = _verb(verbs, name, what)
        verb.add_argument("number", type=_number, metavar="NUMBER")
        verb.add_argument("--because", metavar="TEXT", help="the reason")


def _looks(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    search = _verb(verbs, "search", "search all texts")
    search.add_argument("words", nargs="+", metavar="WORD")
    _limit(search)
    events = _verb(verbs, "events", "print the event log")
    events.add_argument("--follow", "-f", action="store_true", help="go on with new events")
    begin = events.add_mutually_exclusive_group()
    begin.add_argument(
        "--after", type=_number, default=0, metavar="N", help="only events after this position"
    )
    begin.add_argument("--last", type=_number, metavar="N", help="only the last N, and new ones")
    events.add_argument(
        "--type", action="append", metavar="T", help="of this type; can be given several times"
    )
    export = _verb(verbs, "export", "print everything as a document, or its items as a table")
    export.add_argument(
        "--format",
        choices=("markdown", "csv", "jsonl"),
        default="markdown",
        help="a document; a table of items; or the event log as JSON Lines",
    )
    _verb(verbs, "stats", "count items by kind and state, and events by type")
    _verb(verbs, "status", "show which environment and release answers, and whether it can be used")


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str
) -> argparse.ArgumentParser:
    made = verbs.add_parser(name, help=what, description=what, allow_abbrev=False)
    _common(made, argparse.SUPPRESS)
    return made


def _common(made: argparse.ArgumentParser, default: object) -> None:
    made.add_argument(
        "--env", choices=ENVIRONMENTS, default=default, help="the environment; live must be named each time"
    )
    made.add_argument("--url", default=default, help="the address of the service; $HELIONYX_URL")
    made.add_argument("--json", action="store_true", default=default or False, help="JSON, for programs")


def _limit(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--limit", type=_number, default=DEFAULT_LIMIT, metavar="N", help=f"at most so many; {DEFAULT_LIMIT}"
    )


def _number(text: str) -> int:
    plain = text.removeprefix("#")
    if not re.fullmatch("[0-9]{1,19}", plain) or int(plain) > LARGEST:
        raise argparse.ArgumentTypeError(f"expected a number, found {text!r}")
    return int(plain)
