"""Plain words: one word for each idea, and docstrings that say what something is or does."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from services.config import ROOT

PLAIN = (
    "services",
    "deployment",
)
"""The folders in plain words: all of their names and docstrings."""

SMALL: tuple[str, ...] = (
    "deployment",
    "services",
    "node1",
    "scripts",
    "benchmarks",
)
"""The folders whose functions are small."""

TOKENS = 250  # of the code of a function, without its docstring and comments

FILES = sorted(path for folder in PLAIN for path in (ROOT / folder).rglob("*.py"))

OLD = frozenset(
    {
        *(
            "Keeper",
            "keeper",
            "Opened",
            "Guard",
            "Thing",
            "Said",
            "Talk",
            "Happened",
            "Placed",
            "Wish",
            "Draft",
            "Envelope",
        ),
        *("kept", "told", "mine", "place", "left", "wanted", "found", "unfit", "meaning", "guard", "patrol"),
        *("seen", "aside", "shelf", "settling", "carrying", "hands"),
    }
)
"""Names that are gone: each had another word in the glossary, or said nothing."""

MODULES = frozenset({"access", "declared", "guard", "keeper", "kept", "limits", "opened", "spoken", "talk"})

RIDDLE = re.compile(r"(what|who|whoever|whose|how|whether|which|where|that)\b", re.IGNORECASE)
"""The beginning of a docstring that has to be solved before it can be read."""

TRUTHS = ("bool", "TypeIs", "TypeGuard")
"""What a function returns whose docstring begins with "Whether"."""


def documented(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Each docstring of a file: its line, its text, and whether it is about a truth value."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            returns = getattr(node, "returns", None)
            is_bool = returns is not None and ast.unparse(returns).startswith(TRUTHS)
            if text is not None:
                yield getattr(node, "name", "module"), text, is_bool
        body = getattr(node, "body", None)
        for member, below in pairwise(body if isinstance(body, list) else ()):
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if is_text and isinstance(member, ast.Assign | ast.AnnAssign):
                name = ast.unparse(member).partition("\n")[0]
                yield name, str(below.value.value), "bool" in name or name.endswith(("True", "False"))


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    """Only that of a truth value begins with "Whether"."""
    riddles = [
        (str(path.relative_to(ROOT)), name, text.partition("\n")[0])
        for path in FILES
        for name, text, is_bool in documented(path)
        if RIDDLE.match(text) and not (is_bool and text.startswith("Whether "))
    ]
    assert not riddles


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """Each identifier of a file, with its line, but the keywords of calls: keys of JSON are written so."""
    tokens = list(tokenize.generate_tokens(path.open().readline))
    for token, following in pairwise(tokens):
        is_keyword = following.string == "=" and following.start == token.end
        if token.type == tokenize.NAME and not is_keyword:
            yield token.start[0], token.string


def test_old_names_are_gone() -> None:
    """From identifiers and from the names of files."""
    names = [
        (str(path.relative_to(ROOT)), line, name)
        for path in FILES
        for line, name in identifiers(path)
        if name in OLD
    ]
    assert not names
    assert not MODULES & {path.stem for path in FILES}


SKIPPED = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def sizes(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file, with the number of its tokens; a function inside of it counts as well."""
    source = path.read_text()
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = [token.start[0] for token in tokens if token.type not in SKIPPED]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            count = bisect_right(lines, node.end_lineno) - bisect_left(lines, node.lineno)
            yield node.name, count - (ast.get_docstring(node) is not None)


def test_functions_are_small() -> None:
    """A reader pays for tokens: see CONTRIBUTING.md."""
    large = [
        (str(path.relative_to(ROOT)), name, size)
        for folder in SMALL
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name, size in sizes(path)
        if size > TOKENS
    ]
    assert not large


PRINTED = (
    *(
        "kept as",
        "needs hands",
        "its configuration holds",
        "callers notice nothing",
        "callers notice a pause",
    ),
    *("callers notice an interruption", "turn current", "answers as this release", "the node has begun"),
    *("what serves was not touched", "what was there before", "no line is like", "the one of before"),
    *("those of before", "put aside", "owner's eyes only", "holds these words", "did not say whose"),
    *("no release to go back to", "was ever told to", "they are root's now", "expected a todo that is"),
    *("the bot begins anew", "setting this checkout up", "that are known here", "still stands here"),
    *("it has died", "mend", "mends", "0 bad", "troubled", "would not start on boot", "no step: this"),
    *("limit shows them", "have something kept", "2 not understood", "milliseconds", "is listened to"),
    *("the token is nobody's",),
)
"""Phrases of earlier messages. The glossary and plainer messages have replaced them."""

OLD_PHRASE = re.compile(rf"\b(?:{'|'.join(map(re.escape, PRINTED))})\b")

GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def texts(path: Path) -> Iterator[str]:
    """Each string of a file that may be a message: no docstring, and more than one word."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr):
            docstrings.add(id(node.value))
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and " " in text and id(node) not in docstrings:
            yield text


def test_old_phrases_are_gone() -> None:
    """From the guides, and from the messages of service and deployment."""
    paths = [path for folder in ("services", "deployment") for path in sorted((ROOT / folder).rglob("*.py"))]
    messages = [(path, text) for path in paths for text in texts(path)]
    guides = [(path, " ".join(path.read_text().split())) for path in GUIDES]
    old = [(str(path.relative_to(ROOT)), OLD_PHRASE.findall(text)) for path, text in [*messages, *guides]]
    assert [item for item in old if item[1]] == []
