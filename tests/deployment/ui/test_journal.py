"""The journal as a person sees it."""

from __future__ import annotations

import io

import pytest

from deployment.ui.journal import Unfolding

HEAD = b"2026-11-24T02:00:00+00:00 node1 helionyx-dev[12]: "


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b'{"time":"t","level":"info","message":"answered","status":200}', b"answered status=200"),
        (b'{"level":"error","message":"no","hint":"do"}', b"error: no\n    hint: do"),
        (b'{"level":"error","message":"no","traceback":["a:1","E"]}', b"error: no\n    a:1\n    E"),
        (b'{"message":"\\u001b[2J\\u202e"}', b"\\u001b[2J\\u202e"),
        (b'{"message":"\xff"}', b"\\xff"),
        (b"\x1b]0;title\x07\xe2\x80\xae", b"\\u001b]0;title\\u0007\\u202e"),
        (b"{}", b"{}"),
        (b"Main process exited", b"Main process exited"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_lines_are_unfolded(line: bytes, shown: bytes, step: int) -> None:
    """However they are cut into pieces on the way; what is no line of a service stays as it is."""
    sink = io.BytesIO()
    unfolding = Unfolding(sink)
    data = HEAD + line + b"\n-- Boot 1 --\n" + HEAD + b"not whole"
    for start in range(0, len(data), step):
        unfolding.write(data[start : start + step])
    assert sink.getvalue() == HEAD + shown + b"\n-- Boot 1 --\n"
    unfolding.close()
    assert sink.getvalue() == HEAD + shown + b"\n-- Boot 1 --\n" + HEAD + b"not whole"
