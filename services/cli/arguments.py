"""The arguments of all commands."""

from __future__ import annotations

import argparse
import re

from services.config_sources import ENVIRONMENTS

LARGEST = 2**63 - 1

DEFAULT_LIMIT = 100

EPILOG = """\
It speaks to dev, unless --env names another environment; a release on a node speaks to its own.
Address and token are those in .env.ENV; HELIONYX_URL=http://192.0.2.10:8000 names another address.
"""


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    made = argparse.ArgumentParser(
        prog="helionyx",
        description="Tell Helionyx something, and ask what it knows.",
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
        ("todos", "what is to be done"),
        ("notes", "what was worth a note"),
        ("tracks", "what is followed"),
        ("decisions", "what was decided, and what may be"),
    ):
        verb = _verb(verbs, name, f"{what}; with NUMBER all about one")
        verb.add_argument("number", nargs="?", type=_number, metavar="NUMBER")
        verb.add_argument("--all", action="store_true", help="in whatever state")
        verb.add_argument("--state", action="append", help="in this state; can be given several times")
        verb.add_argument("--tag", type=lambda text: text.removeprefix("#"), help="with this tag")
        _limit(verb)


def _todos(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, what in (
        ("done", "it is done"),
        ("reopen", "it has to be done after all"),
        ("cancel", "it will not be done"),
    ):
        _verb(verbs, name, what).add_argument("numbers", nargs="+", type=_number, metavar="NUMBER")
    stop = _verb(verbs, "stop", "a track is followed no more; the next entry starts it again")
    stop.add_argument("numbers", nargs="+", type=_number, metavar="NUMBER")
    for name, what in (("tag", "find it under these tags as well"), ("untag", "take tags from it")):
        verb = _verb(verbs, name, what)
        verb.add_argument("number", type=_number, metavar="NUMBER")
        verb.add_argument("tags", nargs="+", metavar="TAG")
    due = _verb(verbs, "due", "by when it has to be done")
    due.add_argument("number", type=_number, metavar="NUMBER")
    due.add_argument(
        "when", nargs="+", metavar="WHEN", help="2026-02-11, friday at 17, in 3 days and so on; or none"
    )


def _decisions(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, what in (
        ("accept", "decide it so"),
        ("reject", "decide against it"),
        ("revisit", "open it again"),
    ):
        verb = _verb(verbs, name, what)
        verb.add_argument("number", type=_number, metavar="NUMBER")
        verb.add_argument("--because", metavar="TEXT", help="why")


def _looks(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    search = _verb(verbs, "search", "what holds these words")
    search.add_argument("words", nargs="+", metavar="WORD")
    _limit(search)
    events = _verb(verbs, "events", "the event log")
    events.add_argument("--follow", "-f", action="store_true", help="and all that is still to come")
    begin = events.add_mutually_exclusive_group()
    begin.add_argument("--after", type=_number, default=0, metavar="N", help="only behind this position")
    begin.add_argument("--last", type=_number, metavar="N", help="only the last N, and those to come")
    events.add_argument(
        "--type", action="append", metavar="T", help="of this type; can be given several times"
    )
    _verb(verbs, "stats", "how many there are of everything")
    _verb(verbs, "status", "which environment and release answers, and whether it can be used")


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str
) -> argparse.ArgumentParser:
    made = verbs.add_parser(name, help=what, description=what, allow_abbrev=False)
    _common(made, argparse.SUPPRESS)
    return made


def _common(made: argparse.ArgumentParser, default: object) -> None:
    made.add_argument("--env", choices=ENVIRONMENTS, default=default, help="live has to be named")
    made.add_argument("--url", default=default, help="where it listens; $HELIONYX_URL")
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
