"""`python -m services.event_log`: read, verify, copy, move and redact a log.

The log is that of the environment `$ENV`, as in its configuration, or the one in `--store`.

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
from services.event_log.backends import backend_of
from services.event_log.errors import EventLogError
from services.event_log.progress import Progress

if TYPE_CHECKING:
    from services.event_log.backend import Backend
    from services.event_log.redact import Redacted

DESCRIPTION = """\
Look at an event log, copy it, or take it elsewhere, whether the service runs or not.
The log is that of the environment $ENV, where its configuration says, or the one in --store.
"""

DAMAGED = 1
"""The exit code of `verify` for a damaged log."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit code 0: done; 1: an error, or for `verify` a damaged log."""
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
        return commands[options.verb](options, backend_of(options.store))
    except HelionyxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.event_log", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True)
    head = verbs.add_parser("head", help="the position and hash of the last record")
    again = "and the hash at this position; can be given again"
    head.add_argument("--at", type=int, action="append", default=[], metavar="POSITION", help=again)
    verbs.add_parser("verify", help="whether every record is what was appended")
    out = verbs.add_parser("export", help="every record as a line of JSON")
    out.add_argument("--to", type=Path, metavar="FILE", help="a new file; standard output by default")
    into = verbs.add_parser("import", help="append what was exported from a longer copy of the same log")
    into.add_argument("--from", type=Path, dest="source", metavar="FILE", help="standard input by default")
    backup = verbs.add_parser("backup", help="a verified copy, also while the service runs")
    backup.add_argument("--to", type=Path, required=True, metavar="DIR", help="where no log is yet")
    help_ = "replace the words of an event, while the service is stopped"
    _add_redact(verbs.add_parser("redact", help=help_))
    for verb in verbs.choices.values():
        verb.add_argument("--store", type=Path, metavar="DIR", help="the value of EVENT_STORE_PATH")
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _add_redact(redact: argparse.ArgumentParser) -> None:
    redact.add_argument("position", type=int, metavar="POSITION")
    redact.add_argument("reason", metavar="REASON", help="which stays in the log, without the words")
    redact.add_argument("--by", metavar="NAME", help="who asks for it; by default the user who runs this")
    redact.add_argument("--plan", action="store_true", help="only show what would change")
    redact.add_argument("--file", type=Path, metavar="STEM", help="with --store: of PROJECTIONS_DB_PATH")


def _configured() -> tuple[Path, Path]:
    """The values of EVENT_STORE_PATH and PROJECTIONS_DB_PATH."""
    from services.config import Config

    config = Config.from_env(os.environ.get("ENV"))
    return config.event_store_path, config.projections_db_path


def _head(options: argparse.Namespace, backend: Backend) -> int:
    with contextlib.closing(backend.summary()) as log:
        head, holds, said = log.contents()
        result: dict[str, object] = {"position": head.position, "hash": head.hash, "holds": holds}
        result["said"] = said._asdict()
        text = f"{head.position} {head.hash}"
        hashes = {position: log.hash_at(position) for position in options.at}
        if len(hashes) > 1:
            result["hashes"] = hashes
        if hashes:
            last = options.at[-1]
            result["at"] = {
                "position": last,
                "hash": hashes[last],
                "said_behind": log.said_behind(last),
            }
        text += "".join(f"\n{position} {digest or 'no record'}" for position, digest in hashes.items())
    if not options.json:
        _warn_missing(backend)
    return _print(options, result, text)


def _warn_missing(backend: Backend) -> None:
    try:
        backend.refuse_missing()
    except HelionyxError as error:
        print(error, file=sys.stderr)


