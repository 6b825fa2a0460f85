"""The service's log: one JSON object per line, and on a terminal a line for people.

Each has `time`, `level`, `message`, then whatever else is known: `logger.info("...", extra={"fields": ...})`.
What belongs to a request has its `request_id`. Secrets are taken out here, at the sink, whoever logs them.

A line stays one line whatever happens, so that every line is an object. A traceback is therefore a list with
one entry per frame, `file:line in function: code`: it can be read as it stands in the journal, without
escaped line ends, and whoever shows it to a person puts each entry on a line of its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Collection, Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from services.errors import HelionyxError
from services.redaction import REDACTED, Redactor

logger = logging.getLogger("helionyx")

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that the running code works for, if it works for one."""

LONGEST_TEXT = 4000
"""In characters. journald cuts lines of more than 48 KiB in two, and neither half would be an object."""

LONGEST_LINE = 40_000
"""In bytes."""

FIRST_FRAMES, LAST_FRAMES = 5, 40
"""The frames of a long traceback that are logged."""

_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_FRAME = re.compile(r'^[\s|]*File "(?P<file>.*)", line (?P<line>[0-9]+)(?:, in (?P<function>.*))?$')
_CARETS = re.compile(r"^[\s|]*[\^~]+\s*$")

# What journalctl would call a blob, what a terminal would obey, and what is no character at all.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Sink(logging.Handler):
    """Writes to a file descriptor, each record in one piece."""

    def __init__(self, descriptor: int, form: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(form)
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record. Neither a reader that has gone nor what cannot be written is a reason to fail."""
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001
            bare = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname}
            why = (
                f"a line that cannot be written: {type(error).__name__} in {record.pathname}:{record.lineno}"
            )
            text = self.format(logging.makeLogRecord({**bare, "msg": why}))
        with contextlib.suppress(OSError):
            data = f"{text}\n".encode(errors="backslashreplace")
            while data:
                data = data[os.write(self._descriptor, data) :]


class Lines(logging.Formatter):
    """One JSON object per record; for the journal with the priority in front, which journald takes off."""

    def __init__(self, redact: Redactor, *, journal: bool) -> None:
        super().__init__()
        self._redact = redact
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        entry = _clean_object(_entry(record), self._redact)
        line = _one_line(entry)
        if len(line) * 4 > LONGEST_LINE and len(line.encode(errors="backslashreplace")) > LONGEST_LINE:
            basics = {
                name: entry[name] for name in ("time", "level", "message", "request_id") if name in entry
            }
            line = _one_line({**basics, "message": str(basics["message"])[:400], "shortened": True})
        return f"<{_PRIORITIES.get(record.levelno, 7)}>{line}" if self._journal else line


class Terminal(logging.Formatter):
    """Time, level, message, fields; what has several lines follows below."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The lines."""
        entry = _clean_object(_entry(record), self._redact)
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        head = f"{moment} {record.levelname:<7} {entry.pop('message')}"
        below = []
        for name, value in entry.items():
            if isinstance(value, list):
                below += [f"    {item}" for item in value]
            elif name == "hint":
                below.append(f"    hint: {value}")
            elif name not in ("time", "level"):
                head += f" {name}={value}"
        return "\n".join(_printable(line) for line in (head, *below))


def set_up(variables: Mapping[str, str], level: str = "INFO", secrets: Collection[str] = ()) -> None:
    """Write what this process logs to standard error, and uncaught exceptions as well.

    `secrets` never appear in it. Called again, the later call holds.
    """
    descriptor, redact = sys.stderr.fileno(), Redactor(secrets)
    journal = _is_journal(descriptor, variables.get("JOURNAL_STREAM", ""))
    form = Terminal(redact) if os.isatty(descriptor) and not journal else Lines(redact, journal=journal)
    logging.basicConfig(level=level, handlers=[Sink(descriptor, form)], force=True)
    logging.captureWarnings(capture=True)
    # uvicorn tells of each step of its start, and warns of requests that are none: they have a line already.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda raised: _uncaught(raised.exc_type, raised.exc_value, raised.exc_traceback)
    threading.excepthook = lambda raised: _uncaught(raised.exc_type, raised.exc_value, raised.exc_traceback)


def log_failure(error: HelionyxError) -> None:
    """Log what a person has to act on: it needs no traceback."""
    message, *details = error.message.splitlines()
    fields: dict[str, object] = {"details": [line.strip() for line in details]} if details else {}
    if error.hint:
        fields["hint"] = error.hint
    logger.error(message, extra={"fields": fields})


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    logger.critical("a bug in the service", exc_info=(kind, error or kind(), trace))


def _is_journal(descriptor: int, stream: str) -> bool:
    """Whether the descriptor is the one that systemd has connected with the journal."""
    status = os.fstat(descriptor)
    return stream == f"{status.st_dev}:{status.st_ino}"


def _entry(record: logging.LogRecord) -> dict[str, object]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    entry: dict[str, object] = {
        "time": f"{moment}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "message": _message(record),
    }
    if record.name != logger.name:
        entry["logger"] = record.name
    fields: Mapping[str, object] = getattr(record, "fields", {})
    # What is not known of something, such as the path of a request that did not arrive, is left out.
    entry.update({name: value for name, value in fields.items() if name not in entry and value is not None})
    request_id = REQUEST_ID.get()
    if request_id is not None:
        entry["request_id"] = request_id
    if record.exc_info and record.exc_info[1] is not None:
        entry["error"], entry["traceback"] = _gist(record.exc_info[1]), _frames(record.exc_info[1])
    return entry


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - what cannot be formatted is still worth a line
        return f"{record.msg} {_text(record.args)}"


def _gist(error: BaseException) -> str:
    return "".join((f"{type(error).__name__}: ", *_text(error).splitlines()[:1]))


def _frames(error: BaseException) -> list[str]:
    """A traceback, one entry per frame, the exception last."""
    frames: list[str] = []
    begun = False  # whether the last entry is a frame that has no code yet
    for line in "".join(traceback.format_exception(error)).splitlines():
        text, frame = line.lstrip(" |"), _FRAME.match(line)
        if frame:
            function = f" in {frame['function']}" if frame["function"] else ""
            frames.append(f"{frame['file']}:{frame['line']}{function}")
        elif begun and line.startswith("    "):
            frames[-1] += f": {text}"
        elif text and not _CARETS.match(line) and not text.startswith("Traceback ("):
            frames.append(text)
        begun = frame is not None
    omitted = len(frames) - FIRST_FRAMES - LAST_FRAMES
    if omitted > 1:
        frames[FIRST_FRAMES:-LAST_FRAMES] = [f"... {omitted} more ..."]
    return frames


def _clean(value: Any, redact: Redactor) -> Any:
    """`value` as JSON can hold it, without secrets. Numbers too: a token may consist of digits."""
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, (str, int, float)):  # these are most, and to ask what else they are is slow
        return _clean_object(value, redact)
    text = str(value)
    clean = redact(text)
    if not isinstance(value, str) and clean == text and math.isfinite(value):
        return value
    omitted = len(clean) - LONGEST_TEXT
    return clean if omitted <= 0 else f"{clean[:LONGEST_TEXT]}... {omitted} characters more"


def _clean_object(value: Any, redact: Redactor) -> Any:
    if isinstance(value, Mapping):
        pairs = [(_text(name), item) for name, item in value.items()]
        return {redact(name): _of(name, item, redact) for name, item in pairs}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        if len(value) == 2:  # it may be a header
            return [_clean(value[0], redact), _of(_text(value[0]), value[1], redact)]
        return [_clean(item, redact) for item in value]
    return _clean(_text(value), redact)


def _of(name: str, value: object, redact: Redactor) -> object:
    return REDACTED if redact.names(name) else _clean(value, redact)


def _text(value: object) -> str:
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not cost the line
        return f"<{type(value).__name__}>"


def _one_line(entry: Mapping[str, object]) -> str:
    return _printable(_encode(entry))


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
