"""A promotion: the code and the dependencies that run in one environment go to another one of the node.

The release is made of the same commit, with the other environment's configuration. The node compares its
files with those of the release that runs, and refuses any difference. See ADR 26.
"""

from __future__ import annotations

from ..build import configuration, layer, source
from ..errors import DeployError
from ..host.values.promoted import Promoted
from ..remote.answers import State, Status, ask_about
from ..settings import Settings
from .blobs import CACHE, Prepared


def prepare(settings: Settings) -> Prepared:
    """Read the commit that runs at the source, and the configuration. Raises `DeployError`."""
    name, cache = settings.source, settings.root / CACHE
    (state,) = ask_about(settings, settings.node, [name], Status, verb="status").environments
    release, commit = _running(state)
    try:
        code = source.read_commit(settings.root, commit)
    except DeployError as error:
        message = f"commit {commit[:12]}, which {name} runs, is not in this repository."
        raise DeployError(message, "git fetch, from where it was deployed", details=error.details) from error
    accepted = configuration.read(settings.env_dir, settings.environment, code, cache)
    return Prepared(code, accepted, layer.dependencies(code, cache), Promoted(name, release))


def _running(state: State) -> tuple[str, str]:
    """The release that an environment runs, and its commit. Raises `DeployError` where it has none."""
    name, again = state.environment, f"make deploy ENV={state.environment}"
    if state.current is None or state.commit is None:
        raise DeployError(f"{name} has no release that could be promoted.", again)
    if "-dirty-" in state.current:
        message = f"release {state.current} of {name} has changes that are not committed."
        raise DeployError(message, f"git commit, then {again}")
    return state.current, state.commit
