"""`python -m services.event_log`: look at a log, copy it, take it elsewhere, whether the service runs or not.

The log is that of the environment `$ENV`, where its configuration says, or the one in `--store`.

Each verb imports only what it needs: a deploy runs `head` several times, and imports are most of its time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from services.errors import HelionyxError
from services.event_log.errors import EventLogError
from services.event_log.progress import Progress
from services.event_log.schema import FILE_NAME, refuse_missing
from services.event_log.summary import Summary

if TYPE_CHECKING:
    from services.event_log.log import EventLog
    from services.event_log.redact import Redacted

DESCRIPTION = """\
Look at an event log, copy it, or take it elsewhere, whether the service runs or not.
The log is that of the environment $ENV, where its configuration says, or the one in --store.
"""

DAMAGED = 1
"""The exit code of `verify` for a log that is not what was appended."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit code 0: done, and for verify the chain holds; 1: it does not, or an error."""
    options = _parser().parse_args(arguments)
    commands = {
        "head": _head,
        "verify": _verify,
        "export": _export,
        "import": _import,
        "backup": _backup,
        "redact": _redact,
    }
    try:
        if options.store is None:
            options.store, options.file = _configured()
        return commands[options.verb](options)
    except HelionyxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.event_log", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True)
    head = verbs.add_parser("head", help="the position and hash of the last record")
    head.add_argument("--at", type=int, metavar="POSITION", help="and the hash at this position")
    verbs.add_parser("verify", help="whether every record is what was appended")
    out = verbs.add_parser("export", help="every record as a line of JSON")
    out.add_argument("--to", type=Path, metavar="FILE", help="a new file; standard output by default")
    into = verbs.add_parser("import", help="append what was exported from a longer copy of the same log")
    into.add_argument("--from", type=Path, dest="source", metavar="FILE", help="standard input by default")
    backup = verbs.add_parser("backup", help="a verified copy, also while the service runs")
    backup.add_argument("--to", type=Path, required=True, metavar="DIR", help="where no log is yet")
    redact = verbs.add_parser("redact", help="replace the words of an event, while the service is stopped")
    redact.add_argument("position", type=int, metavar="POSITION")
    redact.add_argument("reason", metavar="REASON", help="which stays in the log, without the words")
    redact.add_argument("--by", metavar="NAME", help="who wants it; by default who runs this")
    redact.add_argument("--plan", action="store_true", help="only tell what would change")
    redact.add_argument("--file", type=Path, metavar="STEM", help="with --store: of PROJECTIONS_DB_PATH")
    for verb in verbs.choices.values():
        verb.add_argument("--store", type=Path, metavar="DIR", help="the value of EVENT_STORE_PATH")
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _configured() -> tuple[Path, Path]:
    """The values of EVENT_STORE_PATH and PROJECTIONS_DB_PATH."""
    from services.config import Config

    config = Config.from_env(os.environ.get("ENV"))
    return config.event_store_path, config.projections_db_path


def _head(options: argparse.Namespace) -> int:
    with contextlib.closing(Summary.of(options.store)) as log:
        head = log.head()
        result: dict[str, object] = {"position": head.position, "hash": head.hash, "holds": log.holds()}
        result["said"] = log.said()._asdict()
        text = f"{head.position} {head.hash}"
        if options.at is not None:
            at = log.hash_at(options.at)
            behind = log.said_behind(options.at)
            result["at"] = {"position": options.at, "hash": at, "said_behind": behind}
            text += f"\n{options.at} {at or 'no record'}"
    if not options.json:
        _tell_missing(options.store)
    return _say(options, result, text)


def _tell_missing(store: Path) -> None:
    try:
        refuse_missing(store)
    except HelionyxError as error:
        print(error, file=sys.stderr)


def _verify(options: argparse.Namespace) -> int:
    import threading

    refuse_missing(options.store)
    damage: list[str | None] = []

    def structure() -> None:
        with contextlib.suppress(HelionyxError), _opened(options.store) as log:
            damage.append(log.damage())

    # Beside the chain, in a thread of its own: SQLite looks through its file without Python.
    beside = threading.Thread(target=structure)
    with _opened(options.store) as log:
        beside.start()
        position = log.head().position
        with Progress("verified", position) as told:
            flaw = log.examine(told)
        beside.join()
    problem = str(flaw) if flaw else next((f"the file is damaged: {text}" for text in damage if text), None)
    redactions, contradiction = ([], None) if problem else _redactions(options.store)
    problem = problem or contradiction
    result: dict[str, object] = {
        "ok": problem is None,
        "position": position,
        "first_bad_position": flaw.position if flaw else None,
        "problem": problem,
        "redactions": redactions,
    }
    return _say(options, result, problem or f"ok: {_records(position)}", 0 if problem is None else DAMAGED)


