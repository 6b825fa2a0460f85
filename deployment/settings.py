"""What was asked for: the command line and the environment's variables, read once into values."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import DeployError
from .host.values.layout import ENVIRONMENTS

VERBS = (
    *("deploy", "plan", "rollback", "restart", "stop", "start", "remove", "restore", "rebuild", "redact"),
    *("status", "backup", "logs", "history", "verify", "env", "doctor"),
)
EVERYWHERE = ("ENV", "NODE", "SSH_OPTIONS", "ENV_DIR", "JSON")
TAKES = {
    "deploy": ("SOAK", "KEEP", "INSIST"),
    "plan": ("SOAK", "KEEP", "INSIST"),
    "rollback": ("RELEASE", "CONFIG", "SOAK", "INSIST"),
    "remove": ("DATA", "CONFIRM"),
    "backup": ("TO",),
    "restore": ("BACKUP", "SOAK", "CONFIRM"),
    "redact": ("POSITION", "REASON", "CONFIRM"),
    "logs": ("FOLLOW", "LINES", "SINCE", "GREP"),
    "history": ("LINES",),
}  # what each verb takes besides
VARIABLES = tuple(dict.fromkeys((*EVERYWHERE, *(name for taken in TAKES.values() for name in taken))))
ROOT = Path(__file__).resolve().parent.parent
LOOKS_AT_ALL = ("status", "history", "verify", "doctor")
TRUE = ("1", "yes", "true", "on")
FALSE = ("0", "no", "false", "off")
SOAK = {"deploy": 3.0, "plan": 3.0, "restore": 3.0}  # seconds; what `rollback` goes back to has proven itself
LARGEST_POSITION = 2**63 - 1
LONGEST_REASON = 500  # characters
LONGEST_SOAK = 600.0  # seconds; the node ends what is rehearsed for longer than it takes to forget it


@dataclass(frozen=True)
class Settings:
    """One request of one person, complete."""

    verb: str
    environments: tuple[str, ...]
    named: bool
    nodes: dict[str, str]
    ssh_options: tuple[str, ...]
    root: Path
    here: Path  # where the request was made: paths in it count from there
    env_dir: Path
    json: bool
    follow: bool
    lines: int | None
    since: str | None
    grep: str | None
    release: str | None
    to: str
    backup: str
    soak: float
    keep: int | None  # releases; None where nobody has said how many
    config: str | None
    insist: bool
    delete: bool
    confirm: str | None
    position: int  # of the event to redact; 0 for other verbs
    reason: str

    @property
    def environment(self) -> str:
        """The one environment that the verb is about."""
        return self.environments[0]

    @property
    def node(self) -> str:
        """Its node."""
        return self.nodes[self.environment]


def read(arguments: list[str], environ: Mapping[str, str], root: Path = ROOT) -> Settings:
    """Parse a request. Raises `DeployError` (exit code 2) for anything that is not one.

    Variables may stand among the arguments too, as make takes them: `rollback dev RELEASE=1a2b3c4d`.
    """
    given = _variables([word for word in arguments if "=" in word and not word.startswith("--")])
    typed = {*given, *environ.get("GIVEN", "").split()}
    environ = {**environ, **given, **({"ENV_ORIGIN": "command line"} if "ENV" in given else {})}
    words = [word for word in arguments if "=" not in word and not word.startswith("--")]
    flags = [word for word in arguments if word.startswith("--")]
    if unknown := [flag for flag in flags if flag != "--json"]:
        raise DeployError(
            f"unknown option {unknown[0]}.", "the only option is --json; the rest are variables"
        )
    if not words or words[0] not in VERBS:
        found = f"unknown command {words[0]!r}." if words else "a command is needed."
        raise DeployError(found, f"one of {', '.join(VERBS)}")
    if len(words) > 2:
        raise DeployError(
            f"one environment at a time, not {' '.join(words[1:])!r}.", f"make {words[0]} ENV={words[1]}"
        )
    verb = words[0]
    _refuse_others(verb, typed)
    named, environments = choose(verb, words[1] if len(words) == 2 else None, environ)
    return Settings(
        verb=verb,
        environments=environments,
        named=named,
        nodes={name: environ.get("NODE") or node for name, node in default_nodes(root).items()},
        ssh_options=_split(environ.get("SSH_OPTIONS", "")),
        root=root,
        here=root / environ.get("CALLED_FROM", ""),
        env_dir=(root / environ["ENV_DIR"]) if environ.get("ENV_DIR") else root,
        json="--json" in flags or _truth("JSON", environ, default=False),
        follow=_truth("FOLLOW", environ, default=True),
        lines=_count("LINES", environ, "lines"),
        since=environ.get("SINCE") or None,
        grep=environ.get("GREP") or None,
        release=environ.get("RELEASE") or None,
        to=environ.get("TO") or "",
        backup=_backup(verb, environ),
        soak=_seconds("SOAK", environ, default=SOAK.get(verb, 0.0)),
        keep=_count("KEEP", environ, "releases", least=1),
        config=_one_of("CONFIG", environ, "current"),
        insist=_truth("INSIST", environ, default=False),
        delete=verb == "remove" and _one_of("DATA", environ, "delete") is not None,
        confirm=_confirmed(environ, typed),
        position=_position(verb, environ),
        reason=_reason(verb, environ),
    )


def _confirmed(environ: Mapping[str, str], typed: Collection[str]) -> str | None:
    """Where make says what was typed, a name that merely stands in the shell is nobody's word."""
    if "GIVEN" in environ and "CONFIRM" not in typed:
        return None
    return environ.get("CONFIRM") or None