def _verify(options: argparse.Namespace, backend: Backend) -> int:
    import threading

    backend.refuse_missing()
    damage: list[str | None] = []

    def check_storage() -> None:
        with contextlib.suppress(HelionyxError), contextlib.closing(backend.open(read_only=True)) as log:
            damage.append(log.damage())

    # Beside the chain, in a thread of its own: SQLite checks its file without Python.
    beside = threading.Thread(target=check_storage)
    with contextlib.closing(backend.open(read_only=True)) as log:
        beside.start()
        position = log.head().position
        with Progress("verified", position) as progress:
            flaw = log.verify(progress)
        beside.join()
    problem = str(flaw) if flaw else next((f"the file is damaged: {text}" for text in damage if text), None)
    redactions, contradiction = ([], None) if problem else _redactions(backend)
    problem = problem or contradiction
    result: dict[str, object] = {
        "ok": problem is None,
        "position": position,
        "first_bad_position": flaw.position if flaw else None,
        "problem": problem,
        "redactions": redactions,
    }
    return _print(options, result, problem or f"ok: {_records(position)}", 0 if problem is None else DAMAGED)


def _redactions(backend: Backend) -> tuple[list[dict[str, object]], str | None]:
    """The redactions that the log holds, and where they contradict its events."""
    from services.event_redaction import contradiction, notes

    with contextlib.closing(backend.open(read_only=True)) as log:
        redactions = [
            {
                "position": done.event.position,
                "at": done.at,
                "old_head": done.event.old_head,
                "new_head": done.event.new_head,
            }
            for done in notes(log)
        ]
        return redactions, contradiction(log)


def _export(options: argparse.Namespace, backend: Backend) -> int:
    from services.event_log.transfer import export

    backend.refuse_missing()
    if options.json and options.to is None:
        raise EventLogError("expected --to FILE with --json", "else the records go to standard output")
    with contextlib.closing(backend.open(read_only=True)) as log, _target(options.to) as target:
        with Progress("exported", log.head().position) as progress:
            end = export(log, target, progress)
        head = log.hash_at(end)
    if options.to is None:
        return 0
    return _print(options, {"position": end, "hash": head}, f"{options.to} has {_records(end)}")


def _import(options: argparse.Namespace, backend: Backend) -> int:
    from services.event_codec import fits
    from services.event_log.transfer import import_lines

    with _source(options.source) as lines, contextlib.closing(backend.open()) as log:
        with Progress("checked") as progress:
            count = import_lines(log, lines, progress, fits)
        head = log.head()
    result = {"imported": count, "position": head.position, "hash": head.hash}
    return _print(options, result, f"{_records(count)} new, the log ends at {head.position} {head.hash}")


def _backup(options: argparse.Namespace, backend: Backend) -> int:
    from datetime import UTC, datetime

    from services.event_log import last_backup

    begun = datetime.now(UTC)  # what is appended after this may be missing in the copy
    with Progress("copied, verified") as progress:
        file, head = backend.back_up(options.to, progress)
    try:
        last_backup.write(options.store, begun)
    except (OSError, ValueError) as error:  # the copy is whole all the same
        print(f"warning: could not record the time of this backup: {error}", file=sys.stderr)
    result = {"file": str(file), "position": head.position, "hash": head.hash}
    return _print(options, result, f"{file} has {_records(head.position)}, verified; the last is {head.hash}")


def _redact(options: argparse.Namespace, backend: Backend) -> int:
    import getpass

    import msgspec

    from services.event_log.redact import Order, plan, redact
    from services.projections.files import remove_all

    def remove_read_models() -> None:
        if options.file is not None:
            remove_all(options.file)

    if options.plan:
        redaction = plan(backend, options.position)
    else:
        order = Order(options.position, options.reason, options.by or getpass.getuser())
        redaction = redact(backend, order, remove_read_models)
    return _print(options, msgspec.to_builtins(redaction), _redacted(redaction))


def _redacted(redaction: Redacted) -> str:
    changed = ", ".join(map(str, redaction.changed))
    if redaction.done:
        text = f"redacted position {redaction.position}: the words of {changed} are gone;"
        text += f" noted at {redaction.at}"
    elif redaction.at is None:
        text = f"would replace the words of {changed}"
    else:
        text = f"position {redaction.position} was redacted already, noted at {redaction.at}: nothing to do"
    if redaction.elsewhere:
        text += f"\nthe same words are also at {', '.join(map(str, redaction.elsewhere))}: redact those too"
    return text


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number} records"


def _print(options: argparse.Namespace, result: dict[str, object], text: str, code: int = 0) -> int:
    print(json.dumps(result) if options.json else text)
    return code


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
