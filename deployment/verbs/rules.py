"""Judge the facts about the operator's machine and the way to the node: pure rules, one check each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from ..build.configuration import OWN_FILE, outside
from ..build.envfile import PORTS
from ..errors import DeployError
from ..host.values import exposure
from ..host.values.check import Check, bad, ok, warn
from ..host.values.manifest import ACCESS, BOT
from ..remote.login import Login
from ..remote.lost import Lost, shown
from .checkout import EnvFile, Tools, Tree

SHOWN = 3  # changed files that are named
SLOW = 5.0  # seconds for a login: more makes every verb a wait
DRIFT = 2.0  # seconds between the clocks: more is a warning
APART = 60.0  # seconds between the clocks: more is bad, for no history of the two can be compared
EXPLAINED = ".env.template explains every key"


def tree(git: Tree) -> Check:
    """A release is named after a commit."""
    if git.problem:
        return bad("git", git.problem, git.mend)
    if git.changed:
        names = ", ".join(git.changed[:SHOWN])
        more = f" and {len(git.changed) - SHOWN} more" if len(git.changed) > SHOWN else ""
        return warn(
            "git", f"not committed, and live takes no such tree: {names}{more}", "git add --all && git commit"
        )
    return ok("git", f"all committed: {git.commit} {git.subject}")


def tools(installed: Tools) -> Iterator[Check]:
    """The tool and the lock that dependencies are built with."""
    if installed.uv is None:
        yield bad("uv", installed.uv_problem, "make setup")
    else:
        yield ok("uv", installed.uv)
    if installed.stale:
        yield warn(".venv", "is not as uv.lock says, and is used as it is", "make setup")
    if installed.pinned is None:
        mend = "git checkout -- uv.lock" if installed.uv else "make setup"
        yield bad("uv.lock", installed.lock_problem, mend)
    else:
        yield ok("uv.lock", f"pins {installed.pinned} packages for the node, with hashes")


def env_file(file: EnvFile, *, named: bool) -> Iterator[Check]:
    """There, private, and accepted by the release's own check. `named`: whoever names it needs its file."""
    name = file.path.name
    if file.mode is None:
        level = bad if named else warn
        yield level(name, f"is not in {file.path.parent}", f"make env ENV={file.environment}")
        return
    wrong = list(_wrong_with(file))
    yield from wrong
    if not wrong and file.configuration is not None:
        yield ok(name, f"private, accepted; {file.configuration.host} port {file.configuration.port}")


def _wrong_with(file: EnvFile) -> Iterator[Check]:
    name = file.path.name
    if file.mode is not None and file.mode & 0o077:
        yield bad(name, f"others can read its secrets: mode {file.mode:04o}", f"chmod 600 '{file.path}'")
    if file.unread:
        yield bad(name, f"cannot be read: {file.unread}", f"ls -ld '{file.path}': {OWN_FILE}")
    if file.unchecked:
        mend = "git diff services; it is the code of the release that fails, whatever the file says"
        yield bad(name, f"could not be checked: {file.unchecked}", mend)
    for problem in file.problems:
        yield bad(name, problem, f"edit {file.path}; {EXPLAINED}")
    if file.configuration is not None:
        for key, path, own in outside(file.configuration, file.environment):
            yield bad(
                name,
                f"{key}={path} is not below the data directory of {file.environment}",
                f"{key}={_below(own, key)} in {name}",
            )


def _below(own: Path, key: str) -> Path:
    return own / ("events" if key == "EVENT_STORE_PATH" else "projections/helionyx.db")


def apart(files: Sequence[EnvFile], selected: Sequence[str]) -> Iterator[Check]:
    """Two environments share no port or data path on one node, and no bot at all."""
    known = [file for file in files if file.configuration is not None]
    pairs = [
        (one, other)
        for one, other in combinations(known, 2)
        if one.environment in selected or other.environment in selected
    ]
    shared = [check for one, other in pairs for check in _shared(one, other)]
    yield from shared
    if pairs and not shared:
        names = ", ".join(file.environment for file in known)
        yield ok("env files", f"no port, data path or bot is shared by {names}")