def _refuse_others(verb: str, typed: Collection[str]) -> None:
    """Raise `DeployError` for a variable that was typed and that the verb would leave out in silence."""
    for name in sorted(typed):
        if name not in (*EVERYWHERE, *TAKES.get(verb, ())):
            others = [other for other, taken in TAKES.items() if name in taken]
            hint = f"{', '.join(others)} {'does' if len(others) == 1 else 'do'}" if others else "leave it out"
            raise DeployError(f"{verb} takes no {name}.", hint)


def _backup(verb: str, environ: Mapping[str, str]) -> str:
    found = environ.get("BACKUP") or ""
    if verb == "restore" and not found:
        raise DeployError(
            "restore needs a backup.",
            "BACKUP=file; make backup makes one, make status names those on the node",
        )
    return found


def _position(verb: str, environ: Mapping[str, str]) -> int:
    value = environ.get("POSITION") or ""
    if verb != "redact":
        return 0
    if not value.isdecimal() or not 0 < int(value) <= LARGEST_POSITION:
        raise DeployError(
            f"redact needs the position of an event, not {value!r}.",
            "POSITION=12; ./helionyx events shows the positions",
        )
    return int(value)


def _reason(verb: str, environ: Mapping[str, str]) -> str:
    value = (environ.get("REASON") or "").strip()
    if verb == "redact" and not (0 < len(value) <= LONGEST_REASON and value.isprintable()):
        raise DeployError(
            f"redact needs a reason, of {LONGEST_REASON} characters at most.",
            "REASON='a password said by mistake', and never the password itself",
        )
    return value


def _variables(words: list[str]) -> dict[str, str]:
    found = dict(word.split("=", 1) for word in words)
    if unknown := sorted(set(found) - set(VARIABLES)):
        raise DeployError(f"there is no variable {unknown[0]}.", f"one of {', '.join(VARIABLES)}")
    return found


def choose(verb: str, argument: str | None, environ: Mapping[str, str]) -> tuple[bool, tuple[str, ...]]:
    """The environments that are meant, and whether somebody named one.

    A name on the command line must be one of the three. An ENV that merely stands in the shell counts only
    if it is one of them (some shells use ENV for a start-up file), and it never means live.
    """
    told = argument or (environ.get("ENV") if environ.get("ENV_ORIGIN") == "command line" else None)
    if told:
        if told not in ENVIRONMENTS:
            raise DeployError(f"no such environment: {told!r}.", f"one of {', '.join(ENVIRONMENTS)}")
        return True, (told,)
    stands = environ.get("ENV")
    if stands == "live" and verb not in LOOKS_AT_ALL:
        raise DeployError(
            "ENV=live stands in the shell's environment; live must be named on the command line.",
            f"make {verb} ENV=live",
        )
    if stands in ENVIRONMENTS:
        return True, (stands,)
    if verb in ("deploy", "plan", "rollback", "remove", "backup", "restore", "rebuild", "redact", "env"):
        ignored = f" ENV={stands} in the shell is none." if stands else ""
        raise DeployError(
            f"{verb} needs an environment.{ignored}",
            f"make {verb} ENV=dev (one of {', '.join(ENVIRONMENTS)})",
        )
    return False, ENVIRONMENTS if verb in LOOKS_AT_ALL else ("dev",)


def default_nodes(root: Path) -> dict[str, str]:
    """The node of each environment, from pyproject.toml's [tool.helionyx.nodes]."""
    path = root / "pyproject.toml"
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # the latter names line and column
        raise DeployError(
            f"{path} cannot be read: {error}.", "fix it, or git checkout -- pyproject.toml"
        ) from None
    nodes = project.get("tool", {}).get("helionyx", {}).get("nodes", {})
    return {name: str(nodes.get(name, "node1")) for name in ENVIRONMENTS}


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(os.path.expanduser(word) for word in shlex.split(text))  # noqa: PTH111  a word, not a path
    except ValueError as error:
        raise DeployError(
            f"SSH_OPTIONS cannot be split as a shell would: {error}.", "check its quotes"
        ) from None


def _truth(name: str, environ: Mapping[str, str], *, default: bool) -> bool:
    value = environ.get(name)
    if not value:  # make exports what nobody gave as an empty value
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise DeployError(f"{name}={value} is neither yes nor no.", f"{name}=1 or {name}=0")


def _seconds(name: str, environ: Mapping[str, str], default: float) -> float:
    value = environ.get(name)
    if not value:
        return default
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found <= LONGEST_SOAK:
        raise DeployError(f"{name}={value} is no number of seconds from 0 to {LONGEST_SOAK:g}.", f"{name}=3")
    return found


def _one_of(name: str, environ: Mapping[str, str], *known: str) -> str | None:
    value = environ.get(name)
    if value and value not in known:
        raise DeployError(f"{name}={value} means nothing.", f"{name}={' or '.join(known)}, or none at all")
    return value or None


def _count(name: str, environ: Mapping[str, str], what: str, least: int = 0) -> int | None:
    value = environ.get(name)
    if not value:
        return None
    if not value.isdecimal() or int(value) < least:
        raise DeployError(f"{name}={value} is not a number of {what}.", f"{name}=10")
    return int(value)
