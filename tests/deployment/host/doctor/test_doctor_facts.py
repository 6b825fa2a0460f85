"""What the units of an environment, and what its service answers, are to `make doctor` and `make status`."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment.host.doctor import doctor as there
from deployment.host.doctor import faults as faulty
from deployment.host.node.systemd import Unit
from deployment.host.values.layout import Layout
from deployment.host.values.manifest import Manifest
from deployment.host.values.observed import Observed, ReleaseOnDisk
from deployment.host.values.question import Question
from tests.deployment.host.doctor.test_doctor_node import DEV

UNIT = "helionyx-dev.service"


@pytest.mark.parametrize(
    ("service", "socket", "startable"),
    [
        ("inactive", "inactive", True),
        ("inactive", "active", True),
        ("active", "inactive", True),
        ("active", "active", False),
        ("failed", "active", False),
    ],
)
def test_what_is_down_and_has_not_failed_is_startable(service: str, socket: str, startable: bool) -> None:
    """A service whose socket alone was stopped is started by the same command."""
    unit = Unit("helionyx-dev.service", service, "", 0, 0, stale=False, listen=None, since="")
    seen = Observed(service=service, socket=socket)
    question = Question(Layout(), (DEV.environment,), project="helionyx")
    assert there._with_units(question, DEV, None, seen, unit).startable is startable


@pytest.mark.parametrize(
    ("runs", "answers", "faults"),
    [
        ("r", {"ready": True, "release": "r"}, []),
        ("r", {"ready": True, "release": "x"}, [f"{UNIT} runs r, but answers as x"]),
        ("r", {"ready": True, "release": "x" * 999}, [f"{UNIT} runs r, but answers as {'x' * 80}"]),
        ("r", {"ready": False, "reason": "damaged"}, ["127.0.0.1:8000 is not ready: damaged"]),
        ("r", None, ["127.0.0.1:8000 is not ready: no answer"]),
        ("old", {"ready": True, "release": "old"}, [f"{UNIT} runs old, but r is current"]),
        (
            "old",
            {"ready": True, "release": "r"},
            [f"{UNIT} runs old, but answers as r", f"{UNIT} runs old, but r is current"],
        ),
        (None, {"ready": True, "release": "r"}, [f"{UNIT} runs another release, but r is current"]),
    ],
)
def test_service_that_is_not_ready_is_a_fault(
    tmp_path: Path, runs: str | None, answers: dict[str, object] | None, faults: list[str]
) -> None:
    """With the reason that it gives, though it runs and its socket is open; so is one that lies."""
    unit = Unit("helionyx-dev.service", "active", "running", 812, 0, stale=False, listen=None, since="")
    release = Manifest("dev", "c", False, "s", "3.11", "p", "l", {}, {}, {}, {}, id="r")
    seen = Observed(
        current="r",
        releases={"r": ReleaseOnDisk()},
        enabled=True,
        service="active",
        socket="active",
        listen="127.0.0.1:8000",
        runs=runs,
        answers=answers,
    )
    found = faulty.of(Layout(tmp_path).of("dev"), seen, release, unit)
    assert [fault.text for fault in found if fault.about == "service"] == faults
