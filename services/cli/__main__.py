"""`python -m services.cli VERB`, in a checkout and in a release called `helionyx`."""

from __future__ import annotations

import io
import os
import sys

from services.cli import events, items, looks
from services.cli.arguments import parser
from services.cli.client import Client
from services.cli.output import Output, note
from services.cli.target import find
from services.config import ROOT
from services.errors import HelionyxError

VERBS = {
    "say": items.say,
    **dict.fromkeys(items.LISTINGS, items.listed),
    **dict.fromkeys(items.CHANGES, items.turned),
    "due": items.due,
    "snooze": items.snooze,
    **dict.fromkeys(items.TAGGED, items.tagged),
    **dict.fromkeys(("accept", "reject", "revisit"), items.decided),
    "search": looks.search,
    "stats": looks.stats,
    "status": looks.status,
    "events": events.events,
    "export": events.export,
}

FAILED = 1
USAGE = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command. Exit code 0: done; 1: refused or failed; 2: usage error; 130: interrupted."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot show is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = parser().parse_args(arguments)
    try:
        target = find(options.env, options.url, os.environ, ROOT)
        out = Output(sys.stdout, os.environ, as_json=options.json, timezone=target.timezone)
        code = VERBS[options.verb](Client(target, note), out, options)
        sys.stdout.flush()
    except HelionyxError as error:
        items.say_error(error)
        return USAGE if error.exit_code == USAGE else FAILED
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:  # of standard input or output: the others have become HelionyxErrors
        items.say_error(HelionyxError(f"cannot read or write: {error.strerror}"))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


if __name__ == "__main__":
    raise SystemExit(main())
