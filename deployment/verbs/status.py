"""Show the state of environments, with nothing changed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime

from ..errors import DONE, HANDS
from ..host.values.answers import ArchivedLog, InstalledRelease
from ..host.values.shapes import plain
from ..host.values.words import size
from ..remote.answers import Bot, Changing, Log, State, Status, ask_about
from ..settings import Settings
from ..ui.output import write_json
from ..ui.tables import INDENT, age, columns, count, fold, short, table

HEADS = ("environment", "state", "release", "address", "since", "events", "memory", "bot", "node")
LOGS = ("archived log", "in use until", "size", "where")
RELEASES = ("earlier release", "deployed", "size", "", "")
GOOD = ("running", "stopped", "absent", "changing")


def status(settings: Settings) -> int:
    """Show one environment in detail, or all of them; 4 when one of them needs attention."""
    states = list(_states(settings))
    code = DONE if all(item.state in GOOD for item in states) else HANDS
    if settings.json:
        environments = [{**plain(item), "node": settings.nodes[item.environment]} for item in states]
        write_json({"exit_code": code, "environments": environments})
        return code
    _show_states(settings, states)
    sys.stdout.write("exit 0: done\n" if code == DONE else f"exit {code}: manual action needed\n")
    return code


def _show_states(settings: Settings, states: list[State]) -> None:
    """Show the states, and below them all problems and notes."""
    if settings.named:
        _detail(settings.node, states[0])
    else:
        # One node is what everybody has, and goes without saying.
        shown = len(HEADS) - (len(settings.by_node) == 1)
        rows = [_row(settings.nodes[item.environment], item)[:shown] for item in states]
        sys.stdout.write(table(HEADS[:shown], rows, columns()))
    for item in states:
        for problem in (*item.problems, *item.notes):
            sys.stdout.write(fold(f"{item.environment}: ", problem, INDENT, columns()) + "\n")
    degraded = [item.environment for item in states if item.state not in GOOD]
    if degraded:
        which = f" ENV={degraded[0]}" if len(degraded) == 1 else ""
        sys.stdout.write(f"hint: make doctor{which} says what to do about it\n")


def _states(settings: Settings) -> Iterator[State]:
    for node, names in settings.by_node.items():
        yield from ask_about(settings, node, names, Status, verb="status").environments


def _row(node: str, item: State) -> tuple[str, ...]:
    if item.state == "absent":
        return (item.environment, "absent", *"------", node)
    return (
        item.environment,
        item.state,
        short(item.release),
        item.listen or "-",
        age(item.since),
        str(item.log.length) if item.log else "-",
        size(item.memory),
        item.bot.state if item.bot else "-",
        node,
    )


def _detail(node: str, item: State) -> None:
    """Show an environment in lines, and its releases and archived logs in tables."""
    if item.state == "absent":
        _show("environment", f"{item.environment} on {node}")
        _show("state", f"absent: make deploy ENV={item.environment} puts it there")
        return
    for key, value in _facts(node, item).items():
        _show(key, value)
    if item.installed:
        releases = [_release(item, release) for release in item.installed]
        sys.stdout.write("\n" + table(RELEASES, releases, columns()))
    if item.archived_logs:
        archived = [_archived_log(log) for log in item.archived_logs]
        sys.stdout.write("\n" + table(LOGS, archived, columns()))


def _facts(node: str, item: State) -> dict[str, str]:
    """The facts about an environment, by the name of their line."""
    releases = size(sum(release.bytes for release in item.installed))
    dependencies = size(item.dependencies.get("bytes", 0))
    return {
        "environment": f"{item.environment} on {node}",
        "state": item.state,
        "release": item.release or "-",
        "commit": f"{item.commit[:12]} {item.subject}" if item.commit else "-",
        "previous": item.previous or "-",
        "kept": f"{releases} of releases, listed below, and {dependencies} of dependencies",
        "address": item.listen or "-",
        "unit": f"{item.unit}, {'starts' if item.starts_on_boot else 'does not start'} on boot",
        "process": f"{item.pid}, since {age(item.since)}, {size(item.memory)}" if item.pid else "-",
        "bot": _bot(item.bot) if item.bot else "-",
        "user": item.user,
        "data": item.data,
        "event log": _log(item.log) if item.log else "-",
        "journal": f"namespace {item.journal}",
        "locked": _holder(item.changing) if item.changing else "no",
        "unfinished": ", ".join(item.unfinished) or "none",
    }


def _bot(bot: Bot) -> str:
    """The bot's state, its name, and when it was last heard of or why it does not listen."""
    name = f" as @{bot.bot}" if bot.bot else ""
    text = f"{bot.state}{name}" + (f": {bot.reason}" if bot.reason else "")
    with contextlib.suppress(ValueError):
        if bot.last_poll:
            text += f", last answer {age(datetime.fromisoformat(bot.last_poll).timestamp())} ago"
    return text


def _show(key: str, value: str) -> None:
    sys.stdout.write(fold(f"{key:<12} ", value, 13, columns()) + "\n")


def _archived_log(log: ArchivedLog) -> tuple[str, ...]:
    until = f"{age(log.written_at)} ago" if log.written_at else "-"
    return log.name, until, size(log.bytes), log.path


def _log(log: Log) -> str:
    return f"{count(log.length)}, head {log.head[:16]}" if log.length else "empty"


def _holder(changing: Changing) -> str:
    """The change that holds the lock, in the words by which the node refuses another one."""
    since = f", running for {age(changing.since)}" if changing.since else ""
    phase = f" ({changing.phase})" if changing.phase else ""
    return f"{changing.verb or 'a change'} by {changing.actor or 'somebody'}{since}{phase}"


def _release(item: State, release: InstalledRelease) -> tuple[str, ...]:
    names = {item.current: "current", item.previous: "previous"}
    never = "just being deployed" if item.changing else "it never came up"
    came_up = f"{age(release.deployed_at)} ago" if release.deployed_at else never
    edited = "" if release.intact else "edited on the node"
    return release.id, came_up, size(release.bytes), names.get(release.id, ""), edited
