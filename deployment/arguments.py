"""Parse the command line and the environment's variables into `Settings`, once."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from . import own_node, variables
from .errors import DeployError
from .host.values.layout import ENVIRONMENTS
from .settings import ROOT, Settings
from .verbs.table import EVERYWHERE, PLANNED, VARIABLES, VERBS, takers, variables_of

LARGEST_POSITION = 2**63 - 1
LONGEST_REASON = 500  # characters
LONGEST_WAIT, LONGEST_WATCH = 3600.0, 86_400.0  # seconds
LONGEST_SOAK = 600.0  # seconds; the node ends what is rehearsed for longer than it takes to forget it


def read(arguments: list[str], environ: Mapping[str, str], root: Path = ROOT) -> Settings:
    """Parse a request. Raises `DeployError` (exit code 2) for anything that is not one.

    Variables may stand among the arguments too, as make takes them: `rollback dev RELEASE=1a2b3c4d`.
    """
    flags = [word for word in arguments if word.startswith("--")]
    typed = _variables([word for word in arguments if "=" in word and word not in flags])
    verb, argument = _verb_and_environment(arguments, flags)
    names = {*typed, *environ.get("GIVEN", "").split()}
    environ = {**environ, **typed, **({"ENV_ORIGIN": "command line"} if "ENV" in typed else {})}
    planned = _planned(verb, environ, names)
    named, environments = choose(verb, argument, environ)
    environ, nodes, own = _way(verb, environ, environments, root)
    as_json = "--json" in flags or variables.truth("JSON", environ, default=False)
    chosen = Settings(verb, environments, named, nodes, root, planned=planned, own_node=own)
    settings = replace(chosen, json=as_json, confirm=_confirmed(environ, names))
    for read_more in (_with_paths, _with_lines, _with_release, _with_data):
        settings = read_more(settings, environ)
    return settings


def _verb_and_environment(arguments: list[str], flags: list[str]) -> tuple[str, str | None]:
    """The words of a command line: a verb, and an environment or none. Raises `DeployError` for others."""
    words = [word for word in arguments if "=" not in word and word not in flags]
    if unknown := [flag for flag in flags if flag != "--json"]:
        raise DeployError(
            f"unknown option {unknown[0]}.", "the only option is --json; the rest are variables"
        )
    if not words or words[0] not in VERBS:
        problem = f"unknown command {words[0]!r}." if words else "a command is needed."
        raise DeployError(problem, f"one of {', '.join(VERBS)}")
    if len(words) > 2:
        raise DeployError(
            f"one environment at a time, not {' '.join(words[1:])!r}.", f"make {words[0]} ENV={words[1]}"
        )
    return words[0], words[1] if len(words) == 2 else None


def _with_paths(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Read the variables about directories of this machine, and about ssh."""
    return replace(
        settings,
        here=settings.root / environ.get("CALLED_FROM", ""),
        env_dir=settings.root / (environ.get("ENV_DIR") or "."),
        ssh_options=variables.split(environ.get("SSH_OPTIONS", "")),
    )


