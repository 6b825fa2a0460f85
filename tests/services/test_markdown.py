"""Escaped texts, read by a library for Markdown: they are shown as they were written."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.export import INDENT
from services.markdown import escaped

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

STRUCTURE = {"bullet_list", "list_item", "paragraph", "inline"}


def shown(text: str) -> str:
    """The text that a reader shows for an item of a list."""
    tokens = READER.parse(f"- **todo 5**: {escaped(text, INDENT)}\n- end\n")
    assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} <= STRUCTURE
    paragraphs = [_plain(token) for token in tokens if token.type == "inline"]
    assert paragraphs[-1] == "end"
    return "\n\n".join(paragraphs[:-1]).removeprefix("todo 5: ")


def _plain(token: Token) -> str:
    children = token.children or []
    kinds = {child.type for child in children if child.type not in ("strong_open", "strong_close")}
    assert kinds <= {"text", "text_special", "hardbreak"}, kinds
    return "".join("\n" if child.type == "hardbreak" else child.content for child in children)


@pytest.mark.parametrize(
    "text",
    [
        "*bold* _it_ `code` ~~gone~~ **",
        "[a link](https://a.page) ![x](y) <b>html</b> &amp; <https://a.page>",
        "# no heading",
        "one\n===",
        "one\n---",
        "one\n- two\n+ three\n* four\n> five\n1. six\n7) seven",
        "a | b\n--- | ---\nc | d",
        "one\n\ntwo\nthree",
        "```\ncode\n```",
        "~~~\ncode",
        "[1]: https://a.page",
        "back\\slash \\* \\",
        "x\\\ny",
        ": a definition",
        "1986\\. A great year",
        "82.1 kg\n-5 degrees\n#home\n=1+1\n+43 1",
        "a\n##### b\n#\n- - -\n--\n=",
        "emoji \U0001f468\u200d\U0001f469 ü \u05d0",
    ],
)
def test_a_text_stays_text(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "one\n    four spaces\n\ttab",
            "one\n\u00a0\u00a0\u00a0\u00a0four spaces\n\u00a0\u00a0\u00a0\u00a0tab",
        ),
        ("one\n\n\n\n    two", "one\n\n\u00a0\u00a0\u00a0\u00a0two"),
        ("a\r\nb\u2028c  \nd", "a\nb\nc\nd"),
        ("a\x00b\x1bc", "a\ufffdb\ufffdc"),
    ],
)
def test_white_space_and_control_characters_are_replaced(text: str, expected: str) -> None:
    assert shown(text) == expected


@settings(max_examples=100, deadline=None)
@given(st.text("ab1.)#*_-+=>`~|\\[]()!<&: \n\t$", min_size=1, max_size=40))
@example("a\n  \n - b")
def test_any_text_is_one_item_of_its_list(text: str) -> None:
    words = "".join(text.split())
    assert "".join(shown(f"x{text}").split()) == f"x{words}"
