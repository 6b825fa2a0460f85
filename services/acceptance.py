"""`python -m services.acceptance`: try this release on a copy of its event log.

`copy` makes the copy, and `run` appends to it what `acceptance_requests` lists, compares each answer and then
the read models with a rebuild. Neither changes the log of a service, and nobody is spoken to.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from services.acceptance_copy import LOG, copy
from services.errors import HelionyxError
from services.event_log.backends import backend_of
from services.event_log.errors import EventLogError

DESCRIPTION = "Try this release on a copy of its event log: record, read and compare."

FAULTY = 1
"""The exit code of `run` for a release that has a fault."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit code 0: done; 1: an error, or for `run` a fault of the release."""
    parser = argparse.ArgumentParser(prog="python -m services.acceptance", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True)
    into = verbs.add_parser("copy", help="copy a log, also while its service runs")
    into.add_argument("--store", type=Path, required=True, metavar="DIR", help="the log to copy")
    into.add_argument("--to", type=Path, required=True, metavar="DIR", help="the directory for `run`")
    trial = verbs.add_parser("run", help="record, read and compare on the copy")
    trial.add_argument("--in", type=Path, required=True, dest="directory", metavar="DIR", help="as of `copy`")
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(arguments)
    try:
        return _copy(options) if options.verb == "copy" else _run(options)
    except HelionyxError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _copy(options: argparse.Namespace) -> int:
    head = copy(backend_of(options.store), options.to)
    position = head.position if head else 0
    result = {"position": position, "hash": head.hash if head else None}
    print(json.dumps(result) if options.json else f"{options.to} has a copy that ends at {position}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from services.acceptance_run import FaultError, run
    from services.config import Config

    if not (options.directory / LOG).is_dir():
        raise EventLogError(f"{options.directory} has no copy of a log", "make one: services.acceptance copy")
    config = Config.from_env(os.environ.get("ENV"))
    result: dict[str, object] = {"ok": True, "problem": None, "requests": 0, "position": 0, "digest": ""}
    try:
        result |= run(options.directory, config, os.environ.get("HELIONYX_RELEASE"))
    except FaultError as error:
        result |= {"ok": False, "problem": error.message}
        print(error, file=sys.stderr)
    if options.json:
        print(json.dumps(result))
    elif result["ok"]:
        print(f"ok: {result['requests']} requests, read models as rebuilt")
    return 0 if result["ok"] else FAULTY


if __name__ == "__main__":
    raise SystemExit(main())