def _with_lines(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Read the variables about the lines to show."""
    return replace(
        settings,
        follow=variables.truth("FOLLOW", environ, default=True),
        lines=variables.count("LINES", environ, "lines"),
        since=environ.get("SINCE") or None,
        grep=environ.get("GREP") or None,
    )


def _with_release(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Read the variables about the release to activate."""
    return replace(
        settings,
        release=environ.get("RELEASE") or None,
        soak=variables.seconds("SOAK", environ, VERBS[settings.change].soak, LONGEST_SOAK),
        watch=variables.seconds("WATCH", environ, VERBS[settings.change].watch, LONGEST_WATCH),
        wait=variables.seconds("WAIT", environ, 0.0, LONGEST_WAIT),
        keep=variables.count("KEEP", environ, "releases", least=1),
        config=variables.one_of("CONFIG", environ, "current"),
        source=_source(settings, environ),
        override=_override(settings, environ),
        insist=variables.truth("INSIST", environ, default=False),
    )


def _source(settings: Settings, environ: Mapping[str, str]) -> str:
    """The environment that a promotion takes its release from. Raises `DeployError` for an impossible one."""
    if "FROM" not in VERBS[settings.change].variables:
        return ""
    name, to = variables.one_of("FROM", environ, *ENVIRONMENTS) or "staging", settings.environment
    if name == to:
        raise DeployError(
            f"{to} cannot be promoted to itself.", f"make {settings.verb} FROM=staging ENV=live"
        )
    if settings.nodes[name] != settings.nodes[to]:
        raise DeployError(
            f"{name} is on {settings.nodes[name]}, {to} on {settings.nodes[to]}: it stays on a node.",
            f"make deploy ENV={to}, with the same commit",
        )
    return name


def _override(settings: Settings, environ: Mapping[str, str]) -> str:
    """The reason to pass the gate of live. Raises `DeployError` for one that says nothing."""
    value = environ.get("OVERRIDE") or ""
    if "OVERRIDE" not in VERBS[settings.change].variables or not value:
        return ""
    if settings.environment != "live":
        raise DeployError(f"{settings.environment} has no gate to override.", "leave OVERRIDE out")
    if not _is_reason(value.strip()):
        raise DeployError(
            f"OVERRIDE needs a reason, of {LONGEST_REASON} characters at most.",
            "OVERRIDE='CI is down, tests ran here'",
        )
    return value.strip()


def _is_reason(value: str) -> bool:
    return 0 < len(value) <= LONGEST_REASON and value.isprintable()


def _with_data(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Read the variables about the event log and the other data."""
    verb = settings.change
    takes_data = "DATA" in VERBS[verb].variables
    return replace(
        settings,
        to=environ.get("TO") or "",
        backup=_backup(verb, environ),
        delete=takes_data and variables.one_of("DATA", environ, "delete") is not None,
        position=_position(verb, environ),
        reason=_reason(verb, environ),
    )


def _confirmed(environ: Mapping[str, str], typed: Collection[str]) -> str | None:
    """The value of CONFIRM; under make only if it was typed, and does not merely stand in the shell."""
    if "GIVEN" in environ and "CONFIRM" not in typed:
        return None
    return environ.get("CONFIRM") or None


def _planned(verb: str, environ: Mapping[str, str], typed: Collection[str]) -> str:
    """The verb that a plan is of; empty for a deploy. Raises `DeployError` for variables that it lacks."""
    takes_verb = "VERB" in VERBS[verb].variables
    planned = (variables.one_of("VERB", environ, *PLANNED) or "") if takes_verb else ""
    _refuse_others(verb, planned, typed)
    return planned


def _refuse_others(verb: str, planned: str, typed: Collection[str]) -> None:
    """Raise `DeployError` for a variable that was typed and that the verb would leave out in silence."""
    for name in sorted(typed):
        if name not in (*EVERYWHERE, *variables_of(verb, planned)):
            others = takers(name)
            hint = f"{', '.join(others)} {'does' if len(others) == 1 else 'do'}" if others else "leave it out"
            of_another = f" of a {planned}" if planned else ""
            raise DeployError(f"{verb}{of_another} takes no {name}.", hint)


def _backup(verb: str, environ: Mapping[str, str]) -> str:
    value = environ.get("BACKUP") or ""
    if "BACKUP" in VERBS[verb].variables and not value:
        raise DeployError(
            f"{verb} needs a backup.",
            "BACKUP=file; make backup makes one, make status names those on the node",
        )
    return value


def _position(verb: str, environ: Mapping[str, str]) -> int:
    value = environ.get("POSITION") or ""
    if "POSITION" not in VERBS[verb].variables:
        return 0
    if not value.isdecimal() or not 0 < int(value) <= LARGEST_POSITION:
        raise DeployError(
            f"{verb} needs the position of an event, not {value!r}.",
            "POSITION=12; ./helionyx events shows the positions",
        )
    return int(value)


def _reason(verb: str, environ: Mapping[str, str]) -> str:
    value = (environ.get("REASON") or "").strip()
    if "REASON" in VERBS[verb].variables and not _is_reason(value):
        raise DeployError(
            f"{verb} needs a reason, of {LONGEST_REASON} characters at most.",
            "REASON='a password said by mistake', and never the password itself",
        )
    return value


def _variables(words: list[str]) -> dict[str, str]:
    values = dict(word.split("=", 1) for word in words)
    if unknown := sorted(set(values) - set(VARIABLES)):
        raise DeployError(f"there is no variable {unknown[0]}.", f"one of {', '.join(VARIABLES)}")
    return values


def choose(verb: str, argument: str | None, environ: Mapping[str, str]) -> tuple[bool, tuple[str, ...]]:
    """The environments that are meant, and whether somebody named one.

    A name on the command line must be one of the three. An ENV that merely stands in the shell counts only
    if it is one of them (some shells use ENV for a start-up file), and it never means live.
    """
    is_typed = environ.get("ENV_ORIGIN") == "command line"
    name = argument or (environ.get("ENV") if is_typed else None)
    if name:
        if name not in ENVIRONMENTS:
            raise DeployError(f"no such environment: {name!r}.", f"one of {', '.join(ENVIRONMENTS)}")
        return True, (name,)
    stands = environ.get("ENV")
    if stands == "live" and not VERBS[verb].looks_at_all:
        raise DeployError(
            "ENV=live stands in the shell's environment; live must be named on the command line.",
            f"make {verb} ENV=live",
        )
    if stands in ENVIRONMENTS:
        return True, (stands,)
    if not VERBS[verb].default:
        ignored = f" ENV={stands} in the shell is none." if stands else ""
        raise DeployError(
            f"{verb} needs an environment.{ignored}",
            f"make {verb} ENV=dev (one of {', '.join(ENVIRONMENTS)})",
        )
    return False, VERBS[verb].default


def _nodes(root: Path, node: str | None) -> dict[str, str]:
    """The node of each environment: `node`, or else from pyproject.toml's [tool.helionyx.nodes]."""
    path = root / "pyproject.toml"
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # the latter names line and column
        raise DeployError(
            f"{path} cannot be read: {error}.", "fix it, or git checkout -- pyproject.toml"
        ) from None
    nodes = project.get("tool", {}).get("helionyx", {}).get("nodes", {})
    return {name: node or str(nodes.get(name, "node1")) for name in ENVIRONMENTS}


def _way(
    verb: str, environ: Mapping[str, str], environments: Collection[str], root: Path
) -> tuple[Mapping[str, str], dict[str, str], bool]:
    """The variables, the node of each environment, and whether that is the node of `make try`."""
    nodes = _nodes(root, environ.get("NODE"))
    is_meant = verb != "env" and own_node.applies(environ, [nodes[name] for name in environments])
    own = own_node.load(root) if is_meant else None
    if own is None:
        return environ, nodes, False
    return {**environ, **own.variables()}, _nodes(root, own.node), True