def _shared(one: EnvFile, other: EnvFile) -> Iterator[Check]:
    assert one.configuration is not None
    assert other.configuration is not None
    ours, theirs = one.configuration, other.configuration
    both, file = f"{one.environment} and {other.environment}", other.path.name
    if one.node == other.node:
        if ours.port == theirs.port:
            off = one if ours.port == PORTS[other.environment] else other
            mend = f"API_PORT={PORTS[off.environment]} in {off.path.name}, or any other that is free"
            yield bad("port", f"{both} both want {ours.port}", mend)
        for key, path in ours.data.items():
            if path == theirs.data[key]:
                off = one if path == _own(other, key) else other
                mend = f"{key}={_own(off, key)} in {off.path.name}"
                yield bad("data", f"{both} share {path}", mend)
        yield from _open(one, other)
    if BOT in ours.digests and ours.digests[BOT] == theirs.digests.get(BOT):
        yield bad("bot", f"{both} have the same {BOT}", f"a bot of its own for {file}: /newbot at @BotFather")


def _open(*files: EnvFile) -> Iterator[Check]:
    """The API of one, which the code of the other could use: without a token, or with the same one."""
    tokens = {
        item.environment: exposure.token_of(item.configuration.digests)
        for item in files
        if item.configuration
    }
    for item in files:
        if others := exposure.open_to(item.environment, tokens):
            problem = f"the code of {others[0]} could use {item.environment}: no {ACCESS}, or the same"
            yield bad("token", problem, f"a new {ACCESS} in {item.path.name}")
            return


def _own(file: EnvFile, key: str) -> Path:
    return _below(Path("/var/lib/helionyx") / file.environment, key)


def login(node: str, session: Login, options: tuple[str, ...] = ()) -> Iterator[Check]:
    """The way to the node that is open; `options` are those that ssh was given."""
    if node == "local":
        yield ok("node", f"this machine, as {session.user}, without ssh")
        return
    text = f"{session.user} is logged in after {session.seconds:.2f} s"
    if session.seconds > SLOW:
        yield warn("ssh", text, f"{shown(node, options, '-v', command='true')} shows what it waits for")
    else:
        yield ok("ssh", text)
    yield ok("host key", f"known: {session.host_key}" if session.host_key else "known")


def lost(node: str, error: Lost, user: str, options: tuple[str, ...] = ()) -> Iterator[Check]:
    """The point at which the way to the node breaks off; nothing behind it was looked at."""
    last = f" | {error.details[-1]}" if error.details else ""
    mend = sudo_rule(node, user) if error.about == "sudo" and user else error.hint
    more = "sudo -n /usr/bin/python3 --version" if node == "local" else shown(node, options)
    yield bad(error.about, error.message + last, mend or f"{more} shows more")
    yield _not_looked_at(node)


def refused(node: str, error: DeployError) -> Iterator[Check]:
    """The node's own words, such as that its Python is too old, and what that keeps us from."""
    yield bad("node", error.message, error.hint or "choose another node")
    yield _not_looked_at(node)


def _not_looked_at(node: str) -> Check:
    return warn(
        "the rest",
        f"not looked at on {node}: disk, clock, ports, units, releases, data",
        "fix the above, then make doctor again",
    )


def sudo_rule(node: str, user: str) -> str:
    """The commands that let this login change the node."""
    file = "/etc/sudoers.d/helionyx"
    rule = f"echo '{user} ALL=(root) NOPASSWD: /usr/bin/python3' > {file}"
    return f"as root on {node}: {rule} && chmod 440 {file} && visudo --check"


def sudo(user: str) -> Check:
    """Said once the program has been started on the node, which takes root."""
    return ok("sudo", "not needed: root logs in" if user == "root" else f"without a password, as {user}")


def clock(offset: float, uncertainty: float) -> Check:
    """`offset` is how far the node's clock is ahead of ours, give or take `uncertainty` (seconds)."""
    far = abs(offset)
    text = f"{far:.1f} s {'ahead of' if offset > 0 else 'behind'} this machine's (± {uncertainty:.2f} s)"
    mend = "the clock that is wrong, as root there: timedatectl set-ntp true"
    if far > APART:
        return bad("clock", text, mend)
    return warn("clock", text, mend) if far > DRIFT else ok("clock", text)
