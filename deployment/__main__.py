"""The command line: parse the request, carry it out, print one error at the most, end with a code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module

from . import arguments, variables
from .errors import DONE, INTERRUPTED, DeployError, unusable
from .own_node import RECORD
from .settings import Settings
from .ui import streams
from .ui.display import Plain, choose
from .ui.output import code_line
from .ui.results import result_of
from .verbs.table import EVERYWHERE, VERBS

_TAKES = "\n".join(
    f"  {name:<9} {', '.join(verb.variables)}" for name, verb in VERBS.items() if verb.variables
)
USAGE = f"""\
scripts/deploy/VERB.sh [dev|staging|live] [--json]

VERB is one of {", ".join(VERBS)}.
Variables: {", ".join(EVERYWHERE[1:])}; and for
{_TAKES}
docs/DEPLOYMENT.md explains all of them.
"""


def main(words: list[str]) -> int:
    """Run one verb and return its exit code."""
    streams.prepare()
    as_json = "--json" in words or os.environ.get("JSON", "0").lower() in variables.TRUE
    try:
        code = _help() if {"--help", "-h"} & set(words) else _run(arguments.read(words, os.environ))
        sys.stdout.flush()
        return code
    except DeployError as error:
        return _end(as_json, error)
    except KeyboardInterrupt:
        if words[:1] == ["logs"]:
            return INTERRUPTED
        sys.stderr.write(
            f"\nthe change continues on the node; make status shows it\n{code_line(INTERRUPTED)}\n"
        )
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        streams.forget_output()
        return INTERRUPTED
    except OSError as error:
        return _end(as_json, unusable(error))


def _help() -> int:
    sys.stdout.write(USAGE)
    return DONE


def _end(as_json: bool, error: DeployError) -> int:
    """Print an error where it can be printed and return its exit code."""
    try:
        choose(as_json).end(result_of(error))
        sys.stdout.flush()
    except OSError:  # on standard error, then
        streams.forget_output()
        with suppress(OSError):
            Plain().end(result_of(error))
    return error.code


def _run(settings: Settings) -> int:
    """Run a verb. Each verb imports only what it needs: imports are part of the waiting time."""
    if settings.own_node and not settings.json:
        sys.stderr.write(f"the node of make try: {settings.node} ({RECORD})\n")
    module, _, function = VERBS[settings.verb].run.partition(".")
    run = getattr(import_module(f".verbs.{module}", __package__), function)
    return int(run(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
