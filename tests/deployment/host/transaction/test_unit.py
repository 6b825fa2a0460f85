"""The unit of a transaction: enabled for the next boot, removed at the end."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from deployment.host.node import files
from deployment.host.records import record
from deployment.host.transaction import unit
from deployment.host.transaction.carry_out import carry_out
from deployment.host.values.errors import StepFailed
from deployment.host.values.layout import Layout

REQUEST = {"verb": "deploy", "environment": "dev", "actor": {"name": "tester"}}


@pytest.fixture(autouse=True)
def orders(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The orders to systemd."""
    given: list[list[str]] = []
    monkeypatch.setattr(unit, "run", given.append)
    return given


def unit_files(layout: Layout) -> list[str]:
    """Every file and link of a transaction's unit, by its path on the node."""
    paths = layout.root.rglob("*helionyx-deploy-*.service*")
    return sorted(str(path.relative_to(layout.root)) for path in paths)


def test_unit_is_started_at_the_next_boot(layout: Layout, orders: list[list[str]]) -> None:
    """Its link in multi-user.target.wants leads to its file."""
    transaction = record.create(layout, REQUEST)
    unit.start(transaction, Path("/half.pyz"))
    name = transaction.unit
    link = f"etc/systemd/system/multi-user.target.wants/{name}"
    assert unit_files(layout) == sorted([f"etc/systemd/system/{name}", link])
    assert (layout.root / link).resolve() == layout.unit_file(name)
    assert f"-SI /half.pyz carry-out {transaction.id}\n" in layout.unit_file(name).read_text()
    assert orders == [["systemctl", "start", name]]
    unit.remove(transaction)
    assert unit_files(layout) == []


@pytest.mark.parametrize("full", ["file", "link"])
def test_full_disk_takes_the_unit_into_memory(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    """The change is possible: it does not go on after a reboot."""
    publish = files.publish

    def fail(path: Path, *_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def published(path: Path, *more: Any) -> None:
        if not path.is_relative_to(layout.root / "run"):
            fail(path)
        publish(path, *more)

    transaction = record.create(layout, REQUEST)
    (layout.root / "run/systemd/system").mkdir(parents=True)
    monkeypatch.setattr(files, *(("publish", published) if full == "file" else ("point", fail)))
    unit.start(transaction, Path("/half.pyz"))
    assert unit_files(layout) == [f"run/systemd/system/{transaction.unit}"]


def test_unit_that_systemd_refuses_leaves_no_file(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link of it would start the change at a boot long after."""

    def fail(_: list[str]) -> NoReturn:
        raise StepFailed("systemd does not answer.")

    monkeypatch.setattr(unit, "run", fail)
    with pytest.raises(StepFailed):
        unit.start(record.create(layout, REQUEST), Path("/half.pyz"))
    assert unit_files(layout) == []


def test_unit_of_a_forgotten_transaction_is_removed(layout: Layout) -> None:
    """A power cut can come between the end of a transaction and the removal of its unit."""
    transaction = record.create(layout, REQUEST)
    unit.start(transaction, Path("/half.pyz"))
    record.forget(transaction)
    carry_out(layout, transaction.id)
    assert unit_files(layout) == []


def test_unit_of_a_transaction_with_a_result_is_removed(layout: Layout) -> None:
    """Nothing else is done."""
    transaction = record.create(layout, REQUEST)
    unit.start(transaction, Path("/half.pyz"))
    transaction.write("result", outcome="done")
    carry_out(layout, transaction.id)
    assert unit_files(layout) == []
    assert [entry["event"] for entry in transaction.entries()] == ["result"]


@pytest.mark.parametrize(
    ("verb", "is_installed", "after"),
    [
        ("deploy", True, "network.target helionyx-dev.socket helionyx-dev.service"),
        ("deploy", False, "network.target"),
        ("remove", True, "network.target"),
    ],
)
def test_unit_comes_after_the_service_of_a_deployed_environment(
    layout: Layout, verb: str, is_installed: bool, after: str
) -> None:
    """A unit that is named but not there is listed by systemd, as if something were left."""
    service = layout.unit_file("helionyx-dev.service")
    service.parent.mkdir(parents=True)
    if is_installed:
        service.write_text("")
    transaction = record.create(layout, {**REQUEST, "verb": verb})
    lines = unit.text(transaction, Path("/half.pyz")).splitlines()
    assert [line.strip() for line in lines if line.startswith("After=")] == [f"After={after}"]
