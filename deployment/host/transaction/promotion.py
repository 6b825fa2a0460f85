"""A promotion on the node: its release must be the very one that runs verified at its source."""

from __future__ import annotations

from ..observe.observe import observe
from ..records import locks
from ..releases import releases
from ..values.errors import Refused
from ..values.layout import Environment
from ..values.manifest import Manifest
from ..values.promoted import Promoted, differences
from ..values.request import Request

FEW = 5  # differences that are named


def refuse(request: Request) -> None:
    """Raise `Refused` unless a promoted release is what its source runs; any other request passes."""
    made = request.manifest
    if request.promoted is None or made is None:
        return
    environment = request.environment.layout.of(request.promoted.environment)
    if (holder := locks.holder(environment.layout, environment.name)) is not None:
        raise Refused(
            f"{environment.name} is being changed: {holder.text(environment.name)}", "try again then"
        )
    if problem := _problem(environment, request.promoted):
        raise Refused(
            f"release {request.promoted.release} of {environment.name} {problem}.",
            f"make status ENV={environment.name} says more",
        )
    running = releases.read_manifest(environment, request.promoted.release)
    if running is not None:
        _refuse_another(request.promoted, running, made)


def _problem(environment: Environment, promoted: Promoted) -> str:
    """The reason for which a release is not one that runs verified; empty where it is."""
    observed = observe(environment, with_log=False)
    on_node = observed.releases.get(promoted.release)
    if observed.current != promoted.release:
        return f"is not the current one any more: that is {observed.current or 'none'}"
    if on_node is None or not on_node.intact:
        return "was edited on the node"
    if not on_node.verified_at:
        return "was not verified there"
    if observed.runs != promoted.release or not (observed.answers or {}).get("ready"):
        return "does not run, or is not ready"
    return ""


def _refuse_another(promoted: Promoted, running: Manifest, made: Manifest) -> None:
    """Raise `Refused` where the release that comes has other code or other dependencies."""
    names = differences(running, made)
    if names:
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        raise Refused(
            f"the release is not what {promoted.environment} runs: {', '.join(names[:FEW])}{more} differs.",
            f"make deploy ENV={promoted.environment} from this checkout first",
        )
