"""`python -m services.projections`: build the read models anew, or compare them, beside a service or alone.

They are those of the environment `$ENV`, where its configuration says, or those of `--store` and `--file`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path

from services.config import Config
from services.errors import HelionyxError
from services.event_log.backends import backend_of
from services.event_log.errors import RESTORE, DamagedError
from services.event_log.log import EventLog
from services.event_log.progress import Progress
from services.projections.database import Projections
from services.projections.files import file_of

DESCRIPTION = """\
Build the read models anew, or compare them, beside a service or alone.
They are those of the environment $ENV, where its configuration says, or those of --store and --file.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit code 0: done; 1: an error."""
    parser = argparse.ArgumentParser(prog="python -m services.projections", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("rebuild", help="build them anew out of the event log, and put them in place at once")
    verbs.add_parser("digest", help="print a digest of all rows, equal for equal builds")
    for verb in verbs.choices.values():
        verb.add_argument("--store", type=Path, metavar="DIR", help="the value of EVENT_STORE_PATH")
        verb.add_argument("--file", type=Path, metavar="STEM", help="the value of PROJECTIONS_DB_PATH")
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(arguments)
    try:
        if options.store is None or options.file is None:
            config = Config.from_env(os.environ.get("ENV"))
            options.store = options.store or config.event_store_path
            options.file = options.file or config.projections_db_path
        return _run(options)
    except HelionyxError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(options: argparse.Namespace) -> int:
    begun = time.monotonic()
    backend = backend_of(options.store)
    if options.verb == "rebuild":
        backend.refuse_missing()
    with (
        contextlib.closing(backend.open(read_only=True)) as log,
        contextlib.closing(Projections.open(options.file, shared=True)) as projections,
    ):
        if options.verb == "rebuild":
            _refuse_damaged(log)
            with Progress("entered", log.head().position) as progress:
                projections.rebuild(log, progress)
        position, digest = projections.position(), projections.digest()
    seconds = round(time.monotonic() - begun, 1)
    result = {"file": str(file_of(options.file)), "position": position, "digest": digest, "seconds": seconds}
    print(json.dumps(result) if options.json else f"{position} {digest}")
    return 0


def _refuse_damaged(log: EventLog) -> None:
    with Progress("verified", log.head().position) as progress:
        flaw = log.verify(progress)
    if flaw is not None:
        raise DamagedError(f"nothing is built out of a damaged log: {flaw}", RESTORE)


if __name__ == "__main__":
    raise SystemExit(main())