def _redactions(store: Path) -> tuple[list[dict[str, object]], str | None]:
    """The redactions that the log holds, and where they contradict its events."""
    from services.event_redaction import contradiction, notes

    with _opened(store) as log:
        found = [
            {
                "position": done.event.position,
                "at": done.at,
                "old_head": done.event.old_head,
                "new_head": done.event.new_head,
            }
            for done in notes(log)
        ]
        return found, contradiction(log)


def _export(options: argparse.Namespace) -> int:
    from services.event_log.transfer import export

    refuse_missing(options.store)
    if options.json and options.to is None:
        raise EventLogError("expected --to FILE with --json", "else the records go to standard output")
    with _opened(options.store) as log, _target(options.to) as target:
        with Progress("exported", log.head().position) as told:
            end = export(log, target, told)
        head = log.hash_at(end)
    if options.to is None:
        return 0
    return _say(options, {"position": end, "hash": head}, f"{options.to} has {_records(end)}")


def _import(options: argparse.Namespace) -> int:
    from services.event_log.log import EventLog
    from services.event_log.transfer import import_lines
    from services.kept import fits

    with _source(options.source) as lines, contextlib.closing(EventLog.open(options.store)) as log:
        with Progress("looked at") as told:
            count = import_lines(log, lines, told, fits)
        head = log.head()
    result = {"imported": count, "position": head.position, "hash": head.hash}
    return _say(options, result, f"{_records(count)} new, the log ends at {head.position} {head.hash}")


def _backup(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from services.event_log import last_backup
    from services.event_log.backup import back_up

    begun = datetime.now(UTC)  # what is appended after this may be missing in the copy
    with Progress("copied, verified") as told:
        head = back_up(options.store, options.to, told)
    try:
        last_backup.write(options.store, begun)
    except (OSError, ValueError) as error:  # the copy is whole all the same
        print(f"warning: the time of this backup could not be noted: {error}", file=sys.stderr)
    file = options.to / FILE_NAME
    result = {"file": str(file), "position": head.position, "hash": head.hash}
    return _say(options, result, f"{file} has {_records(head.position)}, verified; the last is {head.hash}")


def _redact(options: argparse.Namespace) -> int:
    import getpass

    import msgspec

    from services.event_log.redact import Order, plan, redact
    from services.projections.database import remove_all

    def remove_read_models() -> None:
        if options.file is not None:
            remove_all(options.file)

    if options.plan:
        found = plan(options.store, options.position)
    else:
        order = Order(options.position, options.reason, options.by or getpass.getuser())
        found = redact(options.store, order, remove_read_models)
    return _say(options, msgspec.to_builtins(found), _redacted(found))


def _redacted(found: Redacted) -> str:
    changed = ", ".join(map(str, found.changed))
    if found.done:
        text = f"redacted position {found.position}: the words of {changed} are gone; noted at {found.at}"
    elif found.at is None:
        text = f"would replace the words of {changed}"
    else:
        text = f"position {found.position} was redacted already, noted at {found.at}: nothing to do"
    if found.elsewhere:
        text += f"\nthe same words are also at {', '.join(map(str, found.elsewhere))}: redact those too"
    return text


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number} records"


def _say(options: argparse.Namespace, result: dict[str, object], text: str, code: int = 0) -> int:
    print(json.dumps(result) if options.json else text)
    return code


def _opened(store: Path) -> contextlib.closing[EventLog]:
    from services.event_log.log import EventLog

    return contextlib.closing(EventLog.open(store, read_only=True))


@contextlib.contextmanager
def _target(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        return
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise EventLogError(
            f"cannot write {path}: {error.strerror}", "name a file that is not there yet"
        ) from error


@contextlib.contextmanager
def _source(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise EventLogError(f"cannot read {path}: {error.strerror}") from None
    with file:
        yield file


if __name__ == "__main__":
    raise SystemExit(main())
