"""The unit that carries a transaction out: enabled, so that it goes on after a reboot. See ADR 19."""

from __future__ import annotations

import sys
from pathlib import Path

from ..node import files, reserve, shares
from ..node.run import run
from ..records.record import Transaction
from ..values.errors import HostError
from ..values.layout import Environment

STARTS = 12  # starts of one transaction's unit: it gives up by itself long before, unless it cannot write

UNIT = """\
# Made by a change of {environment}, and removed at its end. It goes on with that change after a reboot.
[Unit]
Description=Helionyx: {verb} {environment}
After=network.target {after}
RequiresMountsFor={paths}
CollectMode=inactive-or-failed
StartLimitIntervalSec=1h
StartLimitBurst={starts}

[Service]
Type=exec
ExecStart={python} -SI {program} carry-out {transaction}
Restart=on-failure
RestartSec=500ms
{shares}
[Install]
WantedBy=multi-user.target
"""


def text(transaction: Transaction, program: Path) -> str:
    """Return the unit file of a transaction. `program` is the host half that carries it out."""
    environment = transaction.layout.of(transaction.request["environment"])
    return UNIT.format(
        environment=environment.name,
        verb=transaction.request["verb"],
        after=" ".join(_before(environment, str(transaction.request["verb"]))),
        paths=f"{environment.layout.opt} {environment.layout.state}",
        starts=STARTS,
        python=sys.executable,
        program=program,
        transaction=transaction.id,
        shares=shares.TRANSACTION,
    )


def _before(environment: Environment, verb: str) -> tuple[str, ...]:
    """The units that come up first after a boot: a service that runs needs no restart.

    systemd would go on listing units that are not there, or no more.
    """
    if verb == "remove" or not environment.layout.unit_file(environment.service).exists():
        return ()
    return environment.socket, environment.service


def start(transaction: Transaction, program: Path) -> None:
    """Install, enable and start the unit of a transaction.

    Raises `StepFailed`, and leaves no file of it, if systemd refuses it.

    On a full disk the unit is in memory: the transaction does not go on after a reboot, but the next change
    closes it.
    """
    content = text(transaction, program).encode()
    path, link = transaction.layout.unit_file(transaction.unit), _link(transaction)
    try:
        link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        files.publish(path, content, 0o644, reserve.places(transaction.layout))
        files.point(link, path)
    except OSError as error:
        if error.errno not in reserve.FULL:
            raise
        remove(transaction)
        files.publish(_in_memory(transaction), content, 0o644, ())
    try:
        run(["systemctl", "start", transaction.unit])
    except HostError:
        remove(transaction)  # a link of it would start it at a boot long after
        raise


def remove(transaction: Transaction) -> None:
    """Remove the files of a transaction's unit. A process of it that runs goes on to its end."""
    path = transaction.layout.unit_file(transaction.unit)
    for file in (_link(transaction), path, _in_memory(transaction)):
        files.unfinished(file).unlink(missing_ok=True)
        file.unlink(missing_ok=True)


def _link(transaction: Transaction) -> Path:
    """The link by which systemd starts the unit at boot."""
    return (
        transaction.layout.unit_file(transaction.unit).parent / "multi-user.target.wants" / transaction.unit
    )


def _in_memory(transaction: Transaction) -> Path:
    """The unit file where no file system takes one."""
    return transaction.layout.root / "run/systemd/system" / transaction.unit
