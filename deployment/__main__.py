"""The command line: read the request, carry it out, print one error at the most, end with a code."""

from __future__ import annotations

import os
import sys

from . import consent, envfile, history, looks, settings
from .display import choose
from .errors import DONE, INTERRUPTED, DeployError
from .output import code_line, result_of

_TAKES = "\n".join(f"  {verb:<9} {', '.join(taken)}" for verb, taken in settings.TAKES.items())
USAGE = f"""\
scripts/deploy/VERB.sh [dev|staging|live] [--json]

VERB is one of {", ".join(settings.VERBS)}.
Variables: {", ".join(settings.EVERYWHERE[1:])}; and for
{_TAKES}
docs/DEPLOYMENT.md explains all of them.
"""


def main(arguments: list[str]) -> int:
    """Run one verb and return its exit code."""
    if {"--help", "-h"} & set(arguments):
        sys.stdout.write(USAGE)
        return DONE
    as_json = "--json" in arguments or os.environ.get("JSON", "0").lower() in settings.TRUE
    try:
        request = settings.read(arguments, os.environ)
        if request.verb == "status":
            return looks.status(request)
        if request.verb == "logs":
            return looks.logs(request)
        if request.verb == "history":
            return history.history(request)
        if request.verb == "doctor":
            return _doctor(request)
        if request.verb == "env":
            return _env(request)
        return _change(request)
    except DeployError as error:
        choose(as_json).end(result_of(error))
        return error.code
    except KeyboardInterrupt:
        if arguments[:1] == ["logs"]:
            return INTERRUPTED
        sys.stderr.write(
            f"\nwhat the node has begun it finishes; make status shows it\n{code_line(INTERRUPTED)}\n"
        )
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone
        return INTERRUPTED


def _env(request: settings.Settings) -> int:
    path, marked = envfile.write(request.root, request.env_dir, request.environment)
    print(f"{path} is written, for its owner's eyes only")
    for name in marked:
        print(f"  {name} is still to be filled in")
    print(code_line(DONE))
    return DONE


def _doctor(request: settings.Settings) -> int:
    from .doctor import doctor  # no other look needs what it needs

    return doctor(request)


def _change(request: settings.Settings) -> int:
    from . import copies, foreseen  # looks need none of this
    from .backup import backup
    from .change import change, foresee

    output = choose(request.json)
    try:
        if request.verb == "backup":
            result = backup(request, output)
        else:
            copy = copies.named(request, output) if request.verb == "restore" else None
            log = None
            if consent.wanted(request) and consent.asks(request):  # who is asked hears first what it costs
                log = foresee(request, output, copy)
            consent.ask(request, copy, foreseen.words(request.environment, log) if log else "")
            result = change(request, output, copy)
    except DeployError as error:
        result = result_of(error, environment=request.environment, verb=request.verb)
    except KeyboardInterrupt:
        output.interrupt()
        raise
    output.end(result)
    return int(result["exit_code"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
