"""A promoted release has the code and the dependencies of the one that runs, and its own configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.host.values.layout import Layout
from deployment.host.values.manifest import Manifest
from deployment.host.values.promoted import differences
from tests.deployment.shelves import release

CODE = {"services/app.py": "a", "run.py": "b"}


def made(environment: str, **members: object) -> Manifest:
    """A release of an environment, with the files that each one has of its own."""
    unit = f"helionyx-{environment}.service"
    own = {f".env.{environment}": environment, "helionyx": environment, f"units/{unit}": environment}
    base = replace(release(Layout()), environment=environment, files={**CODE, **own}, units={unit: "u"})
    return replace(base, **members)  # type: ignore[arg-type]


def test_configuration_and_units_may_differ() -> None:
    """They are those of the environment."""
    assert differences(made("staging"), made("live")) == []


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"commit": "1" * 40}, ["its commit"]),
        ({"layer": "e" * 64}, ["its dependencies"]),
        ({"python": "3.12"}, ["Python"]),
        ({"files": {**CODE, "run.py": "x"}}, ["run.py"]),
        ({"files": {"run.py": "b", "services/new.py": "n"}}, ["services/app.py", "services/new.py"]),
        ({"files": {**CODE, "units/other.service": "n"}}, ["units/other.service"]),
    ],
)
def test_anything_else_is_named(members: dict[str, object], named: list[str]) -> None:
    """A file that changed, one that is new, and one that is gone; in both directions."""
    other = made("live", **members)
    assert differences(made("staging"), other) == named
    assert differences(other, made("staging")) == named
