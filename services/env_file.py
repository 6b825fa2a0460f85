"""The one grammar of `.env` files, and its one parser. Standard library only.

A file is UTF-8 lines that end in LF. A line is one of

- empty;
- a comment: `#` in the first column, and no backslash at the end;
- `KEY=VALUE`, with a KEY of A-Z, 0-9 and _ that begins with a letter. VALUE is either unquoted, of letters,
  digits and `_ . / : @ % + , = -`, or between two single or two double quotes, where everything may stand but
  that same quote, a backslash, `$` and a backtick.

Whatever systemd, a shell and dotenv would read differently is refused with its line, rather than read in one
of three ways. No message ever quotes a line: it may hold a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_BYTES = 64 * 1024
"""The largest file that is read at all."""

_KEY = re.compile(r"[A-Z][A-Z0-9_]*")
_UNQUOTED = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_MARK = b"\xef\xbb\xbf"  # of some editors, for UTF-8
_EXPORT = re.compile(r"export\s")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what was expected and found, where, and what to do. Holds no secret."""

    message: str
    key: str | None = None
    line: int | None = None
    """Counted from 1; None where the trouble is not in a line of a file."""
    hint: str = ""

    def __str__(self) -> str:
        where = ", ".join(part for part in (f"line {self.line}" if self.line else "", self.key or "") if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} ({self.hint})" if self.hint else text


@dataclass(frozen=True)
class Entry:
    """A value and the line that it stands on, or None where it comes from an OS variable."""

    value: str
    line: int | None = None


@dataclass(frozen=True)
class EnvFile:
    """A parsed file: the value of each key, and all problems of the rest."""

    entries: dict[str, Entry]
    problems: tuple[Problem, ...]
    is_read: bool = True
    """Whether the lines could be read: else the missing keys are unknown."""


def parse(data: bytes) -> EnvFile:
    """Read the bytes of an `.env` file. Never raises: all that is wrong stands in `problems`."""
    if problem := _of_the_whole(data):
        return EnvFile({}, (problem,), is_read=False)
    text = data.decode()
    entries: dict[str, Entry] = {}
    lines = text.split("\n")
    problems = _of_line_ends(lines)
    for number, line_text in enumerate(lines, start=1):
        parsed = _line(line_text.removesuffix("\r"), number)
        if isinstance(parsed, Problem):
            problems.append(parsed)
        elif parsed is not None:
            key, value = parsed
            if key in entries:
                first = f"it stands on line {entries[key].line} already"
                problems.append(Problem(f"given twice: {first}", key, number, "keep one of the two"))
            else:
                entries[key] = Entry(value, number)
    return EnvFile(entries, tuple(problems))


def _of_the_whole(data: bytes) -> Problem | None:
    """The reason why no line of a file can be read, if there is one: it is the only problem named."""
    if len(data) > MAX_BYTES:
        return Problem(f"the file has {len(data)} bytes; at most {MAX_BYTES} are read")
    if data.startswith(_MARK):
        return Problem("begins with a byte order mark", line=1, hint="save the file as UTF-8 without one")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return Problem("holds a zero byte, as UTF-16 does", line=line, hint="save the file as UTF-8")
    if b"\r" in data and b"\n" not in data:
        return Problem("ends in CR; LF was expected", line=1, hint="save it with Unix line endings")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem("not UTF-8", line=line, hint="save the file as UTF-8")
    return None


def _of_line_ends(lines: list[str]) -> list[Problem]:
    """A single problem for all lines that end in CRLF: an editor makes them all so, or none."""
    lines_with_returns = [number for number, text in enumerate(lines, start=1) if text.endswith("\r")]
    if not lines_with_returns:
        return []
    count = f"; so do {len(lines_with_returns) - 1} more" if len(lines_with_returns) > 1 else ""
    expected = f"ends in CRLF; LF was expected{count}"
    return [Problem(expected, line=lines_with_returns[0], hint="save it with Unix line endings")]


def _line(text: str, number: int) -> tuple[str, str] | Problem | None:
    if _CONTROL.search(text):
        return Problem("holds a control character", line=number, hint="tabs count as well")
    if not text:
        return None
    if text.startswith("#"):
        if text.endswith("\\"):
            return Problem("a comment ends in a backslash, which carries it on to the next line", line=number)
        return None
    return _assignment(text, number)


def _assignment(text: str, number: int) -> tuple[str, str] | Problem:
    if text[0].isspace():
        return Problem("begins with a space", line=number, hint="keys and comments begin in the first column")
    if _EXPORT.match(text):
        return Problem("begins with `export`, which systemd drops", line=number, hint="write KEY=VALUE alone")
    key, equals, raw = text.partition("=")
    if not equals:
        return Problem("not KEY=VALUE: no `=` was found", line=number)
    if key.endswith(" ") or raw.startswith(" "):
        return Problem("a space stands beside the `=`", line=number, hint="write KEY=VALUE without spaces")
    if not _KEY.fullmatch(key):
        return Problem("not a key before the `=`: A-Z, 0-9 and _ were expected, a letter first", line=number)
    reason = _refusal(raw)
    if reason:
        return Problem(reason, key, number)
    return key, raw[1:-1] if raw[:1] in ("'", '"') else raw


def _refusal(raw: str) -> str:
    """Why a value is refused, or nothing. The order decides only which of several reasons is named."""
    for character, name in (("\\", "a backslash"), ("$", "a `$`"), ("`", "a backtick")):
        if character in raw:
            return f"the value holds {name}, which is read in different ways even between quotes"
    quote = raw[:1]
    if quote in ("'", '"'):
        end = raw.find(quote, 1)
        if end < 0:
            return "the quote at the value's beginning has no partner on the line"
        return "" if end == len(raw) - 1 else "something follows the closing quote"
    if " #" in raw:
        return "a comment follows the value; comments have lines of their own"
    if "'" in raw or '"' in raw:
        return "a quote stands inside an unquoted value"
    if not _UNQUOTED.fullmatch(raw):
        return "an unquoted value holds more than letters, digits and _./:@%+,=-; put it between quotes"
    return ""
