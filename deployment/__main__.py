"""The command line: read the request, carry it out, print one error at the most, end with a code."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress
from typing import Any

from . import settings
from .errors import DONE, INTERRUPTED, DeployError, unusable
from .host.values.printable import printable
from .remote.connection import Connection
from .ui import streams
from .ui.display import Plain, choose
from .ui.output import Output, code_line, result_of

ASKING = (
    "backup",
    "restore",
    "remove",
    "redact",
)  # verbs that check or ask something here before they connect

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
    streams.prepare()
    as_json = "--json" in arguments or os.environ.get("JSON", "0").lower() in settings.TRUE
    try:
        code = _help() if {"--help", "-h"} & set(arguments) else _run(settings.read(arguments, os.environ))
        sys.stdout.flush()
        return code
    except DeployError as error:
        return _end(as_json, error)
    except KeyboardInterrupt:
        if arguments[:1] == ["logs"]:
            return INTERRUPTED
        sys.stderr.write(
            f"\nthe change continues on the node; make status shows it\n{code_line(INTERRUPTED)}\n"
        )
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone
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


def _run(request: settings.Settings) -> int:
    """Run a verb. Each verb imports only what it needs: imports are part of the waiting time."""
    if request.verb in ("status", "logs"):
        from .verbs import looks

        return looks.status(request) if request.verb == "status" else looks.logs(request)
    if request.verb == "history":
        from .verbs.history import history

        return history(request)
    if request.verb == "verify":
        from .verbs.verify import verify

        return verify(request)
    if request.verb == "doctor":
        from .verbs.doctor import doctor

        return doctor(request)
    if request.verb == "env":
        return _env(request)
    return _change(request)


def _env(request: settings.Settings) -> int:
    from .build import envfile

    path, marked = envfile.write(request.root, request.env_dir, request.environment)
    print(f"{printable(str(path))} created (mode 0600)")
    for name in marked:
        print(f"  {name} is still to be filled in")
    print(code_line(DONE))
    return DONE


def _change(request: settings.Settings) -> int:
    with ExitStack() as opened:
        # ssh takes longer than all imports, so it starts first; some verbs have to ask before they connect.
        connection = None if request.verb in ASKING else opened.enter_context(Connection(request))
        output = choose(request.json)
        try:
            result = _result(request, output, connection)
        except DeployError as error:
            result = result_of(error, environment=request.environment, verb=request.verb)
        except KeyboardInterrupt:
            output.interrupt()
            raise
    try:
        output.end(result)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        again = f"make status ENV={request.environment} shows how it went"
        raise DeployError(unusable(error).message, again, code=result["exit_code"] or INTERRUPTED) from error
    return int(result["exit_code"])


def _result(request: settings.Settings, output: Output, connection: Connection | None) -> dict[str, Any]:
    from .verbs import change

    if connection is not None:
        return change.change(request, output, connection)
    if request.verb == "backup":
        from .verbs.backup import backup

        return backup(request, output)
    from .verbs import consent, copies, foreseen

    copy = copies.named(request, output) if request.verb == "restore" else None
    what = ""
    if consent.wanted(request) and consent.asks(request):  # who is asked hears first what it costs
        with Connection(request) as asking:
            what = foreseen.impact(request.environment, change.foresee(request, output, asking, copy))
    consent.ask(request, copy, what)
    with Connection(request) as changing:
        return change.change(request, output, changing, copy)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
