"""Show the state of environments, with nothing changed."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..errors import DONE, HANDS
from ..host.values.words import size
from ..remote.answers import STATUS
from ..remote.connection import ask_about
from ..settings import Settings
from ..ui.tables import INDENT, age, columns, count, fold, short, table

HEADS = ("environment", "state", "release", "address", "since", "events", "memory", "bot", "node")
LOGS = ("archived log", "in use until", "size", "where")
RELEASES = ("earlier release", "deployed", "size", "", "")
GOOD = ("running", "stopped", "absent", "changing")


def status(settings: Settings) -> int:
    """Show one environment in detail, or all of them; 4 when one of them needs attention."""
    states = list(_states(settings))
    code = DONE if all(item["state"] in GOOD for item in states) else HANDS
    if settings.json:
        sys.stdout.write(json.dumps({"exit_code": code, "environments": states}, indent=1) + "\n")
        return code
    if settings.named:
        _detail(states[0])
    else:
        # One node is what everybody has, and goes without saying.
        shown = len(HEADS) - (len({item["node"] for item in states}) == 1)
        sys.stdout.write(table(HEADS[:shown], [_row(item)[:shown] for item in states], columns()))
    for item in states:
        for problem in (*item["problems"], *item["notes"]):
            sys.stdout.write(fold(f"{item['environment']}: ", problem, INDENT, columns()) + "\n")
    degraded = [item["environment"] for item in states if item["state"] not in GOOD]
    if degraded:
        which = f" ENV={degraded[0]}" if len(degraded) == 1 else ""
        sys.stdout.write(f"hint: make doctor{which} says what to do about it\n")
    sys.stdout.write("exit 0: done\n" if code == DONE else f"exit {code}: manual action needed\n")
    return code


def _states(settings: Settings) -> Iterator[dict[str, Any]]:
    for node, names in settings.by_node.items():
        for item in ask_about(settings, node, names, STATUS, verb="status")["environments"]:
            yield {**item, "node": node}


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    if item["state"] == "absent":
        return (item["environment"], "absent", *"------", item["node"])
    return (
        item["environment"],
        item["state"],
        short(item["release"]),
        item["listen"] or "-",
        age(item["since"]),
        str(item["log"]["length"]) if item["log"] else "-",
        size(item["memory"]),
        item["bot"]["state"] if item["bot"] else "-",
        item["node"],
    )


def _detail(item: dict[str, Any]) -> None:
    """Show an environment in lines, and its releases and archived logs in tables."""
    if item["state"] == "absent":
        _show("environment", f"{item['environment']} on {item['node']}")
        _show("state", f"absent: make deploy ENV={item['environment']} puts it there")
        return
    for key, value in _facts(item).items():
        _show(key, value)
    if item["kept"]:
        releases = [_release(item, release) for release in item["kept"]]
        sys.stdout.write("\n" + table(RELEASES, releases, columns()))
    if item["kept_logs"]:
        archived = [_archived_log(log) for log in item["kept_logs"]]
        sys.stdout.write("\n" + table(LOGS, archived, columns()))


def _facts(item: dict[str, Any]) -> dict[str, str]:
    """The facts about an environment, by the name of their line."""
    changing = item["changing"]
    releases = size(sum(release["bytes"] for release in item["kept"]))
    dependencies = size(item["dependencies"]["bytes"])
    return {
        "environment": f"{item['environment']} on {item['node']}",
        "state": item["state"],
        "release": item["release"] or "-",
        "commit": f"{item['commit'][:12]} {item['subject']}" if item["commit"] else "-",
        "previous": item["previous"] or "-",
        "kept": f"{releases} of releases, listed below, and {dependencies} of dependencies",
        "address": item["listen"] or "-",
        "unit": f"{item['unit']}, {'starts' if item['starts_on_boot'] else 'does not start'} on boot",
        "process": _process(item) if item["pid"] else "-",
        "bot": _bot(item["bot"]) if item["bot"] else "-",
        "user": item["user"],
        "data": item["data"],
        "event log": _log(item["log"]) if item["log"] else "-",
        "journal": f"namespace {item['journal']}",
        "changing": _doing(changing) if changing else "no",
        "unfinished": ", ".join(item["unfinished"]) or "none",
    }


def _bot(bot: dict[str, str | None]) -> str:
    """The bot's state, its name, and when it was last heard of or why it does not listen."""
    name = f" as @{bot['bot']}" if bot["bot"] else ""
    text = f"{bot['state']}{name}" + (f": {bot['reason']}" if bot["reason"] else "")
    with contextlib.suppress(ValueError):
        if bot["last_poll"]:
            text += f", last answer {age(datetime.fromisoformat(bot['last_poll']).timestamp())} ago"
    return text


def _show(key: str, value: str) -> None:
    sys.stdout.write(fold(f"{key:<12} ", value, 13, columns()) + "\n")


def _archived_log(log: dict[str, Any]) -> tuple[str, ...]:
    until = f"{age(log['written_at'])} ago" if log["written_at"] else "-"
    return log["name"], until, size(log["bytes"]), log["path"]


def _log(log: dict[str, Any]) -> str:
    return f"{count(log['length'])}, head {log['head'][:16]}" if log["length"] else "empty"


def _process(item: dict[str, Any]) -> str:
    return f"{item['pid']}, since {age(item['since'])}, {size(item['memory'])}"


def _doing(changing: dict[str, Any]) -> str:
    phase = f", now at: {changing['phase']}" if changing.get("phase") else ""
    return f"{changing.get('verb', 'a change')} by {changing.get('actor', 'somebody')}{phase}"


def _release(item: dict[str, Any], release: dict[str, Any]) -> tuple[str, ...]:
    names = {item["current"]: "current", item["previous"]: "previous"}
    never = "just being deployed" if item["changing"] else "it never came up"
    came_up = f"{age(release['deployed_at'])} ago" if release["deployed_at"] else never
    edited = "" if release["intact"] else "edited on the node"
    return release["id"], came_up, size(release["bytes"]), names.get(release["id"], ""), edited
