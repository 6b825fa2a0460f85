"""`make doctor`: everything that a deploy needs, looked at from both ends, and never changed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ..build import layer
from ..build.source import Source
from ..errors import DeployError
from ..host.values.check import Check, bad, ok
from ..host.values.layout import ENVIRONMENTS
from ..host.values.manifest import BOT
from ..remote.connection import Connection
from ..remote.login import log_in
from ..remote.lost import Lost
from ..remote.messages import Checks, Clock, Done, Hello
from ..settings import Settings
from ..ui.report import Report
from . import checkout, rules
from .checkout import EnvFile


def doctor(settings: Settings) -> int:
    """Show every check, bad or not; the answer is 0 when none is bad, else 4, or 130 when interrupted."""
    report = Report(as_json=settings.json)
    try:
        _look(settings, report)
    except KeyboardInterrupt:
        return report.interrupt()
    return report.end()


def _look(settings: Settings, report: Report) -> None:
    source = checkout.code(settings.root)
    with report.looking("this checkout"):
        files, checks = _here(settings, source)
    report.section("this checkout", checks)
    for node, names in settings.by_node.items():
        request = {
            "environments": names,
            "project": source.project,
            "wanted": _addresses(files, names),
            "unconfigured": _unconfigured(settings, files),
        }
        _node(settings, report, node, request)


def _here(settings: Settings, source: Source) -> tuple[list[EnvFile], list[Check]]:
    """The env files of all three, for what they may not share; the checks of the selected ones."""
    files = [checkout.env_file(settings.env_dir, name, settings.nodes[name], source) for name in ENVIRONMENTS]
    selected = [file for file in files if file.environment in settings.environments]
    return files, [
        rules.tree(checkout.tree(settings.root)),
        *rules.tools(checkout.tools(source)),
        *(check for file in selected for check in rules.env_file(file, named=settings.named)),
        *rules.apart(files, settings.environments),
    ]


def _node(settings: Settings, report: Report, node: str, request: Mapping[str, object]) -> None:
    """The way to one node, and everything behind it as far as it can be reached."""
    user, title = "", f"the way to {node}"
    try:
        with report.looking(title):
            login = log_in(settings, node)
        user = login.user
        report.section(title, rules.login(node, login, settings.ssh_options), node)
        with Connection(settings, node) as connection:
            _converse(connection, report, user, request)
    except Lost as error:
        report.section("" if user else title, rules.lost(node, error, user, settings.ssh_options), node)
    except DeployError as error:  # the node's own words, such as that its Python is too old
        answer, rest = rules.refused(node, error)
        report.section("", [answer], node, answered_by=error.answered_by)
        report.section("", [rest], node)


def _converse(connection: Connection, report: Report, user: str, request: Mapping[str, object]) -> None:
    """Ask once, and show what comes until the result."""
    node = connection.node
    hello = connection.answer(Hello)
    report.section("", [rules.sudo(user)], node)
    started = time.time()
    connection.say(verb="doctor", **request)
    clock = connection.answer(Clock)
    half = (time.time() - started) / 2
    report.section(node, [_platform(hello), rules.clock(clock.at - started - half, half)], node)
    while True:
        with report.looking(f"looking at {node}"):
            answer = connection.answer(Checks, Done)
        if not isinstance(answer, Checks):
            return
        name = answer.environment
        title = f"{name} on {node}" if name else ""
        report.section(title, answer.checks, node, name, answered_by=node)


def _platform(hello: Hello) -> Check:
    """Check that dependencies can be chosen for the node."""
    try:
        target = layer.target_of(hello.python, hello.machine, hello.libc, pinned=hello.pinned)
    except DeployError as error:
        return bad("python", error.message, error.hint)
    return ok("python", f"{target.python}, pinned as /usr/bin/python{target.python}; {target.platform}")


def _unconfigured(settings: Settings, files: list[EnvFile]) -> list[str]:
    """The environments without an `.env` file that are not known yet to need one: the node tells that."""
    return [file.environment for file in files if file.mode is None and not settings.named]


def _addresses(files: list[EnvFile], names: list[str]) -> dict[str, object]:
    """The address and the bot of each accepted configuration, without its secrets."""
    return {
        file.environment: {
            "host": file.configuration.host,
            "port": file.configuration.port,
            "bot": file.configuration.digests.get(BOT),
        }
        for file in files
        if file.configuration is not None and file.environment in names
    }
