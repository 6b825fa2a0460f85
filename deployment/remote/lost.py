"""The reason why a connection to the node has ended, in one sentence and with the remedy."""

from __future__ import annotations

import contextlib
import re
import shlex

from ..errors import DeployError
from ..host.values.words import JOURNAL

SSH = 255  # its own exit code; any other is that of the command on the node
NOT_FOUND = 127  # the exit code of a shell for a program that is not there
NO_LOGIN = re.compile(rb"This account is (currently )?not available")  # nologin's word, on standard output
STARTUP = "a start-up file of the login shell"
PASSWORD = re.compile(r"a password is required|a terminal is required|no tty present")
FORBIDDEN = re.compile(
    r"\S+ is not (in the sudoers file|allowed to run sudo)|Sorry, user \S+ (is not allowed|may not)"
)


class Lost(DeployError):
    """The connection ended before the node had said how it went.

    `about` is what it broke at: ssh, host key, sudo, tty, python, or the program itself.
    """

    def __init__(
        self, message: str, hint: str = "", *, about: str = "program", details: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, hint, details=details)
        self.about = about


def shown(node: str, options: tuple[str, ...], *more: str, command: str = "") -> str:
    """A login for people to paste, with the options that they gave."""
    return shlex.join(["ssh", *more, *options, node, *filter(None, [command])])


def not_installed(name: str) -> Lost:
    """No ssh on this machine; or no shell, for the node that it is itself."""
    return Lost(f"{name} is not installed here.", "apt-get install openssh-client", about="ssh")


def noise(node: str, line: bytes) -> Lost:
    """The node's first words, which are not those of our program."""
    if NO_LOGIN.match(line):
        return Lost(
            f"the login shell of that account on {node} lets nobody in: {line[:60].decode(errors='replace')}",
            "as root there: usermod --shell /bin/bash USER; or log in as another one",
            about="ssh",
        )
    return Lost(
        f"{node} printed unexpected output: {line[:60].decode(errors='replace')!r}.",
        f"{STARTUP} there may print text; it must be silent for ssh commands",
        about="ssh",
    )


def silent(node: str, seconds: float, options: tuple[str, ...], *, started: bool) -> Lost:
    """A node that says nothing for so long, once it has `started` or without a first word."""
    if started:
        return Lost(f"{node} said nothing for {seconds:g} s.", "make status shows what it is doing")
    return Lost(
        f"{node} has not answered within {seconds:g} s.",
        f"{STARTUP} there may read standard input, or wait; see {shown(node, options, '-v', command='true')}",
        about="ssh",
    )


def explain(node: str, code: int, words: list[str], options: tuple[str, ...] = ()) -> Lost:
    """Turn an exit code and the lines on stderr into a message and a hint; `options` are ssh's.

    The exit code says whose failure it is: banners and warnings stand on stderr too, and no word in them
    is an error.
    """
    if code == SSH and node != "local":
        return _of_ssh(node, words, options)
    return _of_sudo(node, words) or _of_command(node, code, words)


def _of_ssh(node: str, words: list[str], options: tuple[str, ...]) -> Lost:
    """A connection that ssh could not make, or has lost."""
    login = shown(node, options)
    last = words[-1] if words else f"exit code {SSH}"
    if any(line.startswith("@") and "HOST IDENTIFICATION HAS CHANGED" in line for line in words):
        return Lost(
            f"the host key of {node} has changed.",
            f"if you know why: {_forget_key(node, words)}, then {login}",
            about="host key",
        )
    if any(line.startswith("Host key verification failed") for line in words):
        return Lost(
            f"the host key of {node} is not known here.",
            f"{login} once, and compare its fingerprint",
            about="host key",
        )
    if last.startswith("Can't open user config file"):
        return Lost(f"ssh: {last}", "SSH_OPTIONS names it; after make try-down, unset that", about="ssh")
    return Lost(
        f"{node} cannot be reached by ssh: {last}",
        f"{login} true must work; NODE= names another node, SSH_OPTIONS= takes options",
        about="ssh",
    )


def _of_sudo(node: str, words: list[str]) -> Lost | None:
    """A refusal of sudo, which begins its lines with its name; None where it has refused nothing."""
    own = [line.removeprefix("sudo: ") for line in words if line.startswith("sudo: ")]
    rule = "make doctor writes the sudo rule out, docs/DEPLOYMENT.md explains it; or deploy as root"
    for line in own:
        if "must have a tty" in line:
            file, setting = "/etc/sudoers.d/helionyx", "Defaults:USER !requiretty"
            return Lost(
                f"sudo on {node} wants a terminal, by Defaults requiretty.",
                f"as root there, with USER for the one who logs in: echo '{setting}' >> {file}",
                about="tty",
            )
        if PASSWORD.search(line):
            return Lost(f"sudo on {node} wants a password: {line}", rule, about="sudo")
        if line.endswith("command not found"):
            return _no_python(node, line)
    refusal = next((line for line in words if FORBIDDEN.match(line)), None)
    return Lost(f"sudo on {node} refuses: {refusal}", rule, about="sudo") if refusal else None


def _of_command(node: str, code: int, words: list[str]) -> Lost:
    """The end of the command itself, which sudo or the login shell has started, or not."""
    if code == NOT_FOUND:
        return _no_python(node, words[-1] if words else f"exit code {code}")
    refused = [line.removeprefix(JOURNAL) for line in words if line.startswith(JOURNAL)]
    if refused:
        return Lost(f"journalctl on {node}: {refused[-1]}", "look at SINCE= and GREP=")
    # Our program says why it ends, by a word or a traceback; a login that ends before it says nothing.
    hint = "" if words else f"a login shell such as false, or {STARTUP}, may end it"
    return Lost(f"the program on {node} ended (exit code {code}).", hint, details=tuple(words[-30:]))


def _no_python(node: str, last: str) -> Lost:
    message = f"{node} lacks /usr/bin/python3 or sudo: {last}"
    return Lost(message, "apt-get install python3 sudo, there", about="python")


def _forget_key(node: str, words: list[str]) -> str:
    """The command that ssh itself proposes, for it knows the file and the name that the key stands under.

    A banner of the node stands among its lines, and could propose any other.
    """
    for line in words:
        with contextlib.suppress(ValueError):  # quotes that do not match
            match shlex.split(line):
                case ["ssh-keygen", "-f", file, "-R", host]:
                    return shlex.join(["ssh-keygen", "-f", file, "-R", host])
    return shlex.join(["ssh-keygen", "-R", node])
