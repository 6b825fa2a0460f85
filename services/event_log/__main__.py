"""`python -m services.event_log head|verify`: look at a log, whether the service runs or not."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from services.errors import HelionyxError
from services.event_log.errors import EventLogError
from services.event_log.log import EventLog
from services.event_log.schema import FILE_NAME


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit code 0: done, and for verify the chain holds; 1: it does not, or an error."""
    parser = argparse.ArgumentParser(prog="python -m services.event_log", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    head = verbs.add_parser("head", help="the position and hash of the last record")
    head.add_argument("--at", type=int, metavar="POSITION", help="and the hash at this position")
    verify = verbs.add_parser("verify", help="whether every record is what was appended")
    for verb in (head, verify):
        verb.add_argument(
            "--store", type=Path, required=True, metavar="DIR", help="the value of EVENT_STORE_PATH"
        )
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(arguments)
    try:
        if options.verb == "verify" and not (options.store / FILE_NAME).exists():
            raise EventLogError(f"there is no event log in {options.store}", "the value of EVENT_STORE_PATH")
        log = EventLog.open(options.store, read_only=True)
        try:
            return _head(log, options) if options.verb == "head" else _verify(log, options)
        finally:
            log.close()
    except HelionyxError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _head(log: EventLog, options: argparse.Namespace) -> int:
    head = log.head()
    result: dict[str, object] = {"position": head.position, "hash": head.hash, "holds": log.holds()}
    if options.at is not None:
        result["at"] = {"position": options.at, "hash": log.hash_at(options.at)}
    text = f"{head.position} {head.hash}"
    if options.at is not None:
        text += f"\n{options.at} {log.hash_at(options.at) or 'no record'}"
    print(json.dumps(result) if options.json else text)
    return 0


def _verify(log: EventLog, options: argparse.Namespace) -> int:
    position, bad = log.head().position, log.verify()
    if options.json:
        print(json.dumps({"ok": bad is None, "position": position, "first_bad_position": bad}))
    else:
        print(
            f"ok: {position} records"
            if bad is None
            else f"the record at position {bad} is not what was appended"
        )
    return 0 if bad is None else 1


if __name__ == "__main__":
    raise SystemExit(main())
