"""The conversations of an honest node, and those of a hostile one: with one odd value each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

HASH, COMMIT = "0123456789abcdef" * 4, "0123456789" * 4
RELEASE, OLD = "1a2b3c4d5e6f-9f8e7d6c5b4a", "0a2b3c4d5e6f-9f8e7d6c5b4a"
TRANSACTION = "20260102T030405Z-dev-1a2b"


def lines(messages: list[Any]) -> bytes:
    """A conversation as bytes; a message of bytes stands for itself."""
    return b"".join(
        item if isinstance(item, bytes) else json.dumps(item).encode() + b"\n" for item in messages
    )


HELLO = {
    "type": "hello",
    "python": [3, 11],
    "pinned": True,
    "machine": "x86_64",
    "libc": ["glibc", "2.36"],
}
STATE: dict[str, Any] = {
    "environment": "dev",
    "state": "running",
    "problems": [],
    "notes": ["a note"],
    "release": RELEASE,
    "answers_as": RELEASE,
    "current": RELEASE,
    "previous": OLD,
    "commit": COMMIT,
    "subject": "A subject",
    "listen": "0.0.0.0:8000",
    "unit": "helionyx-dev.service",
    "user": "helionyx-dev",
    "data": "/var/lib/helionyx/dev",
    "journal": "helionyx-dev",
    "pid": 812,
    "restarts": 0,
    "since": 1.0,
    "memory": 50_000_000,
    "bot": {"state": "polling", "bot": "a_bot", "reason": None, "last_poll": "2026-01-02T03:04:05+00:00"},
    "starts_on_boot": True,
    "log": {"length": 5, "head": HASH, "said": {"position": 4, "hash": HASH}},
    "kept_logs": [{"name": "4-0123456789ab", "bytes": 1, "written_at": 1.0, "path": "/var/lib/x/kept/4"}],
    "releases": [RELEASE],
    "kept": [{"id": RELEASE, "deployed_at": 1.0, "bytes": 1, "intact": True}],
    "dependencies": {"bytes": 1},
    "drop_ins": [],
    "changing": {"actor": "Ada", "verb": "deploy", "transaction": TRANSACTION, "since": 1.0, "phase": "soak"},
    "unfinished": [],
}
FACTS = {
    "commit": COMMIT,
    "dirty": False,
    "config": {"api_host": "0.0.0.0", "api_port": 8000},
    "digests": {"API_PORT": HASH},
}
PLAN = {
    "type": "plan",
    "steps": [{"verb": "restart-service", "target": ["helionyx-dev.service"], "reason": "asked for"}],
    "callers": "a pause",
    "drop_ins": ["/etc/systemd/system/helionyx-dev.service.d/memory.conf"],
    "stopped": True,
    "before": OLD,
    "data": "/var/lib/helionyx/dev",
    "release": RELEASE,
    "log": None,
    "redaction": None,
    "manifest": FACTS,
    "desired": FACTS,
    "units": {"helionyx-dev.service": ["[Unit]"]},
    "desired_units": {"helionyx-dev.service": ["[Unit]"]},
}
REPLACEMENT = {
    "name": "4-0123456789ab",
    "length": 5,
    "head": HASH,
    "taken_from": ["dev"],
    "said": 4,
    "there": 3,
    "there_head": HASH,
    "aside": 5,
    "newer": 1,
    "begins": True,
    "flaw": "a flaw",
    "before_redaction": False,
}
BEGUN = {"type": "transaction", "id": TRANSACTION, "unit": f"helionyx-deploy-{TRANSACTION}.service"}
STEP = {"event": "step", "title": "restart service", "verb": "restart-service", "target": ["x"]}
REDACTED = {
    "position": 12,
    "changed": [12],
    "at": 20,
    "length": 19,
    "old_head": HASH,
    "new_head": HASH,
    "elsewhere": [13],
    "archived": ["/var/lib/helionyx/dev/kept/4-0123456789ab"],
    "backups": [{"at": 1.0, "by": "Ada", "position": 15}],
}
REBUILT = {"position": 5, "digest": HASH, "file": "/var/lib/helionyx/dev/projections/helionyx.db"}
DONE = {
    "type": "result",
    "outcome": "done",
    "message": "",
    "hint": "",
    "details": [],
    "before": OLD,
    "after": RELEASE,
    "state": "running",
}
REFUSED = DONE | {"outcome": "refused", "message": "port 8000 is in use", "hint": "stop it", "details": ["x"]}


def entry(**content: Any) -> dict[str, Any]:
    """A message with an entry of the record."""
    return {"type": "record", "entry": content}


def change(plan: dict[str, Any], facts: dict[str, Any]) -> list[Any]:
    """A change with an entry of each kind, some of which no honest change has together."""
    done = {"state": "done", "seconds": 0.1, "remark": "a remark", "facts": facts, "doubts": ["a doubt"]}
    return [
        HELLO,
        plan,
        BEGUN,
        {"type": "need", "blobs": []},
        entry(event="attempt", number=2),
        entry(**STEP, state="begin"),
        entry(**STEP, **done),
        entry(event="failed", title="second look", details=["a word"]),
        entry(event="revert", steps=plan["steps"]),
        entry(event="revert-failed", message="a message", details=["a word"]),
        DONE,
    ]


CONVERSATIONS: dict[str, list[Any]] = {
    "status dev": [HELLO, {"type": "result", "outcome": "done", "environments": [STATE]}],
    "history": [
        HELLO,
        {
            "type": "result",
            "outcome": "done",
            "first_bad": None,
            "lines": [
                {
                    "event": "start",
                    "at": 1.0,
                    "transaction": TRANSACTION,
                    "environment": "dev",
                    "verb": "redact",
                    "actor": {"name": "Ada"},
                    "before": OLD,
                    "wanted": RELEASE,
                },
                {
                    "event": "end",
                    "at": 2.0,
                    "transaction": TRANSACTION,
                    "environment": "dev",
                    "verb": "redact",
                    "outcome": "done",
                    "before": OLD,
                    "after": RELEASE,
                    "seconds": 1.0,
                    "reason": "a reason",
                    "position": 5,
                    "head": HASH,
                    "deleted": False,
                    "redacted": {"position": 5, "because": "a password"},
                },
            ],
        },
    ],
    "doctor dev": [
        HELLO,
        {"type": "clock", "at": 1.0},
        {
            "type": "checks",
            "environment": "dev",
            "checks": [{"name": "port", "level": "bad", "found": "taken", "mend": "free it"}],
        },
        {"type": "result", "outcome": "done"},
    ],
    "logs dev FOLLOW=0": [HELLO, {"type": "stream"}, b"2026 node helionyx[1]: a line\n"],
    "backup dev": [
        HELLO,
        {"type": "backup", "size": 4, "release": RELEASE, "position": 5, "hash": HASH},
        b"blob",
        {
            "type": "result",
            "outcome": "done",
            "sha256": "fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8",
        },
    ],
    "restart dev": change(PLAN, {}),
    "stop dev": [HELLO, REFUSED],
    "rebuild dev": change(PLAN, REBUILT),
    "redact dev POSITION=12 REASON=x": change(PLAN | {"redaction": {"changed": [12]}}, REDACTED),
    "restore dev BACKUP=4-0123456789ab": change(PLAN | {"log": REPLACEMENT}, {"kept": "/x/4-0", "newer": 1}),
    "cancel dev": [
        HELLO,
        {"type": "cancelling", "change": "deploy by Ada"},
        {
            "type": "result",
            "outcome": "done",
            "changes": [
                {"verb": "deploy", "actor": "Ada", "message": "cancelled.", "transaction": TRANSACTION}
            ],
            "remark": "a remark",
        },
    ],
}

LONG = "x" * 100_000
ESCAPE = "\x1b[2J\x1b]52;c;eA==\x07\x9b31m\r\nexit 0: done\nhint: run me\u202e\x00"
OPTION = "--output=created"
ODD: dict[str, Any] = {
    "null": None,
    "a number": 7,
    "negative": -1,
    "huge": 10**30,
    "fraction": -0.5,
    "truth": True,
    "text": "text",
    "empty": "",
    "escape": ESCAPE,
    "option": OPTION,
    "path": "../../created",
    "list": ["x"],
    "object": {"x": {"y": []}},
    "long": LONG,
    "many": [1] * 20_000,
}
NESTED = b'{"type":' + b"[" * 100_000


def variants(messages: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """A conversation with one odd value in it: each field of each message, missing and odd in each way."""
    for number, message in enumerate(messages):
        before, after = messages[:number], messages[number + 1 :]
        if isinstance(message, bytes):
            continue
        for path in paths(message):
            yield f"{number} {path} missing", [*before, replaced(message, path, missing=True), *after]
            for name, odd in ODD.items():
                yield f"{number} {path} {name}", [*before, replaced(message, path, odd), *after]
        for name, raw in {"nested": NESTED, "no end": b"[" * (1 << 20), "no text": b"\xff\n"}.items():
            yield f"{number} {name}", [*before, raw, *after]
        yield f"{number} left out", [*before, *after]
        yield f"{number} twice", [*before, message, message, *after]
        yield f"{number} the last", [*before, message]


def paths(value: Any) -> Iterator[tuple[str | int, ...]]:
    """The way to each value inside another."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (key,)
        yield from ((key, *rest) for rest in paths(item))


def replaced(value: Any, path: tuple[str | int, ...], odd: Any = None, *, missing: bool = False) -> Any:
    """A copy of a value with another one at the end of a way."""
    key, *rest = path
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[key] = replaced(copy[key], tuple(rest), odd, missing=missing)
    elif missing:
        del copy[key]
    else:
        copy[key] = odd
    return copy
