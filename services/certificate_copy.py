"""`python -m services.certificate_copy`: the copy of a certificate and its key that a service can read.

Root alone can read the files on a node, and the service runs in a sandbox without them. So root runs this
program: in a deploy, before each start of the service, and when one of the files changes. The copy is one
file, so that it never holds the certificate of one pair and the key of another. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import grp
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from services.certificate import CertificateError, Loaded, Pair, load
from services.errors import HelionyxError

PATIENCE = 3.0
"""The seconds that a pair may take until it fits: who renews it writes one file after the other."""

QUIET = 2.0
"""The seconds for which a new pair is watched on: systemd notices no change while this runs."""

POLL = 0.1

MODE = 0o640


class CopyError(HelionyxError):
    """A copy that cannot be written."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit code 0: done; 1: there is no pair that can be served."""
    options = _parser().parse_args(arguments)
    try:
        answer = _copy(options) if options.verb == "copy" else _show(options)
    except HelionyxError as error:
        print(error.message if not error.hint else f"{error.message}\nhint: {error.hint}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(answer))
    else:
        print(", ".join(f"{name}: {value}" for name, value in answer.items()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.certificate_copy", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    copy = verbs.add_parser("copy", help="copy a pair that fits and has not expired")
    copy.add_argument("--cert", required=True, type=Path, help="the certificate with its chain")
    copy.add_argument("--key", required=True, type=Path, help="its key")
    copy.add_argument("--to", required=True, type=Path, help="the copy, which holds both")
    copy.add_argument("--group", required=True, help="the group that may read it")
    copy.add_argument("--once", action="store_true", help="do not wait for a pair that is being renewed")
    show = verbs.add_parser("show", help="show the end of the certificate in a copy")
    show.add_argument("--file", required=True, type=Path)
    for verb in (copy, show):
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _show(options: argparse.Namespace) -> dict[str, object]:
    loaded = load(Pair(options.file, options.file))
    return {"not_after": loaded.shown_end}


def _copy(options: argparse.Namespace) -> dict[str, object]:
    pair = Pair(options.cert, options.key)
    changed = False
    while True:
        state = pair.state
        loaded, is_new = copy(pair, options.to, options.group, 0 if options.once else PATIENCE)
        changed = changed or is_new
        if options.once or not is_new or not _changes(pair, state, QUIET):
            return {"changed": changed, "not_after": loaded.shown_end}


def copy(pair: Pair, to: Path, group: str, patience: float = PATIENCE) -> tuple[Loaded, bool]:
    """Copy a pair: (the pair, whether the copy is a new one).

    Raises CertificateError, and keeps the old copy, where the pair does not fit; CopyError for all else.
    """
    end = time.monotonic() + patience
    while True:
        state = pair.state
        try:
            return _attempt(pair, to, group)
        except CertificateError:
            remaining = end - time.monotonic()
            if remaining <= 0 or not _changes(pair, state, remaining):
                raise


def _changes(pair: Pair, state: object, seconds: float) -> bool:
    """Wait for a change of the files. Returns whether there was one."""
    end = time.monotonic() + seconds
    while pair.state == state:
        if time.monotonic() >= end:
            return False
        time.sleep(POLL)
    return True


def _attempt(pair: Pair, to: Path, group: str) -> tuple[Loaded, bool]:
    half = to.with_name(f".{to.name}.half")
    try:
        content = content_of(pair)
        half.unlink(missing_ok=True)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            loaded = _checked(pair, half)
            os.fchown(descriptor, -1, grp.getgrnam(group).gr_gid)
            os.fchmod(descriptor, MODE)
            os.fsync(descriptor)
            if _is_same(to, descriptor, content):
                return loaded, False
        half.replace(to)
        _sync(to.parent)
        return loaded, True
    except KeyError:
        raise CopyError(f"there is no group {group}") from None
    except OSError as error:
        raise CopyError(f"cannot copy to {to}: {error.strerror}: {error.filename}") from None
    finally:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)


def content_of(pair: Pair) -> bytes:
    """The contents of the copy of a pair: the key, a line end where it has none, and the certificate."""
    key, certificate = pair.read()
    return key.rstrip(b"\n") + b"\n" + certificate


def _checked(pair: Pair, half: Path) -> Loaded:
    """Load the pair from its unfinished copy. The messages name the files that it is from."""
    try:
        loaded = load(Pair(half, half))
    except CertificateError:
        load(pair)
        raise
    if loaded.not_after <= datetime.now(UTC):
        raise CertificateError(
            f"the certificate in {pair.certificate} expired at {loaded.shown_end}", "renew it, then try again"
        )
    return loaded


def _is_same(to: Path, descriptor: int, content: bytes) -> bool:
    """Whether the copy is there already, with the same contents, owner and mode."""
    try:
        there, new = to.stat(), os.fstat(descriptor)
        attributes = [(status.st_uid, status.st_gid, status.st_mode) for status in (there, new)]
        return attributes[0] == attributes[1] and to.read_bytes() == content
    except FileNotFoundError:
        return False


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    raise SystemExit(main())
