"""`python -m services.telegram whose`: ask the Bot API whose bot an environment's token is."""

from __future__ import annotations

import argparse
import json
import os
import sys

from services.config import Config, find
from services.errors import HelionyxError
from services.telegram.whose import ask, judge

DESCRIPTION = "Ask the Bot API which bot the token of an environment belongs to."

REFUSED = 2
"""The exit code for a token that is another bot's, or nobody's."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Exit code 0: the bot may be used; 2: the environment must not have it."""
    parser = argparse.ArgumentParser(prog="python -m services.telegram", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True)
    whose = verbs.add_parser("whose", help="whether the token is that of the environment's own bot")
    whose.add_argument("--env", default=os.environ.get("ENV"), help="dev, staging or live; $ENV by default")
    whose.add_argument("--file", help="exactly these bytes, without OS variables; - is standard input")
    whose.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(arguments)
    try:
        return _whose(options)
    except HelionyxError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _whose(options: argparse.Namespace) -> int:
    source, file = find(options.env, options.file)
    config = Config.of(options.env, file, source)
    token, expected = config.telegram_bot_token, config.telegram_bot_username
    answer = ask(config.telegram_api_url, token) if token else None
    verdict = judge(config.environment, expected, answer)
    result = {
        "configured": token is not None,
        "reached": answer is not None and answer.reached,
        "username": answer.username if answer else None,
        "expected": expected,
        "verdict": verdict.verdict,
        "message": verdict.message,
        "hint": verdict.hint,
    }
    hint = f"\n  hint: {verdict.hint}" if verdict.hint else ""
    print(json.dumps(result) if options.json else verdict.message + hint)
    return REFUSED if verdict.refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
