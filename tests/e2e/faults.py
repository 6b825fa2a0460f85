"""Long matrices of faults: `make test` runs a sample of each, `make test-faults` the rest."""

from __future__ import annotations

import pytest


def fault(*values: object, name: str | None = None) -> object:
    """One case of a matrix that is not in the sample."""
    return pytest.param(*values, id=name, marks=pytest.mark.faults)
